#!/usr/bin/env python3
"""Writes images of all kinds and what Pillow and torchvision make of them, for the tests of images.

  images.py DIRECTORY     (Tests/LockstepDatasetsTests/Fixtures/images)

Needs numpy, Pillow. Each NAME.png or NAME.jpg has its pixels in NAME.npy, uint8 [h, w, c]; scaled-*.npy are
scalings of photo.png, by Pillow's resize(…, BILINEAR), rows first, and as torchvision's Resize and CenterCrop.
"""
import io
import struct
import sys
import zlib

import numpy as np
from PIL import Image

out = sys.argv[1]


def save(name, array):
    np.save(f"{out}/{name}.npy", np.ascontiguousarray(array))


def scaled(image, width, height):
    """Pillow's scaling, rows first. (Newer versions take columns first for some sizes.)"""
    return image.resize((width, image.height), Image.BILINEAR).resize((width, height), Image.BILINEAR)


def pixels(image, mode):
    array = np.asarray(image.convert(mode))
    return array if array.ndim == 3 else array[:, :, None]


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, depth, color, rows, interlace=0, more=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more
        + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


def interlaced(array):
    """The rows of Adam7's seven passes of an RGB array."""
    rows = b""
    for x0, y0, dx, dy in [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
    ]:
        part = array[y0::dy, x0::dx]
        if part.size:
            rows += b"".join(b"\0" + row.tobytes() for row in part)
    return rows


random = np.random.default_rng(5)
y, x = np.mgrid[0:23, 0:17]
photo = np.stack(
    [x * 255 // 16, y * 255 // 22, (x * y * 3 + random.integers(0, 40, (23, 17))) % 256], -1
).astype(np.uint8)
grey = photo[:, :, 2]
alpha = ((x + y) * 6).astype(np.uint8)

Image.fromarray(photo).save(f"{out}/photo.png")
save("photo", photo)
Image.fromarray(grey).save(f"{out}/grey.png")
save("grey", grey[:, :, None])
Image.fromarray(np.dstack([photo, alpha])).save(f"{out}/alpha.png")
save("alpha", photo)
Image.fromarray(np.dstack([grey, alpha]), "LA").save(f"{out}/grey-alpha.png")
save("grey-alpha", grey[:, :, None])
palette = Image.fromarray(photo).quantize(16)
palette.save(f"{out}/palette.png")
save("palette", pixels(palette, "RGB"))
palette.save(f"{out}/palette-transparent.png", transparency=3)
save("palette-transparent", pixels(palette, "RGB"))
bits = Image.fromarray(((grey > 127) * 255).astype(np.uint8)).convert("1")
bits.save(f"{out}/bits.png")
save("bits", pixels(bits, "L"))
wide = (photo.astype(np.uint32) * 257 - 100 * (photo > 3)).astype(">u2")
rows = b"".join(b"\0" + row.tobytes() for row in wide)
open(f"{out}/wide.png", "wb").write(png(17, 23, 16, 2, rows))
save("wide", np.rint(wide.astype(np.float64) / 257).astype(np.uint8))
open(f"{out}/interlaced.png", "wb").write(png(17, 23, 8, 2, interlaced(photo), 1))
save("interlaced", photo)
gamma = chunk(b"gAMA", struct.pack(">I", 45455 * 2))
open(f"{out}/gamma.png", "wb").write(
    png(17, 23, 8, 2, b"".join(b"\0" + row.tobytes() for row in photo), more=gamma))
save("gamma", photo)

for name, options in {
    "plain": dict(quality=90), "progressive": dict(quality=80, progressive=True),
    "full": dict(quality=75, subsampling=0),
}.items():
    Image.fromarray(photo).save(f"{out}/{name}.jpg", **options)
    save(name, pixels(Image.open(f"{out}/{name}.jpg"), "RGB"))
Image.fromarray(grey).save(f"{out}/grey-jpeg.jpg")
save("grey-jpeg", pixels(Image.open(f"{out}/grey-jpeg.jpg"), "L"))
turned = Image.fromarray(photo)
exif = turned.getexif()
exif[0x0112] = 6
turned.save(f"{out}/turned.jpg", exif=exif)
save("turned", pixels(Image.open(f"{out}/turned.jpg"), "RGB"))
Image.fromarray(np.dstack([photo, alpha]), "CMYK").save(f"{out}/printing.jpg")

save("photo-as-grey", pixels(Image.fromarray(photo), "L"))
image = Image.fromarray(photo)
for height, width in [(23, 8), (9, 17), (5, 4), (40, 50), (12, 40), (1, 1)]:
    save(f"scaled-stretch-{height}-{width}", pixels(scaled(image, width, height), "RGB"))


def crop(image, side):
    """torchvision's Resize(side) and CenterCrop(side) of a PIL image."""
    w, h = image.size
    short, long = (w, h) if w <= h else (h, w)
    new = int(side * long / short)
    w2, h2 = (side, new) if w <= h else (new, side)
    image = scaled(image, w2, h2)
    top, left = int(round((h2 - side) / 2.0)), int(round((w2 - side) / 2.0))
    return image.crop((left, top, left + side, top + side))


for side in [8, 13, 30]:
    save(f"scaled-crop-{side}-{side}", pixels(crop(image, side), "RGB"))
    save(f"scaled-crop-wide-{side}-{side}", pixels(crop(image.transpose(Image.TRANSPOSE), side), "RGB"))

x = np.arange(12, dtype=np.float32).reshape(3, 2, 2) / 4
np.savez(f"{out}/../stored.npz", x=x, y=np.array([2, 0, 1]))
np.savez_compressed(f"{out}/../packed.npz", x=x, y=np.array([2, 0, 1]))
