"""Reference values of tensor operations, from PyTorch in float64.

    python scripts/reference/tensor_operations.py Tests/LockstepTestSupport/Data/tensor-operations.safetensors

The tests read the committed file; this script need not run for them.
"""

import sys

import torch
import torch.nn.functional as F

from cases import Cases, Values, f32

cases = Cases()
v = Values(20240611)


# Softmax.

for shape, axis in (([5, 10], 1), ([5, 10], 0), ([2, 3, 17], 2), ([2, 5, 3], 1), ([1, 1], 1)):
    cases.add(f"log_softmax of axis {axis} of {shape}", "log_softmax",
              lambda x, a=axis: x.log_softmax(a), [3 * v.normal(*shape)], {"axis": axis})
cases.add("log_softmax of large logits", "log_softmax", lambda x: x.log_softmax(-1),
          [torch.tensor([[1000.0, 999, -1000], [0, 0, 0], [-900, -901, -902]])], {"axis": 1})


# Extrema.

TIES = torch.tensor([[[1.0, 2, 2], [1, 0, 2]], [[-1, -1, -1], [3, -1, 3]]])

for name, function in (("maximum", torch.amax), ("minimum", torch.amin)):
    for label, shape, axes, keep in [
        ("of everything", [3, 4], [0, 1], False), ("of rows", [3, 5], [1], False),
        ("of columns keeping axes", [3, 5], [0], True), ("of outer axes", [2, 3, 4], [0, 2], False),
        ("per channel", [2, 3, 4, 5], [0, 2, 3], False), ("per example", [3, 2, 2, 3], [1, 2, 3], True),
        ("of an inner axis", [2, 7, 5], [1], False), ("of one value", [2, 1], [1], False),
    ]:
        cases.add(f"{name} {label}", name, lambda x, a=axes, k=keep, f=function: f(x, a, k),
                  [v.distinct(*shape)], {"axes": axes, "keepDimensions": keep})
    for axes in ([0], [2], [0, 1, 2]):
        cases.add(f"{name} of ties over {axes}", name, lambda x, a=axes, f=function: f(x, a),
                  [TIES], {"axes": axes}, smooth=False)

for name, function in (("pair_maximum", torch.maximum), ("pair_minimum", torch.minimum)):
    for label, left, right in [
        ("of equal shapes", [3, 5], [3, 5]), ("with a row", [3, 5], [5]),
        ("with a scalar", [2, 3], []), ("of a column and a row", [3, 1], [5]),
        ("of both sides", [2, 1, 5], [4, 1]),
    ]:
        cases.add(f"{name} {label}", name, function, [v.normal(*left), v.normal(*right)])
    cases.add(f"{name} of ties", name, function,
              [TIES, TIES.flip(2)], smooth=False)


# Masks and tables.

for label, shape, mask in [
    ("of one shape", [3, 5], [3, 5]), ("of a row", [3, 5], [5]), ("of a column", [3, 5], [3, 1]),
    ("of the last axes", [2, 3, 4, 4], [4, 4]), ("of the outer axes", [2, 3, 4], [2, 1, 1]),
    ("of a number", [2, 3], [1]),
]:
    chosen = torch.rand(mask, generator=v.generator) < 0.4
    for kind, values in (("integers", chosen.int()), ("floats", chosen.double())):
        cases.add(f"masked by {kind} {label}", "masked",
                  lambda x, m: x.masked_fill(m != 0, f32(-0.3)), [v.normal(*shape), values],
                  {"value": -0.3}, fixed=[1])
cases.add("masked with large numbers and log_softmax", "masked_log_softmax",
          lambda x, m: x.masked_fill(m != 0, f32(-1e30)).log_softmax(-1).masked_fill(m != 0, 0),
          [v.normal(4, 6), (torch.rand([4, 6], generator=v.generator) < 0.3).int()],
          {"value": -1e30}, fixed=[1])

for shape, table in (([3, 4], [4]), ([2, 3, 4], [3, 1])):
    count = table[0]
    numbers = [k / 4 - 1 for k in range(count)]
    cases.add(f"constant {table}", "constant",
              lambda x, n=numbers, t=table: x * torch.tensor(n).reshape(t), [v.normal(*shape)],
              {"sixteenths": [int(16 * number) for number in numbers], "shape": table})


# Parts.

for shape, axis, index in (([5], 0, 3), ([3, 4], 1, 0), ([2, 3, 4], 1, 2), ([2, 3, 4], 0, 1)):
    cases.add(f"select {index} of axis {axis} of {shape}", "select",
              lambda x, a=axis, i=index: x.select(a, i), [v.normal(*shape)],
              {"axis": axis, "index": index})
for shape, axis, count in (([3], 0, 2), ([2, 3], 1, 3), ([2, 3], 2, 4), ([], 0, 3), ([2, 3], 0, 1)):
    cases.add(f"stack {count} of {shape} on axis {axis}", "stack",
              lambda *x, a=axis: torch.stack(x, a), [v.normal(*shape) for _ in range(count)],
              {"axis": axis})


# Elementwise functions.

positive = v.uniform(0.2, 3, 4, 5)
signed = v.away_from_zero(4, 5)
for exponent, x in ((3, signed), (-1, signed), (-2, signed), (4, signed), (0.5, positive),
                    (-1.5, positive), (2.7, positive), (2, signed), (1, signed)):
    cases.add(f"power {exponent}", "power", lambda x, e=exponent: x.pow(f32(e)), [x],
              {"exponent": exponent})
cases.add("cube of zero", "power", lambda x: x.pow(3), [torch.tensor([[0.0, 1, -1]])],
          {"exponent": 3})
for name, function in (("sine", torch.sin), ("cosine", torch.cos)):
    cases.add(name, name, function, [3 * v.normal(4, 9)])
    # Numbers that are Float32.
    cases.add(f"{name} far out", name, function,
              [torch.tensor([1e4, -3e5, 2.0**30, -(2.0**100), 16777215.0])], smooth=False)


# Adaptive pooling.

for shape, size in (
    ([2, 3, 7, 5], [3, 2]), ([1, 2, 6, 4], [3, 2]), ([2, 1, 3, 4], [5, 6]), ([1, 17, 7, 7], [1, 1]),
    ([2, 16, 8, 5], [3, 5]), ([1, 3, 10, 4], [7, 3]),
):
    cases.add(f"adaptive_avg_pool2d of {shape} to {size}", "adaptive_avg_pool2d",
              lambda x, s=size: F.adaptive_avg_pool2d(x, s), [v.normal(*shape)], {"shape": size})


# A round of power iteration.

def singular_vectors(w, v):
    left = F.normalize(w @ v, dim=0, eps=1e-12)
    return left, F.normalize(w.T @ left, dim=0, eps=1e-12)


for label, w in (("of a matrix", v.normal(5, 23)), ("of a column", v.normal(19, 1)),
                 ("of a small matrix", 1e-20 * v.normal(3, 4)), ("of zeros", torch.zeros(2, 3))):
    cases.add(f"singular vectors {label}", "singular_vectors", singular_vectors,
              [w, F.normalize(v.normal(w.shape[1]), dim=0)], differentiated=0)

cases.write(sys.argv[1])
