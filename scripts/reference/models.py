"""Reference outputs, gradients and running statistics of small models, from PyTorch in float64.

    python scripts/reference/models.py Tests/LockstepTestSupport/Data/models.safetensors

Every model gets random weights and running statistics. `eval` is its output in evaluation; in
training, `train` is the output, `loss` the summed cross-entropy with `labels`, `gradient/<name>` its
gradients, and `after/<name>` the running statistics behind it. `state/<name>` is the state before.
"""

import json
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

from cases import Values, f32

EPSILON, MOMENTUM = f32(1e-5), f32(0.1)
values = Values(7)


def norm2d(channels):
    return nn.BatchNorm2d(channels, EPSILON, MOMENTUM)


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), norm2d(3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 5, 3, padding=1), norm2d(5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(20, 7), nn.ReLU(), nn.Dropout(0.0), nn.Linear(7, 4))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 5), nn.Tanh(),
                         nn.Linear(5, 3))


class Block(nn.Module):
    """A residual block whose shortcut pads, or projects."""

    def __init__(self, start, end, stride, projection):
        super().__init__()
        self.conv1 = nn.Conv2d(start, end, 3, stride, 1, bias=False)
        self.bn1 = norm2d(end)
        self.conv2 = nn.Conv2d(end, end, 3, 1, 1, bias=False)
        self.bn2 = norm2d(end)
        self.shortcut = None
        self.stride, self.missing = stride, end - start
        if projection and (stride != 1 or start != end):
            self.shortcut = nn.Sequential(
                nn.Conv2d(start, end, 1, stride, bias=False), norm2d(end))

    def forward(self, x):
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.shortcut is not None:
            return F.relu(inner + self.shortcut(x))
        half = self.missing // 2
        x = x[:, :, ::self.stride, ::self.stride]
        return F.relu(inner + F.pad(x, (0, 0, 0, 0, half, self.missing - half)))


class ResNet(nn.Module):
    def __init__(self, depth, width, classes, projection):
        super().__init__()
        count = (depth - 2) // 6
        stage = lambda a, b, s: nn.Sequential(
            *[Block(b if i else a, b, 1 if i else s, projection) for i in range(count)])
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = norm2d(width)
        self.layer1 = stage(width, width, 1)
        self.layer2 = stage(width, 2 * width, 2)
        self.layer3 = stage(2 * width, 4 * width, 2)
        self.linear = nn.Linear(4 * width, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


class Nested(nn.Module):
    """Layers declared in another order than they are called, one of them used twice."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(12, 4)
        self.blocks = nn.ModuleList([Inner(6), Inner(6)])
        self.shared = nn.Conv2d(6, 6, 1)
        self.stem = nn.Conv2d(2, 6, (3, 2), (2, 1), (1, 0), bias=False)
        self.norm = nn.BatchNorm1d(12, EPSILON, MOMENTUM)

    def forward(self, x):
        x = self.shared(self.stem(x))
        for block in self.blocks:
            x = self.shared(x + block(x))
        x = F.avg_pool2d(x, 2).flatten(1)
        return self.head(F.silu(self.norm(x)))


class Inner(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding="same", groups=channels)
        self.body = nn.Sequential(nn.GELU(), nn.Conv2d(channels, channels, 1, groups=2))

    def forward(self, x):
        return self.body(self.depthwise(x))


def count(model):
    return sum(p.numel() for p in model.parameters())


tensors, descriptions = {}, []
for name, model, shape, classes in [
    ("cnn", cnn(), [6, 1, 8, 8], 4),
    ("mlp", mlp(), [5, 2, 3], 3),
    ("resnet padded", ResNet(8, 4, 5, False), [3, 3, 8, 8], 5),
    ("resnet projection", ResNet(8, 4, 5, True), [3, 3, 8, 8], 5),
    ("nested", Nested(), [5, 2, 9, 3], 4),
]:
    state = {
        key: tensor for key, tensor in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    with torch.no_grad():
        for key, tensor in state.items():
            if key.endswith("running_var"):
                tensor.copy_(values.uniform(0.5, 2, *tensor.shape))
            elif key.endswith("running_mean"):
                tensor.copy_(values.normal(*tensor.shape))
            else:
                fan = max(tensor[0].numel(), 1) if tensor.dim() > 1 else 4
                tensor.copy_(values.normal(*tensor.shape) / fan**0.5 + (tensor.dim() == 1) * 0.5)
    put = lambda key, tensor: tensors.__setitem__(
        f"{name}/{key}", tensor.detach().double().contiguous().clone())
    for key, tensor in state.items():
        put(f"state/{key}", tensor)
    x, labels = values.normal(*shape), values.labels(classes, shape[0])
    put("input", x)
    put("labels", labels)
    model.eval()
    put("eval", model(x))
    model.train()
    output = model(x)
    loss = F.cross_entropy(output, labels, reduction="sum")
    loss.backward()
    put("train", output)
    put("loss", loss)
    for key, parameter in model.named_parameters():
        put(f"gradient/{key}", parameter.grad)
    statistics = [key for key in state if "running_" in key]
    for key in statistics:
        put(f"after/{key}", state[key])
    descriptions.append({
        "name": name, "parameters": [key for key, _ in model.named_parameters()],
        "statistics": statistics,
    })

for depth in (20, 32, 56):
    for projection in (False, True):
        descriptions.append({
            "name": f"resnet{depth} {'projection' if projection else 'padded'}",
            "parameterCount": count(ResNet(depth, 16, 10, projection)),
        })

save_file(tensors, sys.argv[1], {"cases": json.dumps(descriptions)})
print(f"{sys.argv[1]}: {len(descriptions)} models, {len(tensors)} tensors")
