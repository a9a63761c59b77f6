"""Reference values of attention and of what surrounds it, from PyTorch in float64.

    python scripts/reference/attention.py Tests/LockstepTestSupport/Data/attention.safetensors
"""

import sys

import torch
import torch.nn.functional as F

from cases import Cases, Values
from masks import dropout

cases = Cases()
v = Values(17)


# Scaled dot-product attention, written out, and compared with PyTorch's wherever that is defined.

def attention(heads, causal, packed, masks=None):
    def split(x):
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)

    def run(*inputs):
        if packed:
            parts, lengths = inputs[0].chunk(3, -1), inputs[1:]
        else:
            parts, lengths = inputs[:3], inputs[3:]
        q, k, value = map(split, parts)
        examples, queries, keys = q.shape[0], q.shape[2], k.shape[2]
        seen = torch.ones(examples, 1, queries, keys, dtype=torch.bool)
        if causal:
            seen = seen.tril()
        if lengths:
            seen = seen & (torch.arange(keys) < lengths[0][:, None, None, None])
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        # A query that sees no key has no largest score, and gets zeros.
        largest = scores.masked_fill(~seen, -1e30).amax(-1, keepdim=True)
        powers = torch.where(seen, (torch.where(seen, scores - largest, 0)).exp(), 0)
        total = powers.sum(-1, keepdim=True)
        p = powers / torch.where(total > 0, total, 1)
        y = (masks(p) if masks else p) @ value
        if masks is None and seen.any(-1).all():
            known = F.scaled_dot_product_attention(q, k, value, seen)
            assert torch.allclose(y, known, rtol=1e-12, atol=1e-12)
        return y.transpose(1, 2).flatten(2)
    return run


def add(label, shape, heads, causal=False, keys=None, lengths=None, scale=1, drop=None):
    """An attention of [N, T, width] to itself, or to `keys` positions."""
    examples, queries, width = shape
    packed = keys is None
    if packed:
        inputs = [scale * v.normal(examples, queries, 3 * width)]
    else:
        inputs = [scale * v.normal(examples, count, width) for count in (queries, keys, keys)]
    if lengths is not None:
        inputs.append(torch.tensor(lengths, dtype=torch.int32))
    attributes = {"heads": heads, "causal": causal, "packed": packed, "lengths": lengths is not None}
    context, masks = {}, None
    if drop:
        rate, key, seed, step, first = drop
        masks = dropout(rate, key, seed, step, first)
        attributes |= {"rate": rate, "key": str(key)}
        context = {"seed": str(seed), "step": str(step), "firstExample": str(first)}
    cases.add(f"attention {label}", "attention", attention(heads, causal, packed, masks), inputs,
              attributes, context=context)


add("of one head", [2, 5, 6], 1)
add("of two heads", [2, 5, 6], 2)
add("of heads of one value", [1, 4, 3], 3)
add("of one position", [3, 1, 4], 2)
add("of one position, causal", [3, 1, 4], 2, causal=True)
add("causal", [2, 7, 6], 2, causal=True)
add("of more positions than a vector has lanes", [1, 19, 4], 1)
add("causal, of more positions than a vector has lanes", [1, 21, 4], 2, causal=True)
add("of heads wider than a vector", [1, 3, 36], 2)
add("of heads of two vectors, causal", [1, 14, 32], 1, causal=True)
add("of large scores", [1, 6, 4], 1, scale=4)
add("with lengths", [4, 6, 4], 2, lengths=[6, 0, 1, 4])
add("with lengths, causal", [4, 6, 4], 2, causal=True, lengths=[3, 1, 6, 0])
add("to another sequence", [2, 3, 6], 2, keys=5)
add("to a longer sequence, causal", [2, 3, 4], 2, causal=True, keys=5)
add("to a shorter sequence, causal", [2, 6, 4], 1, causal=True, keys=4)
add("to another sequence with lengths", [3, 2, 4], 2, keys=18, lengths=[17, 0, 18])
add("with dropout", [2, 5, 6], 2, drop=(0.5, 7, 1, 0, 0))
add("with dropout, causal", [2, 9, 4], 2, causal=True,
    drop=(0.25, 0x89ABCDEF, 0x123456789ABCDEF, 5_000_000_000, 64))
add("to another sequence with dropout and lengths", [2, 3, 4], 2, keys=22, lengths=[21, 5],
    drop=(0.1, 3, 2**64 - 1, 3, 1000))



# Positions.

def sinusoidal(base):
    def run(x):
        positions, width = x.shape[1:]
        rate = base ** (-torch.arange(0, width, 2) / width)
        angles = torch.arange(positions)[:, None] * rate
        return x + torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
    return run


cases.add("sinusoidal positions", "sinusoidal_positions", sinusoidal(10000.0), [v.normal(2, 7, 6)])
cases.add("sinusoidal positions of another base", "sinusoidal_positions", sinusoidal(100.0),
          [v.normal(1, 300, 4)], {"base": 100}, smooth=False)


def rotary(head, columns, base, pairing):
    def run(x):
        parts, rest = x[..., :columns].unflatten(-1, (-1, head)), x[..., columns:]
        rate = base ** (-torch.arange(0, head, 2) / head)
        angles = (torch.arange(x.shape[1])[:, None] * rate)[:, None]
        if pairing == "neighbours":
            turned = torch.view_as_complex(parts.unflatten(-1, (-1, 2)).contiguous())
            parts = torch.view_as_real(turned * torch.polar(torch.ones_like(angles), angles))
            parts = parts.flatten(-2)
        else:
            a, b = parts.chunk(2, -1)
            cos, sin = angles.cos(), angles.sin()
            parts = torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
        return torch.cat([parts.flatten(-2), rest], -1)
    return run


for label, shape, head, columns, base, pairing in [
    ("", [2, 5, 8], 4, 8, 10000.0, "neighbours"),
    (" of halves", [2, 5, 8], 4, 8, 10000.0, "halves"),
    (" of two thirds of a row", [1, 3, 12], 4, 8, 500.0, "neighbours"),
    (" of halves of wide heads", [1, 4, 50], 36, 36, 10000.0, "halves"),
]:
    cases.add(f"rotary positions{label}", "rotary", rotary(head, columns, base, pairing),
              [v.normal(*shape)],
              {"head": head, "columns": columns, "base": base, "pairing": pairing})


# The tangent form of GELU.

cases.add("gelu by tanh", "gelu_tanh", lambda x: F.gelu(x, approximate="tanh"),
          [2 * v.away_from_zero(3, 7)])


# Transposed convolutions.

for label, shape, weight, stride, padding, added, dilation, groups in [
    ("", [2, 3, 4, 5], [3, 2, 3, 2], [1, 1], [0, 0], [0, 0], [1, 1], 1),
    (" with strides", [1, 2, 3, 4], [2, 4, 3, 3], [2, 3], [1, 0], [0, 0], [1, 1], 1),
    (" with output padding", [1, 2, 3, 3], [2, 1, 2, 3], [2, 3], [0, 1], [1, 2], [1, 1], 1),
    (" with groups and dilation", [2, 4, 3, 3], [4, 3, 2, 2], [2, 1], [1, 1], [1, 0], [2, 3], 2),
    (" of one position", [3, 2, 1, 1], [2, 3, 4, 4], [1, 1], [0, 0], [0, 0], [1, 1], 1),
]:
    cases.add(
        f"conv_transpose2d{label}", "conv_transpose2d",
        lambda x, w, s=stride, p=padding, o=added, d=dilation, g=groups: F.conv_transpose2d(
            x, w, None, s, p, o, g, d),
        [v.normal(*shape), v.normal(*weight)],
        {"kernel": weight[2:], "stride": stride, "padding": padding, "outputPadding": added,
         "dilation": dilation, "groups": groups}, parameters=[1])

cases.write(sys.argv[1])
