package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// FileReport says what is known of one file of a data set.
type FileReport struct {
	Path  string // in the data folder
	State FileState
	Err   error // what was expected and found, where State is not FileOK
}

// FileState is ok, missing or damaged.
type FileState string

// The states of a file.
const (
	FileOK      FileState = "ok"
	FileMissing FileState = "missing"
	FileDamaged FileState = "damaged" // or unreadable
)

// Verify compares every file of a data set in the data folder (see Folder) with its size and SHA-256. Procedural sets have no
// files. The error is for an unknown data set or folder; what is wrong with files stands in the reports.
func Verify(dir, dataset string) ([]FileReport, error) {
	set, err := lookup(dataset)
	if err != nil || set.source == nil {
		return nil, err
	}
	if dir, err = Folder(dir); err != nil {
		return nil, err
	}
	a := set.source.archive
	var reports []FileReport
	for _, f := range a.files() {
		path := filepath.Join(dir, a.folder, f.name)
		raw, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			reports = append(reports, FileReport{path, FileMissing, errMissing(a.bytes(f), a.name)})
			continue
		case err == nil:
			err = a.checkFile(f, raw)
		}
		if err != nil {
			reports = append(reports, FileReport{path, FileDamaged, err})
			continue
		}
		reports = append(reports, FileReport{path, FileOK, nil})
	}
	return reports, nil
}
