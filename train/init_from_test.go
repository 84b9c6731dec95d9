package train

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/run"

	"gorgonia.org/tensor"
)

func dense(values ...float32) *tensor.Dense {
	return tensor.New(tensor.WithShape(len(values)), tensor.WithBacking(values))
}

func TestTakeGoesByName(t *testing.T) {
	there := func() *run.Tensors {
		return &run.Tensors{Tensors: map[string]run.Tensor{
			"stem": {Shape: []int{2}, Data: []float32{1, 2}}, "dense.bias": {Shape: []int{1}, Data: []float32{3}},
			"running/stem.moments": {Shape: []int{2}, Data: []float32{4, 5}}, "momentum/stem": {Shape: []int{2}, Data: []float32{6, 7}},
		}}
	}
	here := func() device.State {
		return device.State{"stem": dense(0, 0), "dense.bias": dense(0), "running/stem.moments": dense(0, 1), "momentum/stem": dense(0, 0)}
	}
	for name, c := range map[string]struct {
		change func(*run.Tensors, device.State)
		fresh  string
		bias   float32
		want   string // of the error
	}{
		"all":                {func(*run.Tensors, device.State) {}, config.FreshNone, 3, ""},
		"fresh classifier":   {func(*run.Tensors, device.State) {}, config.FreshClassifier, 0, ""},
		"more classes":       {func(r *run.Tensors, s device.State) { s["dense.bias"] = dense(0, 0) }, config.FreshNone, 0, "shape [1] there and (2) here\ngive the model and the classes that it was trained with, or train.fresh=classifier"},
		"more classes fresh": {func(r *run.Tensors, s device.State) { s["dense.bias"] = dense(0, 0) }, config.FreshClassifier, 0, ""},
		"lacks one":          {func(r *run.Tensors, s device.State) { delete(r.Tensors, "stem") }, config.FreshNone, 0, "the run has no tensor stem"},
		"has one more":       {func(r *run.Tensors, s device.State) { delete(s, "stem") }, config.FreshNone, 0, "the run has a tensor stem"},
		"second stage":       {func(r *run.Tensors, s device.State) { s["scale.class"] = dense(1) }, config.FreshNone, 3, ""},
		"scaled first stage": {func(r *run.Tensors, _ device.State) {
			r.Tensors["scale.class"] = run.Tensor{Shape: []int{1}, Data: []float32{2}}
		}, config.FreshNone, 0, "the run has a tensor scale.class, which this network lacks\ngive the model and the loss's classifier that it was trained with, or train.fresh=classifier"},
		"scaled first stage fresh": {func(r *run.Tensors, _ device.State) {
			r.Tensors["scale.class"] = run.Tensor{Shape: []int{1}, Data: []float32{2}}
		}, config.FreshClassifier, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file, state := there(), here()
			c.change(file, state)
			err := take(file, state, c.fresh)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for tensor, want := range map[string][]float32{"stem": {1, 2}, "running/stem.moments": {4, 5}, "momentum/stem": {0, 0}} {
				if got := state[tensor].Data().([]float32); !slices.Equal(got, want) {
					t.Errorf("%s is %v, want %v", tensor, got, want)
				}
			}
			if got := state["dense.bias"].Data().([]float32)[0]; got != c.bias {
				t.Errorf("the bias is %v, want %v", got, c.bias)
			}
		})
	}
}

func TestMistakesInInitFrom(t *testing.T) {
	c, dir := config.Defaults(), t.TempDir()
	c.Train.InitFrom = filepath.Join(dir, "no")
	if _, err := startFrom(c, 2, device.State{}); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), "train.init_from") {
		t.Errorf("a missing run: %v", err)
	}
	c.Train.InitFrom = filepath.Join(dir, "page.html")
	if err := os.WriteFile(c.Train.InitFrom, []byte("<html>"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := startFrom(c, 2, device.State{}); fail.Code(err) != fail.CodeData || !strings.Contains(err.Error(), "page.html") {
		t.Errorf("no checkpoint: %v", err)
	}
	if err := checkInit(c, dir, "other"); fail.Code(err) != fail.CodeUsage || !strings.Contains(err.Error(), "other weights") {
		t.Errorf("another run: %v", err)
	}
	c.Train.InitFrom = ""
	if err := checkInit(c, dir, "other"); fail.Code(err) != fail.CodeUsage {
		t.Errorf("no init_from any more: %v", err)
	}
}
