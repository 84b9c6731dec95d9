package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
	"longtail/internal/run"
)

func TestDamagedFilesAreNamedAndLeftAlone(t *testing.T) {
	flip := func(text string) string {
		return text[:len(text)/2] + string(text[len(text)/2]^4) + text[len(text)/2+1:]
	}
	cut := func(text string) string { return text[:len(text)*2/3] }
	for _, c := range []struct {
		file   string
		damage func(string) string
		code   int
		want   []string
	}{
		{run.Last, flip, fail.CodeData, []string{"cp ", run.Best, "remove"}},
		{run.Last, cut, fail.CodeData, []string{"truncated"}},
		{run.Last, func(string) string { return "" }, fail.CodeData, []string{"truncated"}},
		{run.MetricsFile, func(text string) string { return "x" + text }, fail.CodeData, []string{"line 1"}},
		{run.MetricsFile, func(string) string { return "" }, fail.CodeData, []string{"it has only 0"}},
		{run.MetricsFile, func(text string) string { return strings.Replace(text, `"loss":`, `"loss":1`, 1) }, fail.CodeData, []string{"was changed"}},
		{run.SplitFile, cut, fail.CodeData, []string{"remove"}},
		{run.EnvironmentFile, cut, fail.CodeData, []string{"remove"}},
		{run.EnvironmentFile, func(text string) string { return strings.Replace(text, `"host": "`, `"host": "x`, 1) }, fail.CodeData, []string{"seal"}},
		{run.SplitFile, func(text string) string { return strings.Replace(text, "[", "[,", 1) }, fail.CodeData, nil},
		{run.ConfigFile, func(text string) string { return strings.Replace(text, "epochs:", "epocks:", 1) }, fail.CodeUsage, []string{"train.epochs"}},
		{run.ConfigFile, func(text string) string { return strings.Replace(text, "\nseed: 0", "\nseed: 1", 1) }, fail.CodeUsage, []string{" seed (1 there"}},
	} {
		dir := filepath.Join(t.TempDir(), "r")
		interrupt(t, dir, 9)
		path := filepath.Join(dir, c.file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, c.damage(string(text)))
		before := files(t, dir)
		_, err = Run(context.Background(), job(t, dir, fake()))
		if fail.Code(err) != c.code {
			t.Errorf("%s: exit code %d of %v", c.file, fail.Code(err), err)
			continue
		}
		for _, want := range append(c.want, filepath.Join(dir, filepath.Base(filepath.Dir(c.file)))[:len(dir)], filepath.Base(c.file)) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the message lacks %q: %v", c.file, want, err)
			}
		}
		sameFiles(t, c.file, before, files(t, dir))
	}
}

func TestTheWayOutOfADamagedCheckpointWorks(t *testing.T) {
	want := whole(t)
	dir := filepath.Join(t.TempDir(), "r")
	interrupt(t, dir, 20)
	best, err := os.ReadFile(filepath.Join(dir, run.Best))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, run.Last), string(best))
	mustRun(t, job(t, dir, fake()))
	sameFiles(t, "from the best checkpoint", want, files(t, dir))
}

func TestTheWayOutOfADamagedSplitWorks(t *testing.T) {
	want := whole(t)
	dir := filepath.Join(t.TempDir(), "r")
	interrupt(t, dir, 20)
	if err := os.Remove(filepath.Join(dir, run.SplitFile)); err != nil {
		t.Fatal(err)
	}
	mustRun(t, job(t, dir, fake()))
	sameFiles(t, "with a new split file", want, files(t, dir))
}

func TestAMissingCheckpointIsNoNewStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	interrupt(t, dir, 20)
	if err := os.Remove(filepath.Join(dir, run.Last)); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	if _, err := Run(context.Background(), job(t, dir, fake())); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("%v", err)
	}
	sameFiles(t, "without its checkpoint", before, files(t, dir))
}

func TestADamagedSummaryIsMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	mustRun(t, job(t, dir, fake()))
	want := files(t, dir)
	path := filepath.Join(dir, run.SummaryFile)
	put(t, path, "{")
	if _, err := Run(context.Background(), job(t, dir, fake())); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	environment := filepath.Join(dir, run.EnvironmentFile)
	text, err := os.ReadFile(environment)
	if err != nil {
		t.Fatal(err)
	}
	put(t, environment, "{") // nothing is sealed beside a record that no command would read
	if _, err := Run(context.Background(), job(t, dir, fake())); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), environment) || run.Exists(path) {
		t.Errorf("%v", err)
	}
	put(t, environment, string(text))
	mustRun(t, job(t, dir, fake()))
	sameFiles(t, "with a new summary", want, files(t, dir))
}

func TestDivergenceNamesTheLastGoodCheckpoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	_, err := Run(context.Background(), job(t, dir, &fakeBackend{stepsPerCall: 1, diverge: 2}))
	if fail.Code(err) != fail.CodeDiverged || !strings.Contains(err.Error(), "no checkpoint was written before") {
		t.Errorf("%v", err)
	}
	_, err = Run(context.Background(), job(t, dir, &fakeBackend{stepsPerCall: 1, diverge: 10}))
	if fail.Code(err) != fail.CodeDiverged || !strings.Contains(err.Error(), filepath.Join(dir, run.Last)) || !strings.Contains(err.Error(), "train.lr") {
		t.Errorf("%v", err)
	}
	mustRun(t, job(t, dir, fake())) // what was kept is good
	sameFiles(t, "after divergence", whole(t), files(t, dir))
}

// A folder in a file's place makes writing fail for every user, as a full disk does.
func TestAWriteThatFailsDamagesNothing(t *testing.T) {
	want := whole(t)
	for _, name := range []string{run.Last, run.Best, run.MetricsFile, run.SummaryFile} {
		dir := filepath.Join(t.TempDir(), "r")
		interrupt(t, dir, 1)
		if err := os.RemoveAll(filepath.Join(dir, run.Last)); err != nil {
			t.Fatal(err)
		}
		obstacle := filepath.Join(dir, name)
		ctx := context.Background()
		j := job(t, dir, fake())
		j.Observers = nil
		placed := false
		open := j.Open
		j.Open = func(name, precision string) (*device.Device, error) {
			d, err := open(name, precision)
			d = &device.Device{Precision: d.Precision, Backend: &hooked{d.Backend, func() error {
				if placed {
					return nil
				}
				placed = true
				return os.MkdirAll(filepath.Join(obstacle, "x"), 0o777)
			}}}
			return d, err
		}
		if _, err := Run(ctx, j); err == nil || !strings.Contains(err.Error(), obstacle) || !placed {
			t.Fatalf("%s: %v", name, err)
		}
		if err := os.RemoveAll(obstacle); err != nil {
			t.Fatal(err)
		}
		mustRun(t, job(t, dir, fake()))
		sameFiles(t, "after "+name+" could not be written", want, files(t, dir))
	}
}

// hooked calls a function before the first training step.
type hooked struct {
	device.Backend
	before func() error
}

func (h *hooked) Open(p *plan.Program, precision device.Precision, images data.Images, share device.Session) (device.Session, error) {
	if s, ok := share.(*hookedSession); ok {
		share = s.Session
	}
	s, err := h.Backend.Open(p, precision, images, share)
	return &hookedSession{s, h.before}, err
}

type hookedSession struct {
	device.Session
	before func() error
}

func (s *hookedSession) Run(order []int32, first, n int) (device.Sums, error) {
	if err := s.before(); err != nil {
		return device.Sums{}, err
	}
	return s.Session.Run(order, first, n)
}
