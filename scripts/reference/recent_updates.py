"""Writes references of matrix updates, and of updates and clips since 2022, from the field's own code where
there is some.

PyTorch's Muon orthogonalises in bfloat16, SOAP takes its QR decompositions in Float32. Here their modules see
Float64 under these names, so that all of it is computed in Float64. AdamW takes the tensors that are no matrices of hidden layers. See README.md.
"""

import functools
import json
import math
import pathlib
import types

import numpy as np
import prodigyopt
import pytorch_optimizer
import pytorch_optimizer.optimizer.scion as scion_module
import pytorch_optimizer.optimizer.soap as soap_module
import schedulefree
import torch
import torch.optim._muon as muon_module

STEPS, SAVED = 12, [3, 12]
# Wide, tall and square matrices, a convolution's kernels, an output layer, vectors.
SHAPES = {
    "wide.weight": (4, 11), "wide.bias": (4,), "tall.weight": (9, 4), "square.weight": (6, 6),
    "conv.weight": (5, 2, 3, 3), "head.weight": (3, 6), "head.bias": (3,),
}
REST = ["wide.bias", "head.weight", "head.bias"]
rng = np.random.default_rng(20251130)


def exact(values):
    return values.astype(np.float32).astype(np.float64)


INITIAL = [exact(rng.normal(size=s) * 0.6) for s in SHAPES.values()]
GRADIENTS = [[exact(rng.normal(size=s) * 0.5) for s in SHAPES.values()] for _ in range(STEPS)]


class Float64Torch(types.ModuleType):
    """torch, with Float64 under the names of bfloat16 and Float32."""

    bfloat16 = torch.float64
    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


muon_module.torch = soap_module.torch = Float64Torch("torch")
torch.Tensor.bfloat16 = torch.Tensor.clone
scion_module.zero_power_via_newton_schulz_5 = functools.partial(
    scion_module.zero_power_via_newton_schulz_5, dtype=torch.float64)


def flat(name, values):
    """Kernels of convolutions as one matrix, outputs x all the rest."""
    return values.reshape(len(values), -1) if name not in REST else values


def run(make, rest):
    names = list(SHAPES)
    parameters = [torch.nn.Parameter(torch.tensor(flat(n, v))) for n, v in zip(names, INITIAL)]
    matrices = [p for n, p in zip(names, parameters) if n not in REST]
    others = [p for n, p in zip(names, parameters) if n in REST]
    optimizers = [make(matrices), torch.optim.AdamW(others, **rest)]
    for gradients in GRADIENTS:
        for name, p, g in zip(names, parameters, gradients):
            p.grad = torch.tensor(flat(name, g))
        for optimizer in optimizers:
            optimizer.step()
        yield [p.detach().numpy().copy() for p in parameters]


def muon(rest, **values):
    return run(lambda matrices: torch.optim.Muon(matrices, **values), rest)


class Shampoo(torch.optim.Optimizer):
    """Gupta et al. 2018, algorithm 1: roots every so many steps, sides that are too large left alone, momentum
    behind it, decoupled decay, the gradient's norm grafted."""

    def __init__(self, matrices, lr, eps, frequency, largest, momentum, weight_decay):
        super().__init__(matrices, dict(
            lr=lr, eps=eps, frequency=frequency, largest=largest, momentum=momentum,
            weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        group = self.param_groups[0]
        for p in group["params"]:
            g, state = p.grad, self.state[p]
            if not state:
                sizes = [n if n <= group["largest"] else 0 for n in g.shape]
                state["factors"] = [group["eps"] * torch.eye(n, dtype=g.dtype) for n in sizes]
                state["step"], state["buffer"] = 0, torch.zeros_like(g)
            for factor, product in zip(state["factors"], (g @ g.T, g.T @ g)):
                if len(factor):
                    factor += product
            if state["step"] % group["frequency"] == 0:
                state["roots"] = []
                for factor in state["factors"]:
                    values, vectors = torch.linalg.eigh(factor)
                    state["roots"].append(vectors * values ** -0.25 @ vectors.T)
            state["step"] += 1
            left, right = state["roots"]
            u = left @ g if len(left) else g
            u = u @ right if len(right) else u
            u = u * g.norm() / u.norm()
            state["buffer"] = group["momentum"] * state["buffer"] + u
            p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(group["lr"] * state["buffer"])


def plain(make, change=None):
    """All tensors by one optimizer; `change` makes something else of all gradients of a step first."""
    parameters = [torch.nn.Parameter(torch.tensor(v)) for v in INITIAL]
    optimizer = make(parameters)
    for gradients in GRADIENTS:
        for p, g in zip(parameters, change(gradients) if change else gradients):
            p.grad = torch.tensor(g)
        optimizer.step()
        yield [p.detach().numpy().copy() for p in parameters]


def schedule_free(make):
    """The average, which is what schedule-free optimizers evaluate."""
    parameters = [torch.nn.Parameter(torch.tensor(v)) for v in INITIAL]
    optimizer = make(parameters)
    optimizer.train()
    for gradients in GRADIENTS:
        for p, g in zip(parameters, gradients):
            p.grad = torch.tensor(g)
        optimizer.step()
        yield [optimizer.state[p]["x"].numpy().copy() for p in parameters]


def scion(rate, momentum, radius, output_radius, constrained):
    """Each kind of tensor with the norm that its paper gives it."""
    norm = scion_module.LMONorm

    def make(parameters):
        named = dict(zip(SHAPES, parameters))
        groups = []
        for name, p in named.items():
            if name == "head.weight":
                group = dict(norm_type=norm.SIGN, scale=output_radius)
            elif p.ndim == 1:
                group = dict(norm_type=norm.BIAS, scale=radius)
            elif p.ndim == 2:
                group = dict(norm_type=norm.SPECTRAL, scale=radius)
            else:
                group = dict(norm_type=norm.SPECTRALCONV, scale=radius)
            groups.append(dict(params=[p], **group))
        return pytorch_optimizer.SCION(
            groups, lr=rate, momentum=1 - momentum, constraint=constrained, foreach=False)

    return plain(make)


class AdaGC:
    """Wang et al. 2025, algorithm 1."""

    def __init__(self, relative, beta, warmup, absolute):
        self.relative, self.beta, self.warmup, self.absolute = relative, beta, warmup, absolute
        self.step, self.means = 0, None

    def __call__(self, gradients):
        self.step += 1
        norms = [np.linalg.norm(g) for g in gradients]
        if self.step <= self.warmup:
            factor = min(1, self.absolute / math.sqrt(sum(n * n for n in norms)))
            clipped = [g * factor for g in gradients]
            norms = [np.linalg.norm(g) for g in clipped]
            self.means = [min(m, n) for m, n in zip(self.means, norms)] if self.means else norms
        else:
            clipped = [g * min(1, self.relative * m / n) for g, m, n in zip(gradients, self.means, norms)]
            self.means = [
                self.beta * m + (1 - self.beta) * np.linalg.norm(g) for m, g in zip(self.means, clipped)]
        return clipped


def centralize(gradients):
    """Yong et al. 2020: the mean over all axes but the first."""
    return [
        g - g.mean(axis=tuple(range(1, g.ndim)), keepdims=True) if g.ndim > 1 else g for g in gradients]


def spectral_clip(gradients):
    """The singular values of each matrix, outputs x all the rest, are 0.7 at most."""
    def clip(g):
        if g.ndim < 2:
            return g
        u, s, v = np.linalg.svd(g.reshape(len(g), -1), full_matrices=False)
        return (u * np.minimum(s, 0.7) @ v).reshape(g.shape)
    return [clip(g) for g in gradients]


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


CASES = {
    "muon": muon(dict(lr=1e-3, weight_decay=0.1)),
    "muon, matched": muon(
        dict(lr=0.02, weight_decay=0.05, betas=(0.8, 0.95), eps=1e-6), lr=0.02, weight_decay=0.05,
        adjust_lr_fn="match_rms_adamw"),
    "muon, own rates": muon(
        dict(lr=0.004, weight_decay=0.2), lr=0.05, weight_decay=0.0, momentum=0.8, nesterov=False,
        ns_steps=3),
    "muon, other polynomial": muon(
        dict(lr=0.03, weight_decay=0.1), lr=0.03, ns_coefficients=(1.875, -1.25, 0.375), ns_steps=8),
    "adan": plain(lambda p: pytorch_optimizer.Adan(p, lr=0.01, foreach=False)),
    "adan, decay": plain(lambda p: pytorch_optimizer.Adan(
        p, lr=0.03, betas=(0.9, 0.8, 0.95), eps=1e-3, weight_decay=0.1, foreach=False)),
    "schedule-free AdamW": schedule_free(lambda p: schedulefree.AdamWScheduleFreeReference(p, lr=0.01)),
    "schedule-free AdamW, all terms": schedule_free(lambda p: schedulefree.AdamWScheduleFreeReference(
        p, lr=0.03, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1, warmup_steps=5, r=1.5,
        weight_lr_power=1)),
    "schedule-free SGD": schedule_free(lambda p: schedulefree.SGDScheduleFreeReference(
        p, lr=0.2, momentum=0.8, weight_decay=0.05)),
    "prodigy": plain(lambda p: prodigyopt.Prodigy(p)),
    "prodigy, all terms": plain(lambda p: prodigyopt.Prodigy(
        p, lr=0.5, betas=(0.8, 0.95), beta3=0.9, eps=1e-4, weight_decay=0.1, d0=1e-3, d_coef=2,
        use_bias_correction=True)),
    "scion": scion(0.02, 0.9, 1, 1, False),
    "scion, constrained": scion(0.05, 0.5, 3, 2, True),
    "spam": plain(lambda p: pytorch_optimizer.SPAM(
        p, lr=0.02, threshold=2, update_proj_gap=5, warmup_epoch=3, grad_accu_steps=2, eps=1e-5)),
    "stableSPAM": plain(lambda p: pytorch_optimizer.StableSPAM(
        p, lr=0.02, betas=(0.8, 0.95), gamma1=0.6, gamma2=0.8, theta=0.9, update_proj_gap=5)),
    "adafactor": plain(lambda p: torch.optim.Adafactor(p, eps=(2.0**-23, 1e-3), foreach=False)),
    "adafactor, all terms": plain(lambda p: torch.optim.Adafactor(
        p, lr=0.4, beta2_decay=-0.5, eps=(0.3, 0.7), d=1.05, weight_decay=0.1, foreach=False)),
    "shampoo": run(
        lambda m: pytorch_optimizer.Shampoo(m, lr=0.02, matrix_eps=1e-3),
        dict(lr=0.02, weight_decay=0)),
    "shampoo, all terms": run(
        lambda m: Shampoo(
            m, lr=0.03, eps=0.01, frequency=5, largest=8, momentum=0.8, weight_decay=0.1),
        dict(lr=0.03, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    # Larger sides have factors without full rank, and no eigenbasis of their own.
    "soap": run(
        lambda m: pytorch_optimizer.SOAP(m, lr=3e-3, max_precondition_dim=6),
        dict(lr=3e-3, weight_decay=0.01)),
    "soap, all terms": run(
        lambda m: pytorch_optimizer.SOAP(
            m, lr=0.02, betas=(0.8, 0.9), shampoo_beta=0.7, eps=1e-3, weight_decay=0.1,
            precondition_frequency=2, max_precondition_dim=6),
        dict(lr=0.02, weight_decay=0.1)),
    "spectral clip": plain(sgd, spectral_clip),
    "adaGC": plain(sgd, AdaGC(1.05, 0.9, 4, 1.5)),
    "centralized": plain(sgd, centralize),
}

out = pathlib.Path(__file__).resolve().parents[2] / "Tests/LockstepOptimizationTests/Reference/recent-updates.json"
trajectories = {}
for name, steps in CASES.items():
    after = list(steps)
    trajectories[name] = [[p.ravel().tolist() for p in after[step - 1]] for step in SAVED]
index = {
    "tensors": [{"name": n, "shape": list(s)} for n, s in SHAPES.items()],
    "saved": SAVED,
    "initial": [v.ravel().tolist() for v in INITIAL],
    "gradients": [[g.ravel().tolist() for g in gradients] for gradients in GRADIENTS],
    "trajectories": trajectories,
}
out.write_text(json.dumps(index) + "\n")
print(out.stat().st_size, "bytes")
