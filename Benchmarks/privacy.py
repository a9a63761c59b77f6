"""The cost of private training by Opacus over that of PyTorch's ordinary step, beside Benchmarks/privacy.sh: the
same models, 128 examples a step, one thread.

    python Benchmarks/privacy.py
"""

import time
import warnings

import torch
from opacus import PrivacyEngine
from torch import nn

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
torch.manual_seed(0)
INPUTS, LABELS = torch.randn(4000, 1, 28, 28), torch.randint(0, 10, (4000,))


def mlp():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 49, 10))


def rate(make, mode, steps):
    """Examples a second of steps, without loading; `mode` is Opacus's, or None for the ordinary step."""
    model, loss = make(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(INPUTS, LABELS), batch_size=128, shuffle=True)
    private = {"noise_multiplier": 1.1, "max_grad_norm": 1.0}
    if mode == "hooks":
        model, optimizer, loader = PrivacyEngine().make_private(
            module=model, optimizer=optimizer, data_loader=loader, **private)
    elif mode == "ghost":
        model, optimizer, loss, loader = PrivacyEngine().make_private(
            module=model, optimizer=optimizer, data_loader=loader, criterion=loss, grad_sample_mode="ghost",
            **private)
    batches = []
    while len(batches) < steps + 3:
        batches += list(loader)
    examples, seconds = 0, 0.0
    for step, (inputs, labels) in enumerate(batches[:steps + 3]):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss(model(inputs), labels).backward()
        optimizer.step()
        if step >= 3:
            seconds += time.perf_counter() - start
            examples += len(labels)
    return examples / seconds


for name, make, steps in [("mlp", mlp, 40), ("cnn", cnn, 25)]:
    plain, hooks, ghost = (rate(make, mode, steps) for mode in (None, "hooks", "ghost"))
    print(
        f"{name}: {plain:.0f}, {hooks:.0f}, {ghost:.0f} examples/s; {plain / hooks:.2f} by hooks, "
        f"{plain / ghost:.2f} by ghost norms", flush=True)
