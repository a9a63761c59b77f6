"""Reference values of every loss, from PyTorch in float64: the mean, and its gradient.

    python scripts/reference/losses.py Tests/LockstepTestSupport/Data/losses.safetensors

A case has a prediction, a target, the loss's hyperparameters, the mean loss and its gradient by the
prediction. Tensors are float64, named `<case>/<kind>`. The tests read the committed file; this script
need not run for them.
"""

import json
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from cases import Values, f32

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
v = Values(20260101)
tensors, descriptions = {}, []


def case(name, loss, function, prediction, target, **options):
    prediction = prediction.clone().requires_grad_(True)
    mean = function(prediction, target)
    (gradient,) = torch.autograd.grad(mean, prediction)
    for kind, tensor in [
        ("prediction", prediction), ("target", target), ("mean", mean), ("gradient", gradient),
    ]:
        tensors[f"{name}/{kind}"] = tensor.detach().double().contiguous().clone()
    descriptions.append({"name": name, "loss": loss, **options})


def rounded(values):
    return [f32(value) for value in values]


# Classes. Predictions are [N, ..., C] here, [N, C, ...] in PyTorch.

def cross_entropy(smoothing=0.0, ignore=-100, weights=None):
    weights = None if weights is None else torch.tensor(weights)

    def function(x, t):
        return F.cross_entropy(
            x.reshape(-1, x.shape[-1]), t.reshape(-1), weight=weights, ignore_index=ignore,
            label_smoothing=smoothing)

    return function


logits = 2 * v.normal(6, 5)
labels = v.labels(5, 6)
weights = rounded([0.5, 2.0, 1.0, 0.0, 3.25])
sequence = 2 * v.normal(3, 4, 7)
sequence_labels = v.labels(7, 3, 4)
marked = sequence_labels.clone()
marked[0, 1] = marked[2] = -100
zero = sequence_labels.clone()
sequence_weights = rounded([0.25, 1.0, 2.0, 0.75, 1.5, 3.0, 0.125])
smoothing = f32(0.1)

case("classes", "softmaxCrossEntropy", cross_entropy(), logits, labels)
case("smoothed", "softmaxCrossEntropy", cross_entropy(smoothing), logits, labels,
     labelSmoothing=smoothing)
case("weighted", "softmaxCrossEntropy", cross_entropy(weights=weights), logits, labels,
     classWeights=weights)
case("weighted and smoothed", "softmaxCrossEntropy", cross_entropy(smoothing, weights=weights),
     logits, labels, classWeights=weights, labelSmoothing=smoothing)
case("sequences", "softmaxCrossEntropy", cross_entropy(), sequence, sequence_labels)
case("ignored", "softmaxCrossEntropy", cross_entropy(), sequence, marked, ignoreIndex=-100)
case("class 0 ignored", "softmaxCrossEntropy", cross_entropy(ignore=0), sequence, zero,
     ignoreIndex=0)
case("ignored and smoothed", "softmaxCrossEntropy", cross_entropy(smoothing), sequence, marked,
     ignoreIndex=-100, labelSmoothing=smoothing)
case("ignored and weighted", "softmaxCrossEntropy", cross_entropy(weights=sequence_weights),
     sequence, marked, ignoreIndex=-100, classWeights=sequence_weights)
case("all", "softmaxCrossEntropy", cross_entropy(smoothing, weights=sequence_weights), sequence,
     marked, ignoreIndex=-100, classWeights=sequence_weights, labelSmoothing=smoothing)
case("all with class 0 ignored", "softmaxCrossEntropy",
     cross_entropy(smoothing, 0, sequence_weights), sequence, zero, ignoreIndex=0,
     classWeights=sequence_weights, labelSmoothing=smoothing)

# Numbers.

x, t = 2 * v.normal(5, 3), v.normal(5, 3)
image, image_target = v.normal(2, 3, 4), v.normal(2, 3, 4)
case("squared", "meanSquaredError", F.mse_loss, x, t)
case("absolute", "meanAbsoluteError", F.l1_loss, x, t)
case("absolute of three axes", "meanAbsoluteError", F.l1_loss, image, image_target)
for delta in [1.0, 0.3, 4.0]:
    delta = f32(delta)
    case(f"huber {delta:g}", "huber", lambda x, t: F.huber_loss(x, t, delta=delta), x, t, delta=delta)
for beta in [1.0, 0.3, 0.0]:
    beta = f32(beta)
    case(f"smooth {beta:g}", "smoothL1", lambda x, t: F.smooth_l1_loss(x, t, beta=beta), x, t,
         beta=beta)


def quantile(levels):
    levels = torch.tensor(levels)
    return lambda x, t: torch.maximum(levels * (t - x), (levels - 1) * (t - x)).mean()


case("quantile", "quantile", quantile(rounded([0.9])), x, t, levels=rounded([0.9]))
case("quantiles", "quantile", quantile(rounded([0.1, 0.5, 0.9])), x, t[:, :1],
     levels=rounded([0.1, 0.5, 0.9]))
two = rounded([0.25, 0.75])
case("quantiles of targets", "quantile",
     lambda x, t: quantile(two)(x.reshape(5, 2, 2), t.reshape(5, 2, 1)), v.normal(5, 4),
     v.normal(5, 2), levels=two)
case("poisson", "poisson", lambda x, t: F.poisson_nll_loss(x, t, log_input=True, full=False), x,
     v.labels(6, 5, 3).double())

# Probabilities.

bits = v.labels(2, 5, 3).double()
soft = v.uniform(0, 1, 5, 3)
positive = rounded([0.5, 3.0, 10.0])
case("binary", "binaryCrossEntropy", F.binary_cross_entropy_with_logits, 4 * x, soft)
case("binary with weights", "binaryCrossEntropy",
     lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.tensor(positive)),
     4 * x, soft, positiveWeights=positive)
case("binary with one weight", "binaryCrossEntropy",
     lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.tensor([2.5])),
     x, bits, positiveWeights=[2.5])


def focal(alpha, gamma):
    """torchvision.ops.sigmoid_focal_loss, reduction="mean"."""

    def function(x, t):
        p = torch.sigmoid(x)
        ce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
        loss = ce * (1 - (p * t + (1 - p) * (1 - t))) ** gamma
        if alpha is not None:
            loss = (alpha * t + (1 - alpha) * (1 - t)) * loss
        return loss.mean()

    return function


case("focal", "focal", focal(0.25, 2.0), x, bits, alpha=0.25, gamma=2.0)
case("focal 1.5", "focal", focal(f32(0.6), 1.5), 2 * x, bits, alpha=f32(0.6), gamma=1.5)
case("focal without alpha", "focal", focal(None, 2.0), x, bits, gamma=2.0)
case("focal 0", "focal", focal(0.5, 0.0), x, bits, alpha=0.5, gamma=0.0)

distributions = torch.softmax(v.normal(6, 5), dim=1)
corner = torch.zeros(6, 5)
corner[range(6), labels] = 1
kl = lambda x, t: F.kl_div(torch.log_softmax(x, dim=-1), t, reduction="batchmean")
case("divergence", "klDivergence", kl, logits, distributions)
case("divergence from corners", "klDivergence", kl, logits, corner)

save_file(tensors, sys.argv[1], {"cases": json.dumps(descriptions)})
print(f"{sys.argv[1]}: {len(descriptions)} cases, {len(tensors)} tensors")
