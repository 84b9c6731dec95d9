package data

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderIsTheFlagThenTheVariableThenTheCache(t *testing.T) {
	t.Setenv(FolderVariable, "/from/variable")
	t.Setenv("XDG_CACHE_HOME", "/cache")
	t.Setenv("HOME", t.TempDir())
	if dir, err := Folder("/from/flag"); err != nil || dir != "/from/flag" {
		t.Error(dir, err)
	}
	if dir, err := Folder(""); err != nil || dir != "/from/variable" {
		t.Error(dir, err)
	}
	t.Setenv(FolderVariable, "")
	if dir, err := Folder(""); err != nil || !strings.HasSuffix(dir, string(filepath.Separator)+"longtail") {
		t.Error(dir, err)
	}
}
