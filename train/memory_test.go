package train

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/config"
	"longtail/internal/fail"
)

// Checkpoints are taken where memory is short, never or always, as train.checkpoint says; what does not fit even so is refused before anything
// is opened, with a batch that fits. A step of a batch of 8 needs 80 MB, 40 MB with checkpoints; the two evaluated sets need 2 MB.
func TestCheckpointsWhereMemoryIsShort(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		mode      string
		batch     string
		available int64
		lacks     bool
		note      string // part of the remark; empty: none
		err       string // part of the device error; empty: none
	}{
		{"auto", "8", 0, false, "", ""},
		{"auto", "8", 82 * mb, false, "", ""},
		{"auto", "8", 81 * mb, false, "a step needs 0.0419 GB in place of 0.0839 GB, because 5 of 7 convolutions are computed twice", ""},
		{"always", "8", 0, false, "(train.checkpoint=always)", ""},
		{"never", "8", 82 * mb, false, "", ""},
		{"never", "8", 81 * mb, false, "", "leave train.checkpoint=never out, lower"},
		{"auto", "8", 41 * mb, false, "", "a batch of 8 images needs 0.0 GB of memory, and 0.0 GB are available\nlower train.batch"},
		{"auto", "48", 90 * mb, false, "", "; train.batch=16 fits"},
		{"never", "48", 90 * mb, false, "", "; train.batch=8 fits"},
		{"auto", "8", 81 * mb, true, "", "lower train.batch"},
		{"always", "8", 0, true, "", "fake repeats nothing"},
	} {
		b := fake()
		b.available, b.lacks = c.available, c.lacks
		b.need = func(batch int) int64 { return int64(batch) * 10 * mb }
		j := job(t, filepath.Join(t.TempDir(), "r"), b, "train.checkpoint="+c.mode, "train.batch="+c.batch)
		var remarks []string
		j.Observers = append(j.Observers, func(e Event) error {
			if r, ok := e.(Remark); ok {
				remarks = append(remarks, r.Text)
			}
			return nil
		})
		_, err := Run(context.Background(), j)
		said := strings.Join(remarks, "\n")
		switch {
		case c.err == "" && (err != nil || (said == "") != (c.note == "") || !strings.Contains(said, c.note)):
			t.Errorf("%+v: %v, said %q", c, err, said)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || len(b.opened) > 0):
			t.Errorf("%+v: %v, opened %v", c, err, b.opened)
		case c.err != "" && !c.lacks && fail.Code(err) != fail.CodeDevice:
			t.Errorf("%+v: exit code %d", c, fail.Code(err))
		}
	}
}

// A run resumes with or without checkpoints, and ends with the same bits.
func TestResumeWithOtherCheckpoints(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	interrupt(t, dir, 3)
	mustRun(t, job(t, dir, fake(), "train.checkpoint="+config.CheckpointAlways))
	want := filepath.Join(t.TempDir(), "r")
	mustRun(t, job(t, want, fake()))
	for _, name := range []string{"checkpoints/last.safetensors", "metrics.jsonl", "summary.json"} {
		a, errA := os.ReadFile(filepath.Join(dir, name))
		b, errB := os.ReadFile(filepath.Join(want, name))
		if !bytes.Equal(a, b) || errA != nil || errB != nil {
			t.Errorf("%s differs: %v, %v", name, errA, errB)
		}
	}
}
