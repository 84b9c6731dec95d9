#!/usr/bin/env python3
"""Times training steps of torchvision's ResNets in PyTorch, to compare with `longtail bench`.

Steps, modes and output are those of torch_resnet32.py. bench_networks.sh calls this.
"""
import torchvision

import torch_resnet32


def main():
    parser = torch_resnet32.options(__doc__)
    parser.add_argument("--network", default="resnet18", help="resnet18, 34, 50, 101 or 152")
    parser.add_argument("--side", type=int, default=64, help="rows and columns of the images")
    options = parser.parse_args()
    network = getattr(torchvision.models, options.network)
    torch_resnet32.run(options, lambda classes: network(num_classes=classes), options.side)


if __name__ == "__main__":
    main()
