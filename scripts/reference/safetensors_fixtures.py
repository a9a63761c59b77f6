#!/usr/bin/env python3
"""Writes the safetensors fixtures of the tests with the reference implementation, and checks that it
reads what this project wrote (`written.safetensors`). Needs: torch, numpy, safetensors."""
import pathlib

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

fixtures = pathlib.Path(__file__).parents[2] / "Tests/LockstepFilesTests/Fixtures"

values = [0.0, -0.0, 1.0, -1.5, 0.333251953125, 65504.0, 6.103515625e-05, 5.9604644775390625e-08]
save_file(
    {
        "f32": torch.tensor(values, dtype=torch.float32).reshape(2, 4),
        "f64": torch.tensor(values, dtype=torch.float64).reshape(4, 2),
        "f16": torch.tensor(values, dtype=torch.float16),
        "bf16": torch.tensor([0.0, -0.0, 1.0, -1.5, 3.140625, 2.0**100, 2.0**-130], dtype=torch.bfloat16),
        "i64": torch.tensor([-(2**63), -1, 0, 2**63 - 1], dtype=torch.int64),
        "i32": torch.tensor([[-(2**31)], [2**31 - 1]], dtype=torch.int32),
        "u8": torch.tensor([0, 127, 255], dtype=torch.uint8),
        "flag": torch.tensor([True, False]),
        "scalar": torch.tensor(42.0),
        "empty": torch.zeros(0, 3),
        "größe.0.weight": torch.ones(1, 1),
    },
    fixtures / "reference.safetensors",
    metadata={"format": "pt", "note": 'quotes " and \\ and\nline ends'},
)

written = fixtures / "written.safetensors"
if written.exists():
    tensors = load_file(written)
    assert list(sorted(tensors)) == ["bytes", "empty", "layer.bias", "layer.weight", "scalar", "step"]
    assert torch.equal(tensors["layer.weight"], torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4)
    assert torch.equal(tensors["layer.bias"], torch.tensor([-1.0, 1e-30]))
    assert torch.equal(tensors["scalar"], torch.tensor(0.1, dtype=torch.float64))
    assert torch.equal(tensors["step"], torch.tensor([7, -(2**62)]))
    assert torch.equal(tensors["bytes"], torch.tensor([1, 2, 255], dtype=torch.uint8))
    assert tensors["empty"].shape == (0, 5)
    with safe_open(written, "pt") as file:
        assert file.metadata() == {"a": "first", "z": 'last "one"'}
    print("the reference implementation reads", written.name)
