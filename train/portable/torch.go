package portable

import (
	"longtail/internal/run"
	"longtail/models"
	"longtail/train"
)

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
