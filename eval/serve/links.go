package serve

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"longtail/internal/run"
)

// linkedOut stands in place of what a file outside of the folder says.
const linkedOut = "a file of this run is a link that leads out of the folder: it is not shown"

// runFiles are the files of a run that the page reads.
var runFiles = []string{run.ConfigFile, run.EnvironmentFile, run.SplitFile, run.MetricsFile, run.TimingFile, run.SummaryFile, run.FailureFile}

// leadsOut reports whether a file of a run is a link to outside of root, which is absolute and without links.
func leadsOut(root, dir string) bool {
	return slices.ContainsFunc(runFiles, func(name string) bool {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&os.ModeSymlink == 0 {
			return false
		}
		target, err := filepath.EvalSymlinks(path)
		if err == nil {
			target, err = filepath.Abs(target)
		}
		return err != nil || !within(root, target)
	})
}

// within reports whether a path lies below root.
func within(root, path string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator))
}
