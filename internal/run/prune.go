package run

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// PrunedFile records the checkpoints that were removed from a finished run to make room.
const PrunedFile = "pruned.json"

// pruned is pruned.json.
type pruned struct {
	Removed map[string]string `json:"removed"` // SHA-256 of the files, as in the seal, by file name
}

// Prune removes the checkpoints of a finished run but the last one, and gives the bytes that it freed. What it removes it records, so that
// checks tell it from a loss. It removes nothing where a checkpoint does not fit the seal: that is a data error, and so is a run without a seal.
func (f *Folder) Prune(s *Summary) (freed int64, err error) {
	if s.Seal == nil {
		return 0, fail.Data("%s has no seal, so its checkpoints are kept", f.Path(SummaryFile))
	}
	before, err := readPruned(f.Dir)
	if err != nil {
		return 0, err
	}
	record := pruned{maps.Clone(before)}
	if record.Removed == nil {
		record.Removed = map[string]string{}
	}
	var remove []string
	for _, name := range Checkpoints() {
		if !f.Has(name) && name != Last {
			continue
		}
		if err := s.checkFile(f.Dir, name, ""); err != nil {
			return 0, fail.Data("%s: %w\nno checkpoint was removed", f.Path(name), err)
		}
		if name != Last {
			remove = append(remove, name)
			record.Removed[filepath.Base(name)] = s.Seal.Checkpoints[filepath.Base(name)]
		}
	}
	if len(remove) == 0 {
		return 0, nil
	}
	if err := f.WriteJSON(PrunedFile, record); err != nil {
		return 0, err
	}
	for _, name := range remove {
		info, err := os.Stat(f.Path(name))
		if err != nil {
			return freed, fmt.Errorf("removing a checkpoint: %w", err)
		}
		if err := f.Remove(name); err != nil {
			return freed, err
		}
		freed += info.Size()
	}
	return freed, nil
}

// readPruned is the record of removed checkpoints: file names with their SHA-256; empty where there is none.
func readPruned(dir string) (map[string]string, error) {
	path := filepath.Join(dir, PrunedFile)
	text, err := disk.Read(path, MaxRecordBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var p pruned
	if err == nil {
		err = disk.Decode(text, &p)
	}
	if err != nil {
		return nil, fail.Data("%s is damaged: %w", path, err)
	}
	return p.Removed, nil
}

// WasRemoved reports whether the record of removed checkpoints in a folder has one of that name.
func WasRemoved(dir, name string) bool {
	record, err := readPruned(dir)
	return err == nil && record[filepath.Base(name)] != ""
}

// Removed are the file names of the checkpoints that the seal names and that were removed from the folder to make room, by Prune.
func (s *Summary) Removed(dir string) ([]string, error) {
	if s.Seal == nil {
		return nil, nil
	}
	record, err := readPruned(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(record)) {
		path := filepath.Join(dir, filepath.Dir(Last), name)
		if want, sealed := s.Seal.Checkpoints[name]; sealed && want == record[name] && name != filepath.Base(Last) && !Exists(path) {
			names = append(names, name)
		}
	}
	return names, nil
}

// isRemoved reports whether a checkpoint is one of Removed.
func (s *Summary) isRemoved(dir, name string) (bool, error) {
	names, err := s.Removed(dir)
	return slices.Contains(names, filepath.Base(name)), err
}
