"""Writes reference values of metrics: predictions, targets, and what scikit-learn says of them."""

import json
import pathlib

import torch
from safetensors.torch import save_file
from sklearn import metrics

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(11)


def normal(*shape):
    return torch.randn(shape, generator=generator).float().double()


tensors, cases = {}, []


def add(name, metric, prediction, target, value):
    tensors[f"{name}/prediction"], tensors[f"{name}/target"] = prediction.clone(), target.double().clone()
    cases.append({"name": name, "metric": metric, "value": float(value)})


logits = normal(40, 7)
labels = torch.randint(0, 7, (40,), generator=generator)
for k in [1, 2, 5, 7]:
    value = metrics.top_k_accuracy_score(labels, logits, k=k, labels=range(7))
    add(f"top {k}", f"top{k}Accuracy", logits, labels, value)
logits = normal(6, 5, 9)
labels = torch.randint(0, 9, (6, 5), generator=generator)
value = metrics.top_k_accuracy_score(labels.reshape(-1), logits.reshape(-1, 9), k=3, labels=range(9))
add("top 3 of sequences", "top3Accuracy", logits, labels, value)

for shape in [(30, 1), (30,), (12, 4), (5, 3, 2)]:
    target = normal(*shape)
    prediction = (target + 0.5 * normal(*shape)).float().double()
    value = metrics.mean_absolute_error(target.reshape(-1), prediction.reshape(-1))
    add(f"absolute {list(shape)}", "meanAbsoluteError", prediction, target, value)
    if len(shape) == 1 or shape[1:] == (1,):
        add(f"squared {list(shape)}", "rSquared", prediction, target, metrics.r2_score(target, prediction))

out = pathlib.Path(__file__).resolve().parents[2] / "Tests/LockstepTestSupport/Data/metrics.safetensors"
save_file({k: v.contiguous() for k, v in tensors.items()}, out, {"cases": json.dumps(cases)})
print(out.stat().st_size, "bytes")
