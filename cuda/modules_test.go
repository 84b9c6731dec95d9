//go:build gpu

package cuda

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longtail/cuda/driver"
	"longtail/cuda/lower"
	"longtail/internal/device"
	"longtail/internal/plan"
)

// launchesOf are the launches of a training step.
func launchesOf(t *testing.T, b *Backend, precision device.Precision) []lower.Launch {
	t.Helper()
	e := experiment{model: "resnet8", shortcut: "avgpool", loss: "softmax", classes: 10, batch: 8}
	p, _, err := e.network().Plan(e.batch, plan.Options{Train: true, Samples: samples})
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.lower(p, precision, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s.Launches
}

func TestSessionsLoadTheModulesThatTheyNeed(t *testing.T) {
	b := newBackend(t)
	var count atomic.Int32
	compile := b.modules.compile
	b.modules.compile = func(name, text string) (*driver.Module, error) {
		count.Add(1)
		return compile(name, text)
	}
	fp32 := []string{"conv", "conv_weights", "head", "images", "pointwise", "rows", "statistics", "update"}
	mixed := []string{"mma_backward", "mma_forward", "mma_gradients", "mma_weights"}
	for _, c := range []struct {
		precision device.Precision
		want      []string
	}{{device.FP32, fp32}, {device.Mixed, append(fp32, mixed...)}, {device.FP32, append(fp32, mixed...)}} {
		launches := launchesOf(t, b, c.precision)
		var sessions sync.WaitGroup
		for range 4 {
			sessions.Go(func() {
				if err := b.modules.need(launches); err != nil {
					t.Error(err)
				}
			})
		}
		sessions.Wait()
		loaded := slices.Sorted(maps.Keys(b.modules.loaded))
		for _, name := range loaded {
			if !slices.Contains(c.want, name) {
				t.Errorf("%s: %s is loaded, which no launch needs", c.precision, name)
			}
		}
		for i := range launches {
			if !slices.Contains(loaded, launches[i].Module) {
				t.Errorf("%s: %s is not loaded", c.precision, launches[i].Module)
			}
		}
		if int(count.Load()) != len(loaded) {
			t.Errorf("%s: %d files loaded in %d loads", c.precision, len(loaded), count.Load())
		}
	}
}

func TestModulesAreLoadedSideBySide(t *testing.T) {
	b := newBackend(t)
	launches := launchesOf(t, b, device.FP32)
	var names []string
	for i := range launches {
		if !slices.Contains(names, launches[i].Module) {
			names = append(names, launches[i].Module)
		}
	}
	var together sync.WaitGroup // every load waits for all others to have begun
	together.Add(len(names))
	b.modules.compile = func(name, _ string) (*driver.Module, error) {
		together.Done()
		together.Wait()
		return nil, errors.New(name)
	}
	for range 2 { // what failed is tried again
		if err := b.modules.need(launches); err == nil || err.Error() != names[0] {
			t.Errorf("error %v, want that of the first launch, %s", err, names[0])
		}
		together.Add(len(names))
	}
	together.Add(-len(names))
}

func TestSlowLoadingIsSaidOnce(t *testing.T) {
	for _, c := range []struct {
		takes, patience time.Duration
		want            int
	}{{0, time.Hour, 0}, {200 * time.Millisecond, time.Millisecond, 1}} {
		said := make(chan string, 10)
		b, err := New(Options{Remark: func(text string) { said <- text }})
		if err != nil {
			t.Fatal(err)
		}
		launches, compile := launchesOf(t, b, device.FP32), b.modules.compile
		b.modules.wait = c.patience
		b.modules.compile = func(name, text string) (*driver.Module, error) {
			time.Sleep(c.takes)
			return compile(name, text)
		}
		var sessions sync.WaitGroup
		for range 3 { // all of them wait for the same files
			sessions.Go(func() {
				if err := b.modules.need(launches); err != nil {
					t.Error(err)
				}
			})
		}
		sessions.Wait()
		if len(said) != c.want {
			t.Errorf("%d remarks, want %d", len(said), c.want)
		}
		if c.want > 0 && !strings.Contains(<-said, "compiling kernels for "+b.context.Info().Name+" (once)") {
			t.Error("the remark does not name the GPU")
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
