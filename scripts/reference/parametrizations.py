"""Layers whose weights are computed from other parameters, trained by PyTorch in float64.

    python scripts/reference/parametrizations.py Tests/LockstepTestSupport/Data/parametrizations

Weight normalisation and spectral normalisation are PyTorch's own. Weight standardisation is written out from its paper
(1903.10520): the mean is taken off each unit, which is then divided by the root of its biased variance plus 1e-5.

`NAME.safetensors` has a model's weights before the first step, in float32 under the names of its `state_dict`.
`cases.safetensors` has of each model `input` [N, …], `labels` [N], the weights and the vectors of power iteration
(`state/…`), the output and the mean loss, its gradients (`gradient/…`), and the weights and vectors after the first
step (`first/…`) and after all steps (`last/…`) of gradient descent with momentum and decay, each on all examples;
`evaluation` is the output of the trained model outside of training.
"""

import json
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from cases import Values, f32

EXAMPLES, CLASSES, STEPS = 16, 3, 4
RATE, MOMENTUM, DECAY = 0.02, 0.9, 0.01
values = Values(1602)
tensors, names = {}, []


def standardized(weight):
    rows = weight.flatten(1)
    variance, mean = torch.var_mean(rows, 1, correction=0, keepdim=True)
    return ((rows - mean) / (variance + f32(1e-5)).sqrt()).view_as(weight)


class Linear(nn.Linear):
    def forward(self, x):
        return F.linear(x, standardized(self.weight), self.bias)


class Conv1d(nn.Conv1d):
    def forward(self, x):
        return self._conv_forward(x, standardized(self.weight), self.bias)


class Conv2d(nn.Conv2d):
    def forward(self, x):
        return self._conv_forward(x, standardized(self.weight), self.bias)


class ConvTranspose2d(nn.ConvTranspose2d):
    def forward(self, x):
        weight = standardized(self.weight.transpose(0, 1)).transpose(0, 1)
        return F.conv_transpose2d(x, weight, self.bias, self.stride, self.padding)


def add(name, shape, *layers):
    model = nn.Sequential(*layers).double()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            spread = values.uniform(0.5, 1.5, *parameter.shape)
            # The shift of a normalisation begins as 0.
            moved = parameter * spread if parameter.any() else spread - 1
            parameter.copy_(moved.float().double())
        # Of other weights than these: the first steps are among those in which the vectors still turn.
        for _, buffer in model.named_buffers():
            buffer.copy_(buffer.float().double())
    save_file(
        {key: value.float().contiguous() for key, value in model.state_dict().items()},
        f"{sys.argv[1]}/{name}.safetensors", metadata={"format": "pt"})
    x = values.normal(EXAMPLES, *shape).float().double()
    labels = values.labels(CLASSES, EXAMPLES)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)

    def keep(kind, items):
        for key, value in items:
            tensors[f"{name}/{kind}/{key}"] = value.detach().clone().contiguous()

    keep("state", model.state_dict().items())
    for step in range(STEPS):
        output = model(x)
        loss = F.cross_entropy(output, labels)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            tensors[f"{name}/output"] = output.detach().clone()
            tensors[f"{name}/loss"] = loss.detach().clone()
            keep("gradient", ((key, p.grad) for key, p in model.named_parameters()))
        optimizer.step()
        if step == 0:
            keep("first", model.state_dict().items())
    keep("last", model.state_dict().items())
    if any(True for _ in model.named_buffers()):
        with torch.no_grad():
            keep("evaluation", [("output", model.eval()(x))])
    tensors[f"{name}/input"] = x
    tensors[f"{name}/labels"] = labels.double()
    names.append({"name": name})


torch.manual_seed(3)
os.makedirs(sys.argv[1], exist_ok=True)
add("weight-norm", (2, 6, 5),
    weight_norm(nn.Conv2d(2, 6, 3, padding=1)), nn.Tanh(),
    weight_norm(nn.Conv2d(6, 4, (3, 2), stride=2, groups=2, bias=False)), nn.Flatten(),
    weight_norm(nn.Linear(16, 5)), nn.Tanh(), weight_norm(nn.Linear(5, CLASSES)))
add("weight-standardization", (2, 6, 5),
    Conv2d(2, 6, 3, padding=1), nn.GroupNorm(2, 6), nn.Tanh(),
    Conv2d(6, 4, (3, 2), stride=2, groups=2, bias=False), nn.Flatten(), Linear(16, 5), nn.Tanh(),
    nn.Linear(5, CLASSES))
add("series", (3, 9),
    weight_norm(nn.Conv1d(3, 4, 3)), nn.Tanh(), Conv1d(4, 8, 2, dilation=2, groups=2), nn.Tanh(),
    nn.Flatten(), nn.Linear(40, CLASSES))
add("positions", (4, 5),
    weight_norm(nn.Linear(5, 6, bias=False)), nn.Tanh(), Linear(6, 4), nn.Tanh(), nn.Flatten(),
    weight_norm(nn.Linear(16, CLASSES)))
add("spectral-norm", (2, 6, 5),
    spectral_norm(nn.Conv2d(2, 6, 3, padding=1)), nn.Tanh(),
    spectral_norm(nn.Conv2d(6, 4, (3, 2), stride=2, groups=2, bias=False)), nn.Flatten(),
    spectral_norm(nn.Linear(16, 5)), nn.Tanh(), spectral_norm(nn.Linear(5, CLASSES)))
add("transposed", (4, 3, 2),
    spectral_norm(nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2)), nn.Tanh(),
    weight_norm(nn.ConvTranspose2d(6, 4, 2, groups=2, bias=False)), nn.Tanh(),
    ConvTranspose2d(4, 2, (2, 3)), nn.Tanh(), spectral_norm(nn.Conv2d(2, 2, 3, stride=2)),
    nn.Flatten(), nn.Linear(24, CLASSES))
add("spectral-series", (3, 9),
    spectral_norm(nn.Conv1d(3, 4, 3)), nn.Tanh(),
    spectral_norm(nn.Conv1d(4, 8, 2, dilation=2, groups=2)), nn.Tanh(), nn.Flatten(),
    nn.Linear(40, CLASSES))

save_file(tensors, f"{sys.argv[1]}/cases.safetensors", metadata={"cases": json.dumps(names)})
print(f"{sys.argv[1]}: {len(names)} models")
