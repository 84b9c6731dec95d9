package main

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
	"longtail/models"
	"longtail/train"

	"github.com/spf13/cobra"
)

// modelFile is a form of a trained network's file.
type modelFile struct {
	extension string
	encode    func(t *train.Trained, dir string) ([]byte, error)
	start     int64                   // bytes of a file that tell who wrote it
	ours      func(start []byte) bool // whether this command wrote the file
}

var (
	onnxFile  = modelFile{".onnx", encodeONNX, onnx.StartBytes, onnx.IsOurs}
	torchFile = modelFile{".safetensors", encodeTorch, run.MaxTensorBytes, isOurTorch}
)

// modelExporter writes the network of one run.
func modelExporter(file modelFile) func(e *exportOptions, cmd *cobra.Command, args []string) error {
	return func(e *exportOptions, cmd *cobra.Command, args []string) error {
		if len(args) != 1 || e.out == "-" {
			return fail.Usage("export: --to %s writes the network of one run to a file\ngive the run's folder, and the file with --out", e.to)
		}
		t, err := train.ReadTrained(args[0], e.checkpoint)
		if err != nil {
			return err
		}
		content, err := file.encode(t, args[0])
		if err != nil {
			return fail.Data("the %s checkpoint of %s: %w", e.checkpoint, args[0], err)
		}
		out := e.out
		if out == "" {
			out = filepath.Join(args[0], filepath.Base(filepath.Clean(args[0]))+file.extension)
		}
		if err := file.replaceable(out); err != nil {
			return err
		}
		if e.dryRun {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "would write %s (%d bytes)\n", out, len(content))
			return err
		}
		if err := disk.WriteTo(out, content); err != nil {
			return err
		}
		if len(t.Config.Eval.Adjustments()) > 0 {
			fmt.Fprintln(e.messages(cmd), "the logits are the network's own: what the section eval of the run's config does to them is not in the file")
		}
		if e.json {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"out": out, "step": t.Step})
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%s, step %d, %d classes)\n", out, t.Config.Network(), t.Step, len(t.ClassNames))
		return err
	}
}

// replaceable returns a usage error if path is a file that this command did not write.
func (f modelFile) replaceable(path string) error {
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

// torchProducer marks the files that encodeTorch makes.
const torchProducer = "longtail"

// encodeTorch is the network as safetensors, with the names of PyTorch.
func encodeTorch(t *train.Trained, dir string) ([]byte, error) {
	values, err := t.Values()
	if err != nil {
		return nil, err
	}
	_, net, err := t.Network.Draw(1)
	if err != nil {
		return nil, err
	}
	metadata, err := described(t, dir)
	if err != nil {
		return nil, err
	}
	metadata["format"], metadata["producer"] = "pt", torchProducer
	file := run.Tensors{Metadata: metadata, Tensors: map[string]run.Tensor{}}
	add := func(name string, shape []int) error {
		names, err := models.TorchNames(name)
		if err != nil {
			return err
		}
		v := values[name]
		size := len(v) / len(names) // which Encode compares with the shape
		for i, torch := range names {
			file.Tensors[torch] = run.Tensor{Shape: shape, Data: v[i*size:][:size]}
		}
		return nil
	}
	for _, p := range net.Params {
		if err := add(p.Name, p.Node.Shape()); err != nil {
			return nil, err
		}
	}
	for _, moments := range net.Inputs {
		if err := add(moments.Name(), moments.Shape()[1:]); err != nil {
			return nil, err
		}
	}
	return file.Encode()
}

// isOurTorch reports whether encodeTorch made a file.
func isOurTorch(content []byte) bool {
	file, err := run.DecodeTensors(content)
	return err == nil && file.Metadata["producer"] == torchProducer
}
