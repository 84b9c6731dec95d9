package status

import (
	"path/filepath"
	"testing"

	"longtail/internal/run"
)

// Whatever grows in a metrics.jsonl, reading on gives what reading all gives, or both give an error or nothing.
func FuzzMetrics(f *testing.F) {
	f.Add([]byte(lines(1)), []byte(`{"epoch": 2, "step": 194}`+"\n"))
	f.Add([]byte(`{"epoch": 1, "st`), []byte(`ep": 5}`+"\n{}\n"))
	f.Fuzz(func(t *testing.T, first, more []byte) {
		path := filepath.Join(t.TempDir(), run.MetricsFile)
		put(t, path, string(first))
		var grown, whole metrics
		if grown.read(path) != nil {
			return
		}
		put(t, path, string(first)+string(more))
		errGrown, errWhole := grown.read(path), whole.read(path)
		if errWhole == nil && (errGrown != nil || grown.last.Step != whole.last.Step || grown.end != whole.end) {
			t.Fatalf("%+v, %v; at once %+v", grown, errGrown, whole)
		}
	})
}
