package serve

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"longtail/eval/status"
)

// longestLog is how much of the end of a log is shown.
const longestLog = 16 << 10

// jobName is a job of an array, or a single one.
var jobName = regexp.MustCompile(`^[0-9]+(_[0-9]+)?$`)

// jobLog is the end of the log of the job that was last at work on a run, from the folder of logs beside the run; empty where there is none.
func jobLog(root, logs string, row status.Row) string {
	if logs == "" || !jobName.MatchString(row.Job) {
		return ""
	}
	path, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(row.Folder), logs, row.Job+".log"))
	if err != nil {
		return ""
	}
	if path, err = filepath.Abs(path); err != nil || !within(root, path) {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	start := max(0, info.Size()-longestLog)
	text, err := io.ReadAll(io.NewSectionReader(f, start, longestLog))
	if err != nil {
		return ""
	}
	if start > 0 {
		_, rest, _ := strings.Cut(string(text), "\n") // the first line is cut off
		return "...\n" + rest
	}
	return string(text)
}
