"""A perceptron with two heads, a class and a number of one table, trained by PyTorch in float64.

    python scripts/reference/heads.py Tests/LockstepTestSupport/Data

`heads.csv` is the table. `heads.safetensors` has the weights before the first step under Lockstep's names. `heads.json`
has, for each step, the loss and the mean loss of each head.
"""

import json
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.manual_seed(7)
ROWS, BATCH, STEPS, RATE, WEIGHTS = 60, 20, 9, 0.2, (1.0, 0.5)
CLASSES = ["fig", "pear", "plum"]

x = (torch.randn(ROWS, 3) * 100).round() / 100
kind = torch.randint(3, (ROWS,))
mass = ((x[:, :1] - 2 * x[:, 1:2] + torch.randn(ROWS, 1)) * 100).round() / 100
with open(f"{sys.argv[1]}/heads.csv", "w") as file:
    file.write("a,b,c,kind,mass\n")
    for row in range(ROWS):
        cells = [f"{value:.2f}" for value in x[row]] + [CLASSES[kind[row]], f"{mass[row, 0]:.2f}"]
        file.write(",".join(cells) + "\n")

trunk, heads = nn.Sequential(nn.Flatten(), nn.Linear(3, 8), nn.Tanh()), nn.ModuleList(
    [nn.Linear(8, 3), nn.Linear(8, 1)])
parameters = dict(trunk.named_parameters()) | {
    f"heads.{name}": value for name, value in heads.named_parameters()}
with torch.no_grad():
    for value in parameters.values():
        value.copy_((1.5 * value).float().double())
save_file(
    {name: value.detach().float().contiguous() for name, value in parameters.items()},
    f"{sys.argv[1]}/heads.safetensors")

optimizer = torch.optim.SGD(parameters.values(), lr=RATE, momentum=0.9)
steps = []
for step in range(STEPS):
    start = step * BATCH % ROWS
    batch = slice(start, start + BATCH)
    features = trunk(x[batch])
    losses = [
        F.cross_entropy(heads[0](features), kind[batch]),
        F.huber_loss(heads[1](features), mass[batch])]
    loss = sum(weight * one for weight, one in zip(WEIGHTS, losses))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    steps.append([loss.item()] + [one.item() for one in losses])
with open(f"{sys.argv[1]}/heads.json", "w") as file:
    json.dump({"losses": steps}, file, indent=1)
    file.write("\n")
