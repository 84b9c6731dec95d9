package models

import (
	"fmt"
	"regexp"
	"strconv"
)

// residualTensor is a tensor of a residual network before its classifier: layer, stage, block, kind, which one in the block.
var residualTensor = regexp.MustCompile(`^(?:stem|stage(\d+)\.block(\d+))\.(conv|project|scale|shift|moments)(\d|P|)$`)

// TorchNames are the names that torchvision's ResNet gives to a tensor of a residual network: one for a parameter, two for running moments
// [2, C], which are a tensor of means and one of variances there. The layers of networks for CIFAR have the same names. A tensor that is no
// part of a residual network is an error.
func TorchNames(name string) ([]string, error) {
	if fixed := map[string]string{ClassifierWeight: "fc.weight", ClassifierBias: "fc.bias", ClassScale: "fc.scale"}[name]; fixed != "" {
		return []string{fixed}, nil
	}
	m := residualTensor.FindStringSubmatch(name)
	if m == nil {
		return nil, fmt.Errorf("%s has no name in PyTorch: it is no tensor of a residual network", name)
	}
	conv, norm := "conv1", "bn1" // of the stem
	if m[1] != "" {
		block, err := strconv.Atoi(m[2])
		if err != nil {
			return nil, fmt.Errorf("%s has no name in PyTorch: %w", name, err)
		}
		layer := fmt.Sprintf("layer%s.%d.", m[1], block-1)
		conv, norm = layer+"conv"+m[4], layer+"bn"+m[4]
		if m[4] == "P" || m[3] == "project" {
			conv, norm = layer+"downsample.0", layer+"downsample.1"
		}
	}
	switch m[3] {
	case "scale":
		return []string{norm + ".weight"}, nil
	case "shift":
		return []string{norm + ".bias"}, nil
	case "moments":
		return []string{norm + ".running_mean", norm + ".running_var"}, nil
	}
	return []string{conv + ".weight"}, nil
}
