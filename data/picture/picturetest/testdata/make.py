# Makes the images of this folder, which Go has no encoder for, with Pillow 13.0.0: python3 make.py
# All show red rising to the right and green rising downwards, 60 x 40 pixels, as picturetest.Base.
import numpy as np
from PIL import Image

y, x = np.mgrid[0:40, 0:60]
base = np.stack([255 * x // 59, 255 * y // 39, 0 * x + 128], axis=-1).astype(np.uint8)
image = Image.fromarray(base)
image.convert("CMYK").save("cmyk.jpg", quality=95)  # with Adobe's marker, inverted
image.save("progressive.jpg", quality=95, progressive=True)
image.save("lossy.webp", quality=95)
image.save("lossless.webp", lossless=True)
exif = Image.Exif()
exif[0x0112] = 6  # shown turned by 90 degrees to the right: stored turned to the left
image.transpose(Image.Transpose.ROTATE_90).save("turned.webp", quality=95, exif=exif.tobytes())
image.transpose(Image.Transpose.ROTATE_90).save("turned.png", exif=exif.tobytes())
alpha = np.concatenate([base, np.full((40, 60, 1), 255, np.uint8)], axis=-1)
alpha[:, 50:] = [1, 2, 3, 0]
Image.fromarray(alpha).save("alpha.webp", quality=95)
Image.fromarray(alpha).save("alpha_lossless.webp", lossless=True)
image.save("animated.webp", save_all=True, append_images=[image.rotate(180)], duration=100)
