# Makes numpy.json beside this file: what NumPy's legacy generator gives for some seeds.
import json, os
import numpy as np

cases = []
for seed in (0, 1, 42, 20190616, 2**32 - 1):
    words = np.random.RandomState(seed)
    shuffled = np.random.RandomState(seed)
    case = dict(seed=seed, words=[int(words.randint(0, 2**32, dtype=np.uint32)) for _ in range(1300)][::13], shuffles=[])
    for n in (1, 2, 3, 10, 64, 65, 1000):  # one after the other, from one stream
        order = np.arange(n)
        shuffled.shuffle(order)
        case["shuffles"].append(order.tolist())
    cases.append(case)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "numpy.json"), "w") as f:
    f.write(json.dumps(dict(numpy=np.__version__, cases=cases), separators=(",", ":")) + "\n")
