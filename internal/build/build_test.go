package build

import (
	"runtime/debug"
	"testing"
)

func TestCommitOfABuild(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "abc"}
	for want, settings := range map[string][]debug.BuildSetting{
		"":     {{Key: "vcs.modified", Value: "true"}},
		"abc":  {revision, {Key: "vcs.modified", Value: "false"}},
		"abc+": {{Key: "vcs.modified", Value: "true"}, revision},
	} {
		if got := fromSettings(settings); got != want {
			t.Errorf("%v: %q, want %q", settings, got, want)
		}
	}
}
