"""Writes references of optimizers, constraints and schedules that PyTorch, Keras and optax lack.

Each is written out from its paper, in Float64 and in another way than Lockstep's: signSGD is PyTorch's
Adam without memory and epsilon, the L1 ball's threshold is found by bisection. See README.md.
"""

import json
import math
import pathlib

import numpy as np
import torch

STEPS, SAVED = 12, [3, 12]
SHAPES = {"dense.weight": (3, 5), "dense.bias": (3,)}
rng = np.random.default_rng(20240913)


def exact(values):
    return values.astype(np.float32).astype(np.float64)


INITIAL = [exact(rng.normal(size=s) * 0.6) for s in SHAPES.values()]
GRADIENTS = [[exact(rng.normal(size=s) * 0.5) for s in SHAPES.values()] for _ in range(STEPS)]


def sign_sgd(rate, decay):
    """sign(g) = g / sqrt(g^2)."""
    parameters = [torch.nn.Parameter(torch.tensor(v)) for v in INITIAL]
    optimizer = torch.optim.AdamW(parameters, lr=rate, betas=(0.0, 0.0), eps=0.0, weight_decay=decay)
    for gradients in GRADIENTS:
        for p, g in zip(parameters, gradients):
            p.grad = torch.tensor(g)
        optimizer.step()
        yield [p.detach().numpy().copy() for p in parameters]


def signum(rate, beta, decay):
    """Bernstein et al. 2018, algorithm 2."""
    parameters = [v.copy() for v in INITIAL]
    moments = [np.zeros_like(v) for v in INITIAL]
    for gradients in GRADIENTS:
        for i, g in enumerate(gradients):
            moments[i] = beta * moments[i] + (1 - beta) * g
            parameters[i] = parameters[i] - rate * (np.sign(moments[i]) + decay * parameters[i])
        yield [p.copy() for p in parameters]


def ademamix(rate, beta1, beta2, beta3, alpha, warmup, epsilon, decay):
    """Pagliardini et al. 2024, algorithm 1; beta3 rises linearly in its half-life, ln(1/2) / ln(beta) - 1."""
    parameters = [v.copy() for v in INITIAL]
    fast, slow, second = ([np.zeros_like(v) for v in INITIAL] for _ in range(3))

    def half_life(beta):
        return math.log(0.5) / math.log(beta) - 1

    for t, gradients in enumerate(GRADIENTS, 1):
        part = min(1.0, t / warmup) if warmup else 1.0
        life = (1 - part) * half_life(beta1) + part * half_life(beta3)
        beta = 0.5 ** (1 / (life + 1))
        for i, g in enumerate(gradients):
            fast[i] = beta1 * fast[i] + (1 - beta1) * g
            slow[i] = beta * slow[i] + (1 - beta) * g
            second[i] = beta2 * second[i] + (1 - beta2) * g * g
            root = np.sqrt(second[i] / (1 - beta2**t)) + epsilon
            direction = (fast[i] / (1 - beta1**t) + alpha * part * slow[i]) / root
            parameters[i] = parameters[i] - rate * (direction + decay * parameters[i])
        yield [p.copy() for p in parameters]


CASES = {
    "signSGD": sign_sgd(0.01, 0.1),
    "signum": signum(0.02, 0.8, 0.05),
    "adEMAMix": ademamix(0.02, 0.9, 0.999, 0.9999, 2.0, 0, 1e-8, 0.0),
    "adEMAMix, warm-up": ademamix(0.03, 0.8, 0.95, 0.99, 5.0, 8, 1e-4, 0.1),
}


def l1_ball(v, radius):
    """Duchi et al. 2008: sign(v) max(|v| - theta, 0) with theta where the magnitudes add up to the radius."""
    if np.abs(v).sum() <= radius:
        return v
    low, high = 0.0, np.abs(v).max()
    for _ in range(200):
        theta = (low + high) / 2
        low, high = (theta, high) if np.maximum(np.abs(v) - theta, 0).sum() > radius else (low, theta)
    return np.sign(v) * np.maximum(np.abs(v) - theta, 0)


BALLS = []
for size, scale, radius in [(1, 1, 0.25), (4, 1, 1.5), (9, 2, 1), (40, 0.5, 3), (40, 0.01, 3), (300, 1, 10)]:
    v = exact(rng.normal(size=size) * scale)
    BALLS.append({"radius": radius, "values": v.tolist(), "projected": l1_ball(v, radius).tolist()})


def rates(factor):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    found = []
    for _ in range(30):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


SCHEDULES = {
    # Vaswani et al. 2017, up to its factor: min(t^-1/2, t w^-3/2) w^1/2 with t counted from 1 and w = 6.
    "warm inverseSquareRoot": rates(lambda t: min((t / 6), (max(t, 1) / 6) ** -0.5)),
    # Hu et al. 2024 (MiniCPM), with a linear and with a "1 - sqrt" decay (Hägele et al. 2024).
    "stable, linear": rates(lambda t: 1 if t < 12 else max(0, 1 - (t - 12) / 8)),
    "stable, root": rates(lambda t: 1 if t < 12 else 0.1 + 0.9 * (1 - math.sqrt(min(1, (t - 12) / 8)))),
}

out = pathlib.Path(__file__).resolve().parents[2] / "Tests/LockstepOptimizationTests/Reference/papers.json"
trajectories = {}
for name, run in CASES.items():
    after = list(run)
    trajectories[name] = [[p.ravel().tolist() for p in after[step - 1]] for step in SAVED]
index = {
    "tensors": [{"name": n, "shape": list(s)} for n, s in SHAPES.items()],
    "saved": SAVED,
    "initial": [v.ravel().tolist() for v in INITIAL],
    "gradients": [[g.ravel().tolist() for g in gradients] for gradients in GRADIENTS],
    "trajectories": trajectories,
    "balls": BALLS,
    "schedules": SCHEDULES,
}
out.write_text(json.dumps(index) + "\n")
print(out.stat().st_size, "bytes")
