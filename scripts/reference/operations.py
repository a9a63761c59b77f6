"""Reference values of every operation, from PyTorch in float64.

    python scripts/reference/operations.py Tests/LockstepTestSupport/Data/operations.safetensors

The tests read the committed file; this script need not run for them.
"""

import sys

import numpy
import torch
import torch.nn.functional as F

from cases import Cases, Values, f32
from masks import dropout

cases = Cases()
v = Values(20150427)


# Elementwise functions.

def activation(name, function, inputs, attributes=None, label=None):
    cases.add(label or name, name, function, [inputs], attributes)


x = v.away_from_zero(3, 7)
activation("relu", torch.relu, x)
activation("relu", torch.relu, v.away_from_zero(2, 3, 5, 4), label="relu of four axes")
activation(
    "relu", lambda x: F.leaky_relu(x, f32(0.1)), x, {"slope": 0.1}, "relu with slope 0.1")
activation(
    "relu", lambda x: F.leaky_relu(x, -0.5), x, {"slope": -0.5}, "relu with negative slope")
activation("sigmoid", torch.sigmoid, 3 * x)
activation("sigmoid", torch.sigmoid, torch.tensor([-700.0, -40, 40, 700]), label="sigmoid far out")
activation("tanh", torch.tanh, x)
activation("gelu", F.gelu, 2 * x)
activation("silu", F.silu, 2 * x)
activation("softplus", lambda x: F.softplus(x, threshold=1e9), 3 * x)
activation("softplus", F.softplus, torch.tensor([-700.0, 50, 700]), label="softplus far out")
activation("elu", lambda x: F.elu(x, f32(0.7)), x, {"alpha": 0.7})
activation("elu", lambda x: F.elu(x, -0.5), x, {"alpha": -0.5}, "elu with negative alpha")
activation("exp", torch.exp, x)
activation("log", torch.log, x.abs())
activation("sqrt", torch.sqrt, x.abs())
activation("square", torch.square, x)
activation("abs", torch.abs, x)
activation("affine", lambda x: -1.5 * x + 0.25, x, {"scale": -1.5, "shift": 0.25})


# Arithmetic with broadcasting of either side, or both.

pairs = {
    "of equal shapes": ([3, 5], [3, 5]),
    "with a row": ([3, 5], [5]),
    "with a column": ([3, 5], [3, 1]),
    "with a scalar": ([2, 3], []),
    "of a row and a matrix": ([5], [3, 5]),
    "of a column and a row": ([3, 1], [5]),
    "with a channel vector": ([2, 3, 4, 5], [3, 1, 1]),
    "of both sides": ([2, 1, 5], [4, 1]),
}
for name, function in [
    ("add", torch.add), ("subtract", torch.sub), ("multiply", torch.mul), ("divide", torch.div)
]:
    for label, (left, right) in pairs.items():
        cases.add(f"{name} {label}", name, function, [
            v.normal(*left), v.away_from_zero(*right)])


# Products.

def linear(x, w, b=None):
    return F.linear(x, w, b)


for label, shape, outputs, bias in [
    ("", [5, 7], 3, True), (" without bias", [5, 7], 3, False), (" of one unit", [4, 30], 1, True),
    (" over sequences", [2, 3, 5], 4, True), (" of one example", [1, 6], 10, True),
    (" of 17 units", [3, 17], 17, True),
]:
    inputs = [v.normal(*shape), v.normal(outputs, shape[-1])] + ([v.normal(outputs)] if bias else [])
    cases.add(f"linear{label}", "linear", linear, inputs, parameters=[1, 2])

for left in (False, True):
    for right in (False, True):
        def matmul(a, b, left=left, right=right):
            return (a.mT if left else a) @ (b.mT if right else b)

        names = {(False, False): "", (True, False): " of the left transposed",
                 (False, True): " of the right transposed", (True, True): " of both transposed"}
        attributes = {"transposeLeft": left, "transposeRight": right}
        shapes = [[5, 3] if left else [3, 5], [4, 5] if right else [5, 4]]
        cases.add(f"matmul{names[left, right]}", "matmul", matmul,
                  [v.normal(*shapes[0]), v.normal(*shapes[1])], attributes)
        cases.add(f"batched matmul{names[left, right]}", "matmul", matmul,
                  [v.normal(2, 3, *shapes[0]), v.normal(2, 3, *shapes[1])], attributes)


# Convolutions. Padding is [[top, bottom], [left, right]].

def convolution(stride, padding, dilation, groups):
    def run(x, w, b=None):
        (top, bottom), (left, right) = padding
        return F.conv2d(
            F.pad(x, (left, right, top, bottom)), w, b, stride, 0, dilation, groups)
    return run


def same(kernel, dilation=(1, 1)):
    totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return [[t // 2, t - t // 2] for t in totals]


for label, shape, weight, stride, padding, dilation, groups, bias in [
    ("3 by 3", [2, 3, 5, 7], [4, 3, 3, 3], [1, 1], [[0, 0], [0, 0]], [1, 1], 1, True),
    ("3 by 3 same", [2, 1, 6, 5], [4, 1, 3, 3], [1, 1], same([3, 3]), [1, 1], 1, True),
    ("without bias", [2, 3, 5, 5], [2, 3, 3, 3], [1, 1], [[1, 1], [1, 1]], [1, 1], 1, False),
    ("1 by 1", [2, 3, 4, 5], [10, 3, 1, 1], [1, 1], [[0, 0], [0, 0]], [1, 1], 1, True),
    ("1 by 1 stride 2", [2, 3, 5, 6], [4, 3, 1, 1], [2, 2], [[0, 0], [0, 0]], [1, 1], 1, False),
    ("stride 2", [2, 2, 7, 8], [3, 2, 3, 3], [2, 2], [[1, 1], [1, 1]], [1, 1], 1, True),
    ("stride 2 by 3", [1, 2, 9, 8], [3, 2, 3, 2], [2, 3], [[1, 1], [0, 0]], [1, 1], 1, True),
    ("even kernel same", [2, 2, 5, 6], [3, 2, 4, 2], [1, 1], same([4, 2]), [1, 1], 1, True),
    ("dilation 2", [1, 2, 7, 7], [3, 2, 3, 3], [1, 1], [[0, 0], [0, 0]], [2, 2], 1, True),
    ("dilation 2 by 3 same", [1, 2, 6, 7], [2, 2, 3, 2], [1, 1], same([3, 2], [2, 3]), [2, 3], 1,
     True),
    ("two groups", [2, 4, 5, 5], [6, 2, 3, 3], [1, 1], [[1, 1], [1, 1]], [1, 1], 2, True),
    ("depthwise", [2, 5, 6, 5], [5, 1, 3, 3], [1, 1], [[1, 1], [1, 1]], [1, 1], 5, True),
    ("depthwise with multiplier", [1, 3, 5, 5], [6, 1, 3, 3], [2, 2], [[1, 1], [1, 1]], [1, 1], 3,
     False),
    ("10 channels", [1, 10, 4, 4], [10, 10, 3, 3], [1, 1], [[1, 1], [1, 1]], [1, 1], 1, True),
    ("17 channels", [1, 17, 3, 3], [17, 17, 2, 2], [1, 1], [[0, 0], [0, 0]], [1, 1], 1, True),
    ("tall input", [1, 3, 11, 2], [2, 3, 5, 1], [2, 1], [[2, 2], [0, 0]], [1, 1], 1, True),
    ("kernel of the input's size", [2, 3, 4, 3], [5, 3, 4, 3], [1, 1], [[0, 0], [0, 0]], [1, 1], 1,
     True),
]:
    inputs = [v.normal(*shape), v.normal(*weight)] + ([v.normal(weight[0])] if bias else [])
    cases.add(
        f"conv2d {label}", "conv2d", convolution(stride, padding, dilation, groups), inputs,
        {"kernel": weight[2:], "stride": stride, "paddingLow": [p[0] for p in padding],
         "paddingHigh": [p[1] for p in padding], "dilation": dilation, "groups": groups},
        parameters=[1, 2])


# Pooling.

def padded(x, padding, value):
    (top, bottom), (left, right) = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def average(kernel, stride, padding, counts):
    def run(x):
        if counts:
            return F.avg_pool2d(padded(x, padding, 0.0), kernel, stride)
        inside = F.avg_pool2d(padded(torch.ones_like(x), padding, 0.0), kernel, stride)
        return F.avg_pool2d(padded(x, padding, 0.0), kernel, stride) / inside
    return run


for label, shape, kernel, stride, padding in [
    ("2", [2, 3, 4, 6], [2, 2], [2, 2], [[0, 0], [0, 0]]),
    ("2 of odd sizes", [2, 3, 5, 7], [2, 2], [2, 2], [[0, 0], [0, 0]]),
    ("3 stride 2 padded", [2, 3, 7, 6], [3, 3], [2, 2], [[1, 1], [1, 1]]),
    ("3 by 2 stride 1", [1, 2, 5, 4], [3, 2], [1, 1], [[0, 0], [0, 0]]),
    ("even kernel same", [1, 3, 5, 4], [2, 4], [1, 1], same([2, 4])),
    ("10 channels", [1, 10, 4, 4], [2, 2], [2, 2], [[0, 0], [0, 0]]),
    ("17 channels", [1, 17, 3, 3], [3, 3], [1, 1], [[1, 1], [1, 1]]),
]:
    attributes = {"kernel": kernel, "stride": stride, "paddingLow": [p[0] for p in padding],
                  "paddingHigh": [p[1] for p in padding]}
    x = v.distinct(*shape)
    pool = lambda x, k=kernel, s=stride, p=padding: F.max_pool2d(padded(x, p, -float("inf")), k, s)
    cases.add(f"max_pool2d {label}", "max_pool2d", pool, [x], attributes)
    for counts in (True, False):
        suffix = "" if counts else " excluding padding"
        cases.add(
            f"avg_pool2d {label}{suffix}", "avg_pool2d", average(kernel, stride, padding, counts),
            [x], dict(attributes, countsPadding=counts))

ties = torch.tensor([[[[1.0, 1, 0, 2], [1, 1, 2, 2], [-1, -3, 5, 4], [-1, -1, 4, 5]]]])
for label, x, kernel, stride, padding in [
    ("of distinct values", v.distinct(2, 2, 5, 7), 3, 2, 1), ("of ties", ties, 2, 2, 0)
]:
    cases.add(
        f"max_pool2d indices {label}", "max_pool2d_indices",
        lambda x, k=kernel, s=stride, p=padding: F.max_pool2d(x, k, s, p, return_indices=True),
        [x], {"kernel": [kernel] * 2, "stride": [stride] * 2, "paddingLow": [padding] * 2,
              "paddingHigh": [padding] * 2}, differentiated=1, reference_only=True,
        smooth=x is not ties)

for shape in ([2, 3, 5, 4], [1, 17, 1, 1], [3, 10, 2, 7]):
    cases.add(f"global_avg_pool2d {shape}", "global_avg_pool2d",
              lambda x: F.adaptive_avg_pool2d(x, 1), [v.normal(*shape)])


# Batch normalisation.

EPSILON = f32(1e-5)


def batch_norm(x, gamma, beta):
    axes = [axis for axis in range(x.dim()) if axis != 1]
    y = F.batch_norm(x, None, None, gamma, beta, True, 0.0, EPSILON)
    return y, x.mean(axes), x.var(axes, unbiased=False)


def fixed_norm(x, gamma, beta, mean, variance):
    return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, EPSILON)


for shape in ([5, 3], [4, 17], [3, 2, 5], [2, 3, 4, 5], [1, 10, 3, 3], [2, 17, 2, 3]):
    channels = shape[1]
    x = 2 * v.normal(*shape) + 3
    gamma, beta = v.uniform(0.5, 2, channels), v.normal(channels)
    cases.add(f"batch_norm {shape}", "batch_norm", batch_norm, [x, gamma, beta],
              {"epsilon": 1e-5}, parameters=[1, 2], differentiated=1)
    cases.add(
        f"fixed_norm {shape}", "fixed_norm", fixed_norm,
        [x, gamma, beta, v.normal(channels), v.uniform(0.5, 2, channels)], {"epsilon": 1e-5},
        parameters=[1, 2], fixed=[3, 4])


# Reductions and shapes.

for label, shape, axes, keep in [
    ("of everything", [3, 4], [0, 1], False), ("of rows", [3, 5], [1], False),
    ("of columns keeping axes", [3, 5], [0], True), ("of outer axes", [2, 3, 4], [0, 2], False),
    ("per channel", [2, 3, 4, 5], [0, 2, 3], False), ("per example", [3, 2, 2, 3], [1, 2, 3], True),
]:
    # The mean's factor 1 / count is held in Float32.
    factor = f32(1 / numpy.prod([shape[axis] for axis in axes]))
    for name, scale in (("sum", 1), ("mean", factor)):
        cases.add(f"{name} {label}", name,
                  lambda x, s=scale, a=axes, k=keep: s * torch.sum(x, dim=a, keepdim=k),
                  [v.normal(*shape)], {"axes": axes, "keepDimensions": keep})

cases.add("reshape", "reshape", lambda x: x.reshape(4, 15), [v.normal(3, 4, 5)], {"shape": [4, 15]})
cases.add("reshape with a free axis", "reshape", lambda x: x.reshape(2, -1, 3),
          [v.normal(4, 6)], {"shape": [2, -1, 3]})
cases.add("flatten", "flatten", lambda x: x.flatten(1), [v.normal(2, 3, 4, 5)], {"axis": 1})
for permutation in ([1, 0], [2, 0, 1], [0, 2, 3, 1], [3, 2, 1, 0]):
    shape = [2, 3, 4, 5][:len(permutation)]
    cases.add(f"transpose {permutation}", "transpose",
              lambda x, p=permutation: x.permute(p), [v.normal(*shape)],
              {"permutation": permutation})
for left, right in (([1, 4], [3, 4]), ([3, 1, 1], [3, 2, 5]), ([4], [2, 3, 4])):
    cases.add(f"broadcast {left} to {right}", "broadcast", lambda x, s=right: x.expand(s),
              [v.normal(*left)], {"shape": right})
for shape, axis, start, count in (
    ([7, 3], 0, 2, 3), ([3, 7], 1, 0, 4), ([2, 3, 5], 1, 2, 1), ([2, 5, 3, 3], 1, 1, 4)
):
    cases.add(f"slice {start}, {count} of axis {axis} of {shape}", "slice",
              lambda x, a=axis, s=start, c=count: x.narrow(a, s, c), [v.normal(*shape)],
              {"axis": axis, "start": start, "count": count})
for axis, shapes in ((0, [[2, 3], [4, 3]]), (1, [[2, 3], [2, 1], [2, 5]]),
                     (1, [[2, 3, 4, 4], [2, 10, 4, 4]]), (2, [[1, 2, 3], [1, 2, 1]])):
    cases.add(f"concatenate {shapes} on axis {axis}", "concatenate",
              lambda *x, a=axis: torch.cat(x, a), [v.normal(*shape) for shape in shapes],
              {"axis": axis})


# Softmax, losses and counts.

cases.add("softmax", "softmax", lambda x: x.softmax(-1), [2 * v.normal(5, 10)])
cases.add("softmax of three axes", "softmax", lambda x: x.softmax(-1), [v.normal(2, 3, 4)])
cases.add("softmax of large logits", "softmax", lambda x: x.softmax(-1),
          [torch.tensor([[1000.0, 999, -1000], [0, 0, 0], [-900, -901, -902]])])


def cross_entropy(smoothing):
    def run(x, labels, weights=None):
        losses = F.cross_entropy(x, labels, reduction="none", label_smoothing=smoothing)
        return (losses if weights is None else losses * weights).sum()
    return run


def elementwise(function):
    def run(x, target, weights=None):
        losses = function(x, target, reduction="none").flatten(1).sum(1)
        return (losses if weights is None else losses * weights).sum()
    return run


for smoothing in (0.0, 0.1):
    for weighted in (False, True):
        label = (" smoothed" if smoothing else "") + (" weighted" if weighted else "")
        inputs = [3 * v.normal(6, 10), v.labels(10, 6)]
        inputs += [v.uniform(0.5, 2, 6)] if weighted else []
        cases.add(f"cross_entropy{label}", "cross_entropy", cross_entropy(f32(smoothing)), inputs,
                  {"smoothing": smoothing}, fixed=[2])
cases.add("cross_entropy of large logits", "cross_entropy", cross_entropy(0.0),
          [torch.tensor([[1000.0, 0, -1000], [-800, 800, 0]]), torch.tensor([1, 1])],
          {"smoothing": 0.0})
for name, function in (
    ("binary_cross_entropy", F.binary_cross_entropy_with_logits), ("squared_error", F.mse_loss)
):
    for weighted in (False, True):
        for shape in ([7, 1], [4, 3]):
            inputs = [2 * v.normal(*shape), v.uniform(0, 1, *shape).round(decimals=1)]
            inputs += [v.uniform(0.5, 2, shape[0])] if weighted else []
            cases.add(f"{name} {shape}{' weighted' if weighted else ''}", name,
                      elementwise(function), inputs, fixed=[1, 2])
cases.add("binary_cross_entropy of large logits", "binary_cross_entropy",
          elementwise(F.binary_cross_entropy_with_logits),
          [torch.tensor([[800.0], [-800.0], [40.0]]), torch.tensor([[0.0], [1.0], [1.0]])],
          fixed=[1])

logits = v.distinct(9, 5)
cases.add("correct_labels", "correct_labels",
          lambda x, t: (x.argmax(1) == t).sum().double(), [logits, v.labels(5, 9)],
          differentiated=0)
cases.add("correct_labels of ties", "correct_labels",
          lambda x, t: (x.argmax(1) == t).sum().double(),
          [torch.tensor([[1.0, 1, 0], [0, 2, 2]]), torch.tensor([0, 2])], differentiated=0)
cases.add("correct_signs", "correct_signs",
          lambda x, t: ((x > 0) == (t > 0.5)).sum().double(),
          [v.away_from_zero(8, 2), v.uniform(0, 1, 8, 2).round()], differentiated=0)


# Dropout.

for label, shape, rate, key, seed, step, first in [
    ("", [3, 11], 0.5, 7, 1, 0, 0),
    (" of planes", [2, 3, 3, 5], 0.25, 0x89ABCDEF, 0x123456789ABCDEF, 5_000_000_000, 64),
    (" at a rate of 0.1", [4, 10], 0.1, 0, 2**64 - 1, 3, 1000),
]:
    cases.add(f"dropout{label}", "dropout", dropout(rate, key, seed, step, first),
              [v.away_from_zero(*shape)], {"rate": rate, "key": str(key)},
              context={"seed": str(seed), "step": str(step), "firstExample": str(first)})



# Distillation: the divergence from a teacher's softened predictions, times the temperature squared.

def distillation(temperature):
    def run(x, teacher, weights=None):
        student = F.log_softmax(x / temperature, 1)
        target = F.log_softmax(teacher / temperature, 1)
        losses = F.kl_div(student, target, reduction="none", log_target=True).sum(1)
        losses = losses * temperature**2
        return (losses if weights is None else losses * weights).sum()
    return run


for temperature in (1.0, 4.0):
    for weighted in (False, True):
        inputs = [2 * v.normal(5, 19), 2 * v.normal(5, 19)]
        inputs += [v.uniform(0.5, 2, 5)] if weighted else []
        cases.add(f"distillation at {temperature:.0f}{' weighted' if weighted else ''}", "distillation",
                  distillation(temperature), inputs, {"temperature": temperature}, fixed=[1, 2])
cases.add("distillation of large logits", "distillation", distillation(2.0),
          [torch.tensor([[800.0, 0, -900], [5, 5, 5]]), torch.tensor([[700.0, 0, 10], [5, 4, 3]])],
          {"temperature": 2.0}, fixed=[1])



# Rows by their own mean and variance.

for shape, axes in [
    ([5, 3], 1), ([4, 17], 1), ([1, 5], 1), ([2, 3, 32], 1), ([2, 3, 4, 5], 2), ([3, 70], 1),
]:
    last = shape[-axes:]
    x = 2 * v.normal(*shape) + 3
    gamma, beta = v.uniform(0.5, 2, *last), v.normal(*last)
    cases.add(f"layer_norm {shape}", "layer_norm",
              lambda x, gamma, beta: F.layer_norm(x, gamma.shape, gamma, beta, EPSILON),
              [x, gamma, beta], {"epsilon": 1e-5}, parameters=[1, 2])
    cases.add(f"rms_norm {shape}", "rms_norm",
              lambda x, gamma: F.rms_norm(x, gamma.shape, gamma, EPSILON),
              [x, gamma], {"epsilon": 1e-5}, parameters=[1])

cases.write(sys.argv[1])
