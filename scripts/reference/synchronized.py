"""Training with batch normalisation over whole batches, from PyTorch in float64.

    python scripts/reference/synchronized.py Tests/LockstepTestSupport/Data/synchronized.safetensors

Ordinary batch normalisation on the joined batch, which shards with synchronised statistics must come
to together. `state/<name>` is the state before, `inputs` and `labels` are the examples of all batches,
which follow each other and have the sizes in the description. Behind each batch comes a step of plain
descent on the mean cross-entropy: `loss/<step>`, `gradient/<step>/<name>`, `after/<step>/<name>`.
"""

import json
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

from cases import Values, f32

EPSILON, MOMENTUM, RATE = f32(1e-5), f32(0.1), f32(0.1)
BATCHES = [44, 31, 5]
values = Values(11)


def single(tensor):
    """The nearest values that Float32 has."""
    return tensor.float().double()


def norm2d(channels):
    return nn.BatchNorm2d(channels, EPSILON, MOMENTUM)


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 10, 3, padding=1), norm2d(10), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(10, 17, 3, padding=1), norm2d(17), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(153, 20), nn.ReLU(), nn.Dropout(0.0), nn.Linear(20, 10))


def dense():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(144, 17), nn.BatchNorm1d(17, EPSILON, MOMENTUM), nn.Tanh(),
        nn.Linear(17, 10))


tensors, descriptions = {}, []
for name, model in [("cnn", cnn()), ("dense", dense())]:
    def put(key, tensor):
        tensors[f"{name}/{key}"] = tensor.detach().double().contiguous().clone()

    state = {
        key: tensor for key, tensor in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    with torch.no_grad():
        for key, tensor in state.items():
            if key.endswith("running_var"):
                tensor.copy_(single(values.uniform(0.5, 2, *tensor.shape)))
            elif key.endswith("running_mean"):
                tensor.copy_(single(values.normal(*tensor.shape)))
            else:
                fan = max(tensor[0].numel(), 1) if tensor.dim() > 1 else 4
                tensor.copy_(single(
                    values.normal(*tensor.shape) / fan**0.5 + (tensor.dim() == 1) * 0.5))
            put(f"state/{key}", tensor)
    # Examples drift, so that the shards of a batch have different means.
    drift = torch.linspace(-1, 2, sum(BATCHES)).reshape(-1, 1, 1, 1)
    inputs = single(values.normal(sum(BATCHES), 1, 12, 12) + drift)
    labels = values.labels(10, sum(BATCHES))
    put("inputs", inputs)
    put("labels", labels)
    model.train()
    start = 0
    for step, size in enumerate(BATCHES):
        rows = slice(start, start + size)
        start += size
        model.zero_grad()
        loss = F.cross_entropy(model(inputs[rows]), labels[rows])
        loss.backward()
        put(f"loss/{step}", loss)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                put(f"gradient/{step}/{key}", parameter.grad)
                parameter -= RATE * parameter.grad
        for key in state:
            put(f"after/{step}/{key}", model.state_dict()[key])
    descriptions.append({
        "name": name, "batches": BATCHES,
        "parameters": [key for key, _ in model.named_parameters()],
        "statistics": [key for key in state if "running_" in key],
    })

save_file(tensors, sys.argv[1], {"cases": json.dumps(descriptions)})
print(f"{sys.argv[1]}: {len(descriptions)} models, {len(tensors)} tensors")
