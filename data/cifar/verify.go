package cifar

import (
	"errors"
	"io/fs"
	"longtail/data"
	"longtail/internal/disk"
	"path/filepath"
)

// verify compares every file of the set in the data folder (see data.Folder) with its size and SHA-256. The error is for the folder;
// what is wrong with files stands in the reports.
func (s *set) verify(dir string) ([]data.FileReport, error) {
	dir, err := data.Folder(dir)
	if err != nil {
		return nil, err
	}
	a := s.source.archive
	var reports []data.FileReport
	for _, f := range a.files() {
		path := filepath.Join(dir, a.folder, f.name)
		raw, err := disk.Read(path, int64(a.bytes(f))+1)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			reports = append(reports, data.FileReport{Path: path, State: data.FileMissing, Err: errMissing(a.bytes(f), a.name)})
			continue
		case err == nil:
			err = a.checkFile(f, raw)
		}
		if err != nil {
			reports = append(reports, data.FileReport{Path: path, State: data.FileDamaged, Err: err})
			continue
		}
		reports = append(reports, data.FileReport{Path: path, State: data.FileOK})
	}
	return reports, nil
}
