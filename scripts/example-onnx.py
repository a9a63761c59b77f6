#!/usr/bin/env python3
"""Writes Examples/digits.onnx, a small convolutional network of PyTorch that nobody has trained.

    scripts/example-onnx.py

It needs torch, onnx and onnxscript.
"""

from pathlib import Path

import torch
import torch.nn as nn

torch.manual_seed(7)
model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(16 * 7 * 7, 10))
torch.onnx.export(
    model.eval(), (torch.zeros(2, 1, 28, 28),),
    Path(__file__).parent.parent / "Examples/digits.onnx", dynamo=True, optimize=False,
    external_data=False, verbose=False, input_names=["input"], output_names=["output"],
    dynamic_shapes=({0: torch.export.Dim("batch")},))
