"""Writes references of updates that work on whole matrices, from the field's own code.

PyTorch's Muon orthogonalises in bfloat16. Here its module sees Float64 under that name, so that all of it
is computed in Float64. AdamW takes the tensors that are no matrices of hidden layers. See README.md.
"""

import json
import pathlib
import types

import numpy as np
import torch
import torch.optim._muon as muon_module

STEPS, SAVED = 12, [3, 12]
# Wide, tall and square matrices, a convolution's kernels, an output layer, vectors.
SHAPES = {
    "wide.weight": (4, 11), "wide.bias": (4,), "tall.weight": (9, 4), "square.weight": (6, 6),
    "conv.weight": (5, 2, 3, 3), "head.weight": (3, 6), "head.bias": (3,),
}
REST = ["wide.bias", "head.weight", "head.bias"]
rng = np.random.default_rng(20251130)


def exact(values):
    return values.astype(np.float32).astype(np.float64)


INITIAL = [exact(rng.normal(size=s) * 0.6) for s in SHAPES.values()]
GRADIENTS = [[exact(rng.normal(size=s) * 0.5) for s in SHAPES.values()] for _ in range(STEPS)]


class Float64Torch(types.ModuleType):
    """torch, with Float64 under the name of bfloat16."""

    bfloat16 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


muon_module.torch = Float64Torch("torch")


def flat(name, values):
    """Kernels of convolutions as one matrix, outputs x all the rest."""
    return values.reshape(len(values), -1) if name not in REST else values


def run(make, rest):
    names = list(SHAPES)
    parameters = [torch.nn.Parameter(torch.tensor(flat(n, v))) for n, v in zip(names, INITIAL)]
    matrices = [p for n, p in zip(names, parameters) if n not in REST]
    others = [p for n, p in zip(names, parameters) if n in REST]
    optimizers = [make(matrices), torch.optim.AdamW(others, **rest)]
    for gradients in GRADIENTS:
        for name, p, g in zip(names, parameters, gradients):
            p.grad = torch.tensor(flat(name, g))
        for optimizer in optimizers:
            optimizer.step()
        yield [p.detach().numpy().copy() for p in parameters]


def muon(rest, **values):
    return run(lambda matrices: torch.optim.Muon(matrices, **values), rest)


CASES = {
    "muon": muon(dict(lr=1e-3, weight_decay=0.1)),
    "muon, matched": muon(
        dict(lr=0.02, weight_decay=0.05, betas=(0.8, 0.95), eps=1e-6), lr=0.02, weight_decay=0.05,
        adjust_lr_fn="match_rms_adamw"),
    "muon, own rates": muon(
        dict(lr=0.004, weight_decay=0.2), lr=0.05, weight_decay=0.0, momentum=0.8, nesterov=False,
        ns_steps=3),
    "muon, other polynomial": muon(
        dict(lr=0.03, weight_decay=0.1), lr=0.03, ns_coefficients=(1.875, -1.25, 0.375), ns_steps=8),
}

out = pathlib.Path(__file__).resolve().parents[2] / "Tests/LockstepOptimizationTests/Reference/matrix-updates.json"
trajectories = {}
for name, steps in CASES.items():
    after = list(steps)
    trajectories[name] = [[p.ravel().tolist() for p in after[step - 1]] for step in SAVED]
index = {
    "tensors": [{"name": n, "shape": list(s)} for n, s in SHAPES.items()],
    "saved": SAVED,
    "initial": [v.ravel().tolist() for v in INITIAL],
    "gradients": [[g.ravel().tolist() for g in gradients] for gradients in GRADIENTS],
    "trajectories": trajectories,
}
out.write_text(json.dumps(index) + "\n")
print(out.stat().st_size, "bytes")
