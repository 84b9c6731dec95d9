#!/usr/bin/env python3
"""check_models.py FOLDER: runs exported networks in ONNX Runtime and, where it is there, PyTorch, and compares their logits with longtail's.

FOLDER is what TestExportedNetworks (cmd/longtail) leaves: for each network NAME.onnx, NAME.safetensors, NAME.images and NAME.logits (float32),
NAME.json. The largest deviation may be 1e-4 of the largest logit, at least 1e-4.
"""
import glob, json, os, struct, sys
import numpy as np
import onnxruntime

try:
    import torch, torchvision
except ImportError:
    torch = None
    print("LEFT OUT: loading into torchvision's ResNet, torch and torchvision are missing")


def tensors(path):
    """The tensors of a safetensors file."""
    file = open(path, "rb").read()
    start = 8 + struct.unpack("<Q", file[:8])[0]
    header = json.loads(file[8:start])
    header.pop("__metadata__")
    at = lambda e: np.frombuffer(file[start + e["data_offsets"][0]:start + e["data_offsets"][1]], "<f4").reshape(e["shape"])
    return {name: at(entry) for name, entry in header.items()}


def compare(name, program, got, want):
    bound = 1e-4 * max(1, abs(want).max())
    deviation = abs(got - want).max()
    print(f"{name:12} {program:12} {deviation:.1e} of {bound:.1e}")
    return deviation <= bound


right, compared = True, 0
for path in sorted(glob.glob(sys.argv[1] + "/*.json")):
    stem, info = path[:-5], json.load(open(path))
    name = os.path.basename(stem)
    images = np.fromfile(stem + ".images", "<f4").reshape(info["shape"])
    want = np.fromfile(stem + ".logits", "<f4").reshape(-1, info["classes"])
    session = onnxruntime.InferenceSession(stem + ".onnx")
    assert [i.name for i in session.get_inputs()] == ["images"] and [o.name for o in session.get_outputs()] == ["logits"]
    right &= compare(name, "onnxruntime", session.run(None, {"images": images})[0], want)
    right &= compare(name, "one by one", np.concatenate([session.run(None, {"images": images[i:i + 1]})[0] for i in range(len(images))]), want)
    compared += 1
    if torch and info["plain"] and hasattr(torchvision.models, info["network"]):
        network = getattr(torchvision.models, info["network"])(num_classes=info["classes"])
        network.load_state_dict({k: torch.tensor(v) for k, v in tensors(stem + ".safetensors").items()})
        network.eval()
        right &= compare(name, "torchvision", network(torch.tensor(images)).detach().numpy(), want)
if not compared:
    sys.exit("no network in " + sys.argv[1])
sys.exit(0 if right else "logits differ")
