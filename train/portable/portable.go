// Package portable writes trained networks in the forms that other programs read: ONNX, and safetensors with PyTorch's names.
package portable

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"longtail/internal/build"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/onnx"
	"longtail/internal/run"
	"longtail/train"
)

// Form is a form of a trained network's file.
type Form struct {
	Extension string
	Encode    func(t *train.Trained, dir string) ([]byte, error) // of the network that was read from the run in dir
	start     int64                                              // bytes of a file that tell who wrote it
	ours      func(start []byte) bool                            // whether this program wrote the file
}

// The forms.
var (
	ONNX  = Form{".onnx", encodeONNX, onnx.StartBytes, onnx.IsOurs}
	Torch = Form{".safetensors", encodeTorch, run.MaxTensorBytes, isOurTorch}
)

// Replaceable returns a usage error if path is a file that no such command wrote.
func (f Form) Replaceable(path string) error {
	err := disk.Replaceable(path, f.start, f.ours)
	if errors.Is(err, disk.ErrForeign) {
		return fail.Usage("%s is there and was not written by this command: it is not overwritten\nname another file with --out, or remove that one", path)
	}
	return err
}

// encodeONNX is the network as ONNX, with what a user must know to feed it.
func encodeONNX(t *train.Trained, dir string) ([]byte, error) {
	image, net, err := t.Network.Draw(1)
	if err != nil {
		return nil, err
	}
	values, err := t.Values()
	if err != nil {
		return nil, err
	}
	metadata, err := described(t, dir)
	if err != nil {
		return nil, err
	}
	return onnx.Encode(onnx.Network{Name: t.Config.Network(), Image: image, Net: net, Values: values, Metadata: metadata})
}

// described is what is said of a network in its file.
func described(t *train.Trained, dir string) (map[string]string, error) {
	names, err := json.Marshal(t.ClassNames)
	if err != nil {
		return nil, fmt.Errorf("describing the classes: %w", err)
	}
	channels := t.Network.Image.Channels
	return map[string]string{
		"run": filepath.Base(filepath.Clean(dir)), "version": build.Version, "step": fmt.Sprint(t.Step), "model": t.Config.Network(),
		"dataset": t.Config.Data.Dataset, "class_names": string(names),
		"input": fmt.Sprintf("scale * byte + shift by channel, red green blue: scale %v, shift %v", t.Input.Scale[:channels], t.Input.Shift[:channels]),
	}, nil
}
