# Writes pillow.json: SHA-256 of squares that Pillow makes of computed images. Run with Pillow 13.0.0: python3 pillow.py > pillow.json
import hashlib, json, sys
import numpy as np
from PIL import Image

cases = []
for width, height, size in [(64, 64, 64), (100, 80, 64), (81, 130, 64), (500, 375, 64), (37, 51, 96), (20, 33, 64), (1, 5, 32), (640, 480, 224), (1024, 33, 32)]:
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([(x * x * 7 + y * 13 + c * 29 + (x * y) % 251) % 256 for c in range(3)], axis=-1).astype(np.uint8)
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    # Pillow 13 takes the cheaper of two orders; these are the rows first, as earlier versions do always.
    rows = Image.fromarray(image).resize((size, height), Image.BICUBIC, box=(left, 0, left + side, height))
    square = rows.resize((size, size), Image.BICUBIC, box=(0, top, size, top + side))
    planes = np.asarray(square).transpose(2, 0, 1).tobytes()
    cases.append({"width": width, "height": height, "size": size, "sha256": hashlib.sha256(planes).hexdigest()})
json.dump(cases, sys.stdout, indent=1)
print()
