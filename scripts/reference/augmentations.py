#!/usr/bin/env python3
"""Writes what torchvision's functions make of an image, for the tests of augmentations.

  augmentations.py DIRECTORY     (Tests/LockstepDatasetsTests/Fixtures/augmentations)

Needs numpy, torch, torchvision. image.npy is a float32 [3, 12, 10] in 0...1 (multiples of 1/255); the others are
results.
"""
import os
import sys

import numpy as np
import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
y, x = np.mgrid[0:12, 0:10]
noise = np.random.default_rng(3).integers(0, 90, (3, 12, 10))
pixels = np.stack([x * 18, y * 14, (x + y) * 7]) + noise
image = torch.from_numpy(pixels.astype(np.float32) / 255)


def save(name, value):
    np.save(f"{out}/{name}.npy", np.ascontiguousarray(value.numpy().astype(np.float32)))


np.save(f"{out}/pixels.npy", pixels.astype(np.uint8)[None])
for top, left, height, width in [(0, 0, 12, 10), (2, 3, 5, 4), (1, 0, 9, 10), (0, 0, 1, 1), (4, 2, 3, 7)]:
    save(
        f"crop-{top}-{left}-{height}-{width}",
        F.resized_crop(image, top, left, height, width, [12, 10], InterpolationMode.BILINEAR, antialias=True))
for factor in [0.3, 1.0, 1.7]:
    save(f"brightness-{factor}", F.adjust_brightness(image, factor))
    save(f"contrast-{factor}", F.adjust_contrast(image, factor))
    save(f"saturation-{factor}", F.adjust_saturation(image, factor))
for shift in [-0.5, -0.2, 0.1, 0.4]:
    save(f"hue-{shift}", F.adjust_hue(image, shift))
grey = image[:1]
save("grey-contrast-1.7", F.adjust_contrast(grey, 1.7))
