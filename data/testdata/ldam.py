# Makes ldam.json beside this file: subsets as imbalance_cifar.py of LDAM-DRW draws them with NumPy, of 2000 images whose labels are
# i * i * 7 % 11 % classes.
import json, os
import numpy as np


def counts(classes, total, imb_type, imb_factor):
    img_max = total / classes
    if imb_type == "exp":
        return [int(img_max * (imb_factor ** (i / (classes - 1.0)))) for i in range(classes)]
    return [int(img_max)] * (classes // 2) + [int(img_max * imb_factor)] * (classes // 2)


cases = []
for classes, imb_type, imb_factor, seed in ((10, "exp", 0.1, 0), (10, "step", 0.05, 0), (4, "exp", 0.02, 7)):
    targets = np.array([i * i * 7 % 11 % classes for i in range(2000)], dtype=np.int64)
    n = np.minimum(counts(classes, len(targets), imb_type, imb_factor), np.bincount(targets, minlength=classes))
    np.random.seed(seed)
    chosen = []
    for c, k in zip(np.unique(targets), n[np.unique(targets)]):
        idx = np.where(targets == c)[0]
        np.random.shuffle(idx)
        chosen.append(idx[:k].tolist())
    cases.append(dict(classes=classes, seed=seed, counts=n.tolist(), chosen=sum(chosen, [])))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ldam.json"), "w") as f:
    f.write(json.dumps(cases, separators=(",", ":")) + "\n")
