// Package build says which program this is: its version and the commit of its source.
package build

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version is that of the program, as in CHANGELOG.md.
const Version = "0.2.0-dev"

// commit is set by the Makefile: -ldflags "-X longtail/internal/build.commit=...".
var commit string

// Commit is the revision of the source, ending in + where files were changed; empty where the build does not know it.
func Commit() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return fromSettings(info.Settings)
}

// fromSettings is the revision among the settings of a build by the go command in a repository.
func fromSettings(settings []debug.BuildSetting) string {
	revision, changed := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}

// String is version, commit, compiler and platform in a line.
func String() string {
	at := Commit()
	if at == "" {
		at = "unknown"
	}
	return fmt.Sprintf("%s, commit %s, %s, %s/%s", Version, at, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
