"""QK-clip behind plain gradient descent, written out with PyTorch in float64 from its paper (Kimi K2,
2507.20534, algorithm 1): the largest logit of each head in a step, and after the step the head's rows scaled.

    python scripts/reference/qk_clip.py Tests/LockstepTestSupport/Data/qk-clip.safetensors

The model is an attention of several heads, the mean over the positions that there are, and a linear map to
classes. Every step is on all examples. A position that is padding is no key, and its query does not count.

Each case has `values` [N, T, 8], `lengths` [N], `labels` [N], the parameters before (`before/…`) and after all
steps (`after/…`), the largest logit of each head in each step (`logits` [steps, heads]) and each step's loss.
"""

import json
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from cases import Values

WIDTH, CLASSES, EXAMPLES, POSITIONS, STEPS, RATE = 8, 3, 12, 6, 6, 0.3
values = Values(20250728)
tensors, descriptions = {}, []


def rotated(x):
    """Hugging Face's rotary positions, of [N, heads, T, D]: pairs i and i + D/2."""
    half = x.shape[-1] // 2
    angles = torch.arange(x.shape[-2])[:, None] / 10_000 ** (torch.arange(half) / half)
    cosine, sine = angles.cos(), angles.sin()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)


def forward(p, x, lengths, heads, causal, rotary):
    """The logits of classes, and the largest logit of each head."""
    packed = x @ p["0.in_proj_weight"].T + p.get("0.in_proj_bias", 0)
    q, k, v = [part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in packed.chunk(3, -1)]
    if rotary:
        q, k = rotated(q), rotated(k)
    logits = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    places = torch.arange(x.shape[1])
    seen = (places < lengths[:, None])[:, None, None, :]
    if causal:
        seen = seen & (places[:, None] >= places)
    counted = seen & (places < lengths[:, None])[:, None, :, None]
    largest = logits.masked_fill(~counted, -torch.inf).amax((0, 2, 3))
    y = (logits.masked_fill(~seen, -torch.inf).softmax(-1) @ v).transpose(1, 2).flatten(2)
    y = y @ p["0.out_proj.weight"].T + p.get("0.out_proj.bias", 0)
    mask = (places < lengths[:, None])[..., None]
    pooled = (y * mask).sum(1) / lengths[:, None]
    return pooled @ p["2.weight"].T + p["2.bias"], largest.detach()


def add(name, heads, threshold, alpha=0.5, causal=False, rotary=False, bias=True, padded=False):
    x = values.normal(EXAMPLES, POSITIONS, WIDTH).float().double()
    lengths = torch.full((EXAMPLES,), POSITIONS)
    if padded:
        lengths = 1 + torch.arange(EXAMPLES) * 5 % POSITIONS
    x = x * (torch.arange(POSITIONS) < lengths[:, None])[..., None]
    labels = values.labels(CLASSES, EXAMPLES)
    shapes = {
        "0.in_proj_weight": (3 * WIDTH, WIDTH), "0.in_proj_bias": (3 * WIDTH,),
        "0.out_proj.weight": (WIDTH, WIDTH), "0.out_proj.bias": (WIDTH,),
        "2.weight": (CLASSES, WIDTH), "2.bias": (CLASSES,),
    }
    p = {
        key: (values.normal(*shape) * 0.6).float().double().requires_grad_()
        for key, shape in shapes.items() if bias or key[0] != "0" or not key.endswith("bias")
    }
    for key, value in p.items():
        tensors[f"{name}/before/{key}"] = value.detach().clone()
    largest, losses = [], []
    for _ in range(STEPS):
        logits, found = forward(p, x, lengths, heads, causal, rotary)
        loss = F.cross_entropy(logits, labels)
        gradients = torch.autograd.grad(loss, list(p.values()))
        with torch.no_grad():
            for value, gradient in zip(p.values(), gradients):
                value -= RATE * gradient
            for head in range(heads):
                if found[head] <= threshold:
                    continue
                gamma = threshold / found[head]
                size = WIDTH // heads
                for key in ("0.in_proj_weight", "0.in_proj_bias"):
                    if key in p:
                        p[key][head * size:(head + 1) * size] *= gamma ** alpha
                        p[key][WIDTH + head * size:WIDTH + (head + 1) * size] *= gamma ** (1 - alpha)
        largest.append(found)
        losses.append(loss.detach())
    for key, value in p.items():
        tensors[f"{name}/after/{key}"] = value.detach().clone()
    tensors[f"{name}/values"] = x
    tensors[f"{name}/lengths"] = lengths.double()
    tensors[f"{name}/labels"] = labels.double()
    tensors[f"{name}/logits"] = torch.stack(largest)
    tensors[f"{name}/losses"] = torch.stack(losses)
    clipped = (torch.stack(largest) > threshold).double().mean()
    print(f"{name}: {100 * clipped:.0f} % of the heads' steps clipped")
    assert 0 < clipped < 1
    descriptions.append({
        "name": name, "heads": heads, "threshold": threshold, "alpha": alpha, "causal": causal,
        "rotary": rotary, "bias": bias, "rate": RATE, "steps": STEPS,
    })


add("plain", 2, 2.5)
add("four heads, more for queries", 4, 2.0, alpha=0.75)
add("keys alone", 2, 3.0, alpha=0)
add("causal, padded", 4, 1.5, causal=True, padded=True)
add("padded", 4, 1.5, padded=True)
add("rotary", 2, 2.0, rotary=True, padded=True)
add("no bias", 4, 1.5, bias=False)
save_file(
    {key: value.contiguous() for key, value in tensors.items()}, sys.argv[1],
    {"cases": json.dumps(descriptions)})
