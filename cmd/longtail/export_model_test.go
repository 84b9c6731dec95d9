package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/data"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/internal/onnx"
	"longtail/internal/plan"
	"longtail/internal/rng"
	"longtail/internal/run"
	"longtail/train"
)

// modelsFolder names a folder for the networks that TestExportedNetworks exports, with images and logits: scripts/check_models.py compares
// what other programs make of them.
const modelsFolder = "LONGTAIL_MODELS"

// Networks of all kinds are exported after a training of a few steps.
func TestExportedNetworks(t *testing.T) {
	out := os.Getenv(modelsFolder)
	if out == "" {
		out = t.TempDir()
	}
	for name, keys := range map[string][]string{
		"avgpool":    {"model.name=resnet8"},
		"subsample":  {"model.name=resnet14", "model.shortcut=subsample", "loss.name=ldam", "data.input=standard"},
		"projection": {"model.name=resnet8", "model.shortcut=projection", "model.class_scale=true", "loss.name=focal"},
		"resnet18":   {"model.name=resnet18", "train.lr=0.001"},
		"resnet50":   {"model.name=resnet50", "train.lr=0.001"},
	} {
		dir := filepath.Join(t.TempDir(), name)
		mustSucceed(t, longtail(append([]string{
			"train", "data.dataset=synthetic10", "data.max_per_class=20", "data.imbalance=10", "train.batch=32", "train.epochs=1", "out=" + dir, "--device", "cpu",
		}, keys...)...))
		for _, form := range []string{"onnx", "safetensors"} {
			mustSucceed(t, longtail("export", dir, "--to", form, "--out", filepath.Join(out, name+"."+form)))
		}
		trained, err := train.ReadTrained(dir, "last")
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(filepath.Join(out, name+".onnx"))
		if err != nil || !onnx.IsOurs(file) {
			t.Errorf("%s: no ONNX file: %v", name, err)
		}
		checkTorch(t, filepath.Join(out, name+".safetensors"), trained)
		images, logits := logitsOf(t, trained)
		writeJSON(t, filepath.Join(out, name+".json"), map[string]any{
			"network": trained.Config.Network(), "classes": len(trained.ClassNames), "shape": []int{images.Len(), 3, images.Height, images.Width},
			"plain": trained.Config.Model.Shortcut != "subsample" && trained.Config.Loss.Name == "softmax",
		})
		var numbers []float32
		for i, b := range images.Pixels {
			c := i / (images.Height * images.Width) % images.Channels
			numbers = append(numbers, float32(float64(trained.Input.Scale[c])*float64(b)+float64(trained.Input.Shift[c])))
		}
		writeFloats(t, filepath.Join(out, name+".images"), numbers)
		writeFloats(t, filepath.Join(out, name+".logits"), logits)
	}
}

// checkTorch compares an exported file with the checkpoint.
func checkTorch(t *testing.T, path string, trained *train.Trained) {
	t.Helper()
	file, err := run.ReadTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	moments := trained.State["running/stem.moments"].Data().([]float32)
	channels := len(moments) / 2
	for name, want := range map[string][]float32{
		"conv1.weight": trained.State["stem.conv"].Data().([]float32), "bn1.running_mean": moments[:channels], "bn1.running_var": moments[channels:],
		"fc.weight": trained.State["dense.weight"].Data().([]float32),
	} {
		if got := file.Tensors[name].Data; len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %s has %d values, not the %d of the checkpoint", path, name, len(got), len(want))
		}
	}
	want := 0
	for name := range trained.State {
		switch {
		case strings.HasPrefix(name, device.RunningPrefix):
			want += 2 // means and variances
		case !strings.HasPrefix(name, device.MomentumPrefix):
			want++
		}
	}
	if len(file.Tensors) != want {
		t.Errorf("%s has %d tensors, want %d", path, len(file.Tensors), want)
	}
}

// logitsOf are random images and what the network says of them on the CPU.
func logitsOf(t *testing.T, trained *train.Trained) (data.Images, []float32) {
	t.Helper()
	set, err := data.Lookup(trained.Config.Data.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	images := set.NewImages(4)
	r := rng.New(1, rng.Synthetic, 0, 0)
	for i := range images.Pixels {
		images.Pixels[i] = byte(r.Uint32())
	}
	p, _, err := trained.Network.Plan(images.Len(), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := cpu.New(1).Open(p, device.FP32, images, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Load(trained.State); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run([]int32{0, 1, 2, 3}, 0, 1); err != nil {
		t.Fatal(err)
	}
	logits, err := s.Read(device.Logits)
	if err != nil {
		t.Fatal(err)
	}
	return images, logits
}

func writeFloats(t *testing.T, path string, values []float32) {
	t.Helper()
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
