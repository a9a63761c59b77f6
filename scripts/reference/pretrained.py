"""Writes a PyTorch model's state_dict as training scripts leave it, and what the model computes.

    python scripts/reference/pretrained.py Tests/LockstepTestSupport/Data

`pretrained.safetensors` has DistributedDataParallel's prefix `module.`, counters of batches, and the
names of a model whose trunk is called `backbone`. `pretrained-outputs.safetensors` has an input and
the model's logits for it, in evaluation mode.
"""

import sys

import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(7)
torch.set_num_threads(1)


class Pretrained(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleDict({
            "conv1": nn.Conv2d(1, 6, 3, padding=1),
            "bn1": nn.BatchNorm2d(6),
            "conv2": nn.Conv2d(6, 10, 3, padding=1, bias=False),
            "bn2": nn.BatchNorm2d(10),
        })
        self.fc = nn.Linear(10 * 3 * 3, 10)

    def forward(self, x):
        b = self.backbone
        x = nn.functional.max_pool2d(b["bn1"](b["conv1"](x)).relu(), 2)
        x = nn.functional.max_pool2d(b["bn2"](b["conv2"](x)).relu(), 2)
        return self.fc(x.flatten(1))


model = Pretrained()
model.train()
for _ in range(20):
    model(torch.rand(16, 1, 12, 12))  # running statistics that are not the initial ones
model.eval()
x = torch.rand(9, 1, 12, 12)
state = {f"module.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
save_file(state, f"{sys.argv[1]}/pretrained.safetensors")
with torch.no_grad():
    y = model.double()(x.double())
save_file({"input": x.double(), "output": y}, f"{sys.argv[1]}/pretrained-outputs.safetensors",
          metadata={"cases": "[]"})
