package data

import (
	"os"
	"path/filepath"
	"strings"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// Format is a kind of file that is a data set of its own.
type Format struct {
	Extension string // of its files, with the dot
	Open      func(path string) (*Set, error)
}

var formats []Format

// RegisterFormat makes a kind of file known; the package of a format calls it in its init.
func RegisterFormat(f Format) { formats = append(formats, f) }

// IsFile reports whether data.dataset names a file: it is a path, or ends in the extension of a registered format.
func IsFile(dataset string) bool {
	_, known := formatOf(dataset)
	return known || strings.ContainsAny(dataset, "/"+string(os.PathSeparator))
}

func formatOf(path string) (Format, bool) {
	for _, f := range formats {
		if strings.HasSuffix(path, f.Extension) {
			return f, true
		}
	}
	return Format{}, false
}

// Title is what a data set is called in names of runs and results: that of a file is its name without folder and extension.
func Title(dataset string) string {
	if !IsFile(dataset) {
		return dataset
	}
	title := filepath.Base(dataset)
	if f, ok := formatOf(title); ok {
		title = strings.TrimSuffix(title, f.Extension)
	}
	return title
}

// openFile describes a file as a data set.
func openFile(path string) (*Set, error) {
	f, ok := formatOf(path)
	if !ok {
		var extensions []string
		for _, f := range formats {
			extensions = append(extensions, f.Extension)
		}
		return nil, fail.Usage("data.dataset=%s: that is no file of images that this program reads, whose names end in %s\npack a folder of images with: longtail data pack FOLDER --size 64 --out images.pack",
			path, strings.Join(extensions, " or "))
	}
	return f.Open(found(path))
}

// found is where a file lies: at its path or, where nothing is there, in the data folder that the environment names. A run can so be read in
// another place than that where it was trained.
func found(path string) string {
	if folder := os.Getenv(FolderVariable); folder != "" && !disk.Exists(path) {
		if other := filepath.Join(folder, filepath.Base(path)); disk.Exists(other) {
			return other
		}
	}
	return path
}
