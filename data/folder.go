package data

import (
	"os"
	"path/filepath"

	"longtail/internal/fail"
)

// FolderVariable is the environment variable that names the data folder where no flag does.
const FolderVariable = "LONGTAIL_DATA"

// Folder is where data sets lie: dir if it is not empty, else $LONGTAIL_DATA, else the folder longtail in the user's cache
// folder. It need not exist.
func Folder(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	if dir = os.Getenv(FolderVariable); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fail.Data("finding the data folder: %w\nname one with --data-dir or $%s", err, FolderVariable)
	}
	return filepath.Join(cache, "longtail"), nil
}
