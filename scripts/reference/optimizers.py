"""Writes reference trajectories of optimizers, clips and constraints, and of schedules.

Everything runs in Float64, from starting values and gradients that are exact in Float32, in
PyTorch, Keras and optax themselves; only LARS, which none of them has in its paper's form, is
written out here. See README.md beside this file for what the output holds.
"""

import itertools
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"

import jax
import keras
import keras.src.backend.torch.numpy as keras_numpy
import numpy as np
import optax
import torch

jax.config.update("jax_enable_x64", True)
keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)

# Keras's own give Float32 for a Float64 tensor beside a number, on this backend.
keras_numpy.maximum = lambda a, b: torch.maximum(torch.as_tensor(a), torch.as_tensor(b))
keras_numpy.minimum = lambda a, b: torch.minimum(torch.as_tensor(a), torch.as_tensor(b))

STEPS = 12
SAVED = [3, 12]
SHAPES = {
    "dense.weight": (5, 7),
    "dense.bias": (5,),
    "conv.weight": (4, 3, 3, 2),
    "head.weight": (3, 5),
}
NAMES = list(SHAPES)

rng = np.random.default_rng(20240607)


def exact(values):
    return values.astype(np.float32).astype(np.float64)


INITIAL = [exact(rng.normal(size=s) * 0.6) for s in SHAPES.values()]
GRADIENTS = [
    [exact(rng.normal(size=s) * scale) for s in SHAPES.values()]
    for scale in [0.2, 1.0, 0.1, 0.6, 1.5, 0.3, 0.05, 0.8, 0.25, 2.0, 0.15, 0.5]
]

# --- Layouts: PyTorch (out, in) and (out, in, kH, kW); Keras (in, out) and (kH, kW, in, out).


def to_keras(value):
    return {2: lambda v: v.T, 4: lambda v: v.transpose(2, 3, 1, 0)}.get(value.ndim, lambda v: v)(value)


def from_keras(value):
    return {2: lambda v: v.T, 4: lambda v: v.transpose(3, 2, 0, 1)}.get(value.ndim, lambda v: v)(value)


# --- Clips.

CLIPS = {
    "none": None,
    "value": {"name": "value", "values": {"limit": 0.5}},
    "norm": {"name": "norm", "values": {"limit": 2.0}},
    "globalNorm": {"name": "globalNorm", "values": {"limit": 5.0}},
    "globalNormPyTorch": {"name": "globalNorm", "values": {"limit": 5.0, "formula": "pytorch"}},
    "p1": {"name": "globalNorm", "values": {"limit": 40.0, "norm": "1", "formula": "pytorch"}},
    "p3": {"name": "globalNorm", "values": {"limit": 2.0, "norm": "3", "formula": "pytorch"}},
    "pInfinity": {"name": "globalNorm", "values": {"limit": 1.0, "norm": "infinity", "formula": "pytorch"}},
    "valueBox": {"name": "valueBox", "values": {"lower": -0.25, "upper": 0.5}},
    "adaptive": {"name": "adaptive", "values": {"fraction": 0.5, "epsilon": 0.01}},
    "blockRMS": {"name": "blockRMS", "values": {"limit": 0.4}},
    "autoClip": {"name": "autoClip", "values": {"percentile": 35.0}},
    "zClip": {"name": "zClip", "values": {"alpha": 0.8, "threshold": 0.75, "warmup": 3}},
    "scoped": {"name": "globalNorm", "values": {"limit": 2.0, "scope": ["*.bias", "head.*"]}},
}
# Those that only a few optimizers are followed through.
FURTHER_CLIPS = ["p1", "p3", "pInfinity", "valueBox", "adaptive", "blockRMS", "autoClip", "zClip", "scoped"]


def norm_of(tensors):
    return float(torch.sqrt(sum((t**2).sum() for t in tensors)))


class AutoClip:
    """Seetharaman et al. 2020: numpy's percentile of all norms so far."""

    def __init__(self, percentile):
        self.percentile, self.history = percentile, []

    def limit(self, norm):
        self.history.append(norm)
        return float(np.percentile(self.history, self.percentile))


class ZClip:
    """Kumar et al. 2025, with the statistics of the paper's algorithm and epsilon 0."""

    def __init__(self, alpha, threshold, warmup):
        self.alpha, self.threshold, self.warmup = alpha, threshold, warmup
        self.first, self.mean, self.variance = [], None, None

    def limit(self, norm):
        if len(self.first) < self.warmup:
            self.first.append(norm)
            self.mean, self.variance = float(np.mean(self.first)), float(np.var(self.first))
            return norm
        deviation = self.variance**0.5
        z = (norm - self.mean) / deviation
        limit = self.mean + self.threshold**2 * deviation / z if z > self.threshold else norm
        self.mean = self.alpha * self.mean + (1 - self.alpha) * limit
        self.variance = self.alpha * self.variance + (1 - self.alpha) * (limit - self.mean) ** 2
        return limit


def clipper(kind):
    """A function of gradients and parameters, with the history of one run."""
    values = CLIPS[kind]["values"] if CLIPS[kind] else {}
    history = {"autoClip": AutoClip, "zClip": ZClip}.get(kind)
    history = history and history(**values)

    def with_history(gradients, parameters):
        norm = norm_of([torch.tensor(g) for g in gradients])
        coefficient = min(1.0, history.limit(norm) / norm)
        return [g * coefficient for g in gradients]

    return with_history if history else lambda gradients, parameters: clip(kind, gradients, parameters)


def clip(kind, gradients, parameters):
    if kind == "adaptive":
        values = CLIPS[kind]["values"]
        clipped = []
        for g, p in zip(gradients, parameters):
            axes = tuple(range(1, g.ndim)) or None
            rule = optax.adaptive_grad_clip(values["fraction"], values["epsilon"], axis=axes)
            clipped.append(np.asarray(rule.update([jax.numpy.asarray(g)], rule.init(None), [jax.numpy.asarray(p)])[0][0]))
        return clipped
    if kind == "blockRMS":
        rule = optax.clip_by_block_rms(CLIPS[kind]["values"]["limit"])
        return [np.asarray(g) for g in rule.update([jax.numpy.asarray(g) for g in gradients], rule.init(None))[0]]
    if kind == "scoped":
        inside = [n.endswith(".bias") or n.startswith("head.") for n in NAMES]
        norm = norm_of([torch.tensor(g) for g, i in zip(gradients, inside) if i])
        return [g * min(1.0, 2.0 / norm) if i else g for g, i in zip(gradients, inside)]
    tensors = [torch.tensor(g) for g in gradients]
    if kind == "value":
        for t in tensors:
            t.clamp_(-0.5, 0.5)
    if kind == "norm":
        tensors = [t * min(1.0, 2.0 / float(t.norm())) for t in tensors]
    if kind == "globalNorm":
        norm = norm_of(tensors)
        tensors = [t * min(1.0, 5.0 / norm) for t in tensors]
    if kind == "valueBox":
        tensors = [t.clamp(-0.25, 0.5) for t in tensors]
    if kind in ["globalNormPyTorch", "p1", "p3", "pInfinity"]:
        holders = [torch.nn.Parameter(torch.zeros_like(t)) for t in tensors]
        for p, t in zip(holders, tensors):
            p.grad = t
        power = {"p1": 1.0, "p3": 3.0, "pInfinity": float("inf")}.get(kind, 2.0)
        torch.nn.utils.clip_grad_norm_(holders, CLIPS[kind]["values"]["limit"], norm_type=power)
        tensors = [p.grad for p in holders]
    return [t.numpy() for t in tensors]


# --- Constraints: on dense.weight and conv.weight, with Keras's axes.

C = keras.constraints


class Ball(C.Constraint):
    """w C/norm where the norm of the whole tensor exceeds C."""

    def __call__(self, w):
        return w * min(1.0, 1.5 / float(torch.linalg.vector_norm(w)))


class Spectral(C.Constraint):
    """W limit/sigma where the largest singular value exceeds the limit; Keras's last axis is `out`."""

    def __call__(self, w):
        return w * min(1.0, 1.25 / float(torch.linalg.matrix_norm(w.reshape(-1, w.shape[-1]), 2)))


def on(dense, conv):
    return [dense, None, conv, None]


def described(name, dense_axes, conv_axes, **values):
    def one(axes):
        return {"name": name, "values": {**values, "axes": axes, "axesLayout": "keras", "mode": "keras"}}

    return on(one(dense_axes), one(conv_axes))


CONSTRAINTS = {
    "none": ([None] * 4, lambda: [None] * 4),
    "maxNorm": (
        described("maxNorm", [0], [0, 1, 2], limit=1.25),
        lambda: on(C.MaxNorm(1.25, axis=0), C.MaxNorm(1.25, axis=[0, 1, 2])),
    ),
    # Keras's default axis 0, which on a convolution is the height of its kernel.
    "maxNormAxis0": (
        described("maxNorm", [0], [0], limit=0.75),
        lambda: on(C.MaxNorm(0.75, axis=0), C.MaxNorm(0.75, axis=0)),
    ),
    "unitNorm": (
        described("unitNorm", [1], [0, 1, 2]),
        lambda: on(C.UnitNorm(axis=1), C.UnitNorm(axis=[0, 1, 2])),
    ),
    "minMaxNorm": (
        described("minMaxNorm", [0], [0, 1], minimum=0.5, maximum=1.0, rate=0.75),
        lambda: on(C.MinMaxNorm(0.5, 1.0, rate=0.75, axis=0), C.MinMaxNorm(0.5, 1.0, rate=0.75, axis=[0, 1])),
    ),
    "nonNegative": (
        on({"name": "nonNegative", "values": {}}, {"name": "nonNegative", "values": {}}),
        lambda: on(C.NonNeg(), C.NonNeg()),
    ),
}
# Keras has none of these; they follow a few optimizers only.
FURTHER_CONSTRAINTS = {
    "ball": (on({"name": "ball", "values": {"limit": 1.5}}, {"name": "ball", "values": {"limit": 1.5}}), lambda: on(Ball(), Ball())),
    "spectralNorm": (
        on(*[{"name": "spectralNorm", "values": {"limit": 1.25, "iterations": 3000}}] * 2),
        lambda: on(Spectral(), Spectral()),
    ),
}


def constrained(parameter, constraint):
    if constraint is None:
        return parameter
    value = constraint(torch.tensor(np.ascontiguousarray(to_keras(parameter))))
    return from_keras(value.detach().numpy())


# --- PyTorch's optimizers.

T = torch.optim
PYTORCH = [
    ("sgd", {"learningRate": 0.1}, lambda p: T.SGD(p, lr=0.1)),
    (
        "sgd",
        {"learningRate": 0.05, "momentum": 0.9, "dampening": 0.25, "weightDecay": 0.03},
        lambda p: T.SGD(p, lr=0.05, momentum=0.9, dampening=0.25, weight_decay=0.03),
    ),
    (
        "sgd",
        {"learningRate": 0.05, "momentum": 0.8, "nesterov": True, "weightDecay": 0.01},
        lambda p: T.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.01),
    ),
    ("rmsprop", {}, lambda p: T.RMSprop(p)),
    (
        "rmsprop",
        {"learningRate": 0.02, "alpha": 0.9, "epsilon": 1e-3, "weightDecay": 0.02, "momentum": 0.7, "centered": True},
        lambda p: T.RMSprop(p, lr=0.02, alpha=0.9, eps=1e-3, weight_decay=0.02, momentum=0.7, centered=True),
    ),
    ("adagrad", {}, lambda p: T.Adagrad(p)),
    (
        "adagrad",
        {"learningRate": 0.1, "learningRateDecay": 0.2, "weightDecay": 0.02, "initialAccumulator": 0.3},
        lambda p: T.Adagrad(p, lr=0.1, lr_decay=0.2, weight_decay=0.02, initial_accumulator_value=0.3),
    ),
    ("adadelta", {"weightDecay": 0.01}, lambda p: T.Adadelta(p, weight_decay=0.01)),
    ("adam", {"learningRate": 0.01}, lambda p: T.Adam(p, lr=0.01)),
    (
        "adam",
        {"learningRate": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4, "weightDecay": 0.05, "amsgrad": True},
        lambda p: T.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.05, amsgrad=True),
    ),
    ("adamW", {"learningRate": 0.02, "weightDecay": 0.1}, lambda p: T.AdamW(p, lr=0.02, weight_decay=0.1)),
    ("nadam", {"weightDecay": 0.02}, lambda p: T.NAdam(p, weight_decay=0.02)),
    ("radam", {"learningRate": 0.02}, lambda p: T.RAdam(p, lr=0.02)),
]


def run_pytorch(make, clip_kind, constraints):
    parameters = [torch.nn.Parameter(torch.tensor(v)) for v in INITIAL]
    optimizer = make(parameters)
    clip_of = clipper(clip_kind)
    for gradients in GRADIENTS:
        for p, g in zip(parameters, clip_of(gradients, [p.detach().numpy() for p in parameters])):
            p.grad = torch.tensor(g)
        optimizer.step()
        for p, c in zip(parameters, constraints):
            p.data = torch.tensor(np.ascontiguousarray(constrained(p.detach().numpy(), c)))
        yield [p.detach().numpy().copy() for p in parameters]


# --- Keras's optimizers, with Keras's own clips and constraints.

K = keras.optimizers
KERAS = [
    ("sgdKeras", {"learningRate": 0.1}, K.SGD, dict(learning_rate=0.1)),
    (
        "sgdKeras",
        {"learningRate": 0.05, "momentum": 0.9, "nesterov": True, "weightDecay": 0.1},
        K.SGD,
        dict(learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=0.1),
    ),
    ("rmspropKeras", {"learningRate": 0.01}, K.RMSprop, dict(learning_rate=0.01)),
    (
        "rmspropKeras",
        {"learningRate": 0.02, "rho": 0.8, "epsilon": 1e-3, "weightDecay": 0.1, "momentum": 0.7, "centered": True},
        K.RMSprop,
        dict(learning_rate=0.02, rho=0.8, epsilon=1e-3, weight_decay=0.1, momentum=0.7, centered=True),
    ),
    ("adagradKeras", {"learningRate": 0.1}, K.Adagrad, dict(learning_rate=0.1)),
    ("adadeltaKeras", {"learningRate": 1.0}, K.Adadelta, dict(learning_rate=1.0)),
    ("adamKeras", {"learningRate": 0.02, "epsilon": 1e-3}, K.Adam, dict(learning_rate=0.02, epsilon=1e-3)),
    (
        "adamKeras",
        {"learningRate": 0.02, "beta2": 0.9, "amsgrad": True},
        K.Adam,
        dict(learning_rate=0.02, beta_2=0.9, amsgrad=True),
    ),
    ("adamWKeras", {"learningRate": 0.02, "weightDecay": 0.1}, K.AdamW, dict(learning_rate=0.02, weight_decay=0.1)),
    ("nadamKeras", {"learningRate": 0.02}, K.Nadam, dict(learning_rate=0.02)),
    ("lionKeras", {"learningRate": 0.01}, K.Lion, dict(learning_rate=0.01)),
]
KERAS_CLIPS = {
    "none": {},
    "value": {"clipvalue": 0.5},
    "norm": {"clipnorm": 2.0},
    "globalNorm": {"global_clipnorm": 5.0},
}


def run_keras(kind, arguments, clip_kind, constraints):
    variables = []
    for name, value, constraint in zip(NAMES, INITIAL, constraints):
        variable = keras.Variable(np.ascontiguousarray(to_keras(value)), dtype="float64", name=name.replace(".", "_"))
        variable.constraint = constraint
        variables.append(variable)
    optimizer = kind(**arguments, **KERAS_CLIPS[clip_kind])
    optimizer.build(variables)
    for gradients in GRADIENTS:
        optimizer.apply([torch.tensor(np.ascontiguousarray(to_keras(g))) for g in gradients], variables)
        yield [from_keras(keras.ops.convert_to_numpy(v)).copy() for v in variables]


# --- Papers: LAMB and Lion from optax, LARS by You et al. 2017, algorithm 1.


def run_optax(optimizer, clip_kind, constraints):
    parameters = [jax.numpy.asarray(v) for v in INITIAL]
    state = optimizer.init(parameters)
    clip_of = clipper(clip_kind)
    for gradients in GRADIENTS:
        clipped = [jax.numpy.asarray(g) for g in clip_of(gradients, parameters)]
        updates, state = optimizer.update(clipped, state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        parameters = [jax.numpy.asarray(constrained(np.asarray(p), c)) for p, c in zip(parameters, constraints)]
        yield [np.asarray(p).copy() for p in parameters]


def run_lars(rate, momentum, decay, trust, clip_kind, constraints):
    parameters = [v.copy() for v in INITIAL]
    velocities = [np.zeros_like(v) for v in INITIAL]
    clip_of = clipper(clip_kind)
    for gradients in GRADIENTS:
        for i, g in enumerate(clip_of(gradients, parameters)):
            p = parameters[i]
            local = trust * np.linalg.norm(p) / (np.linalg.norm(g) + decay * np.linalg.norm(p))
            velocities[i] = momentum * velocities[i] + rate * local * (g + decay * p)
            parameters[i] = constrained(p - velocities[i], constraints[i])
        yield [p.copy() for p in parameters]


PAPERS = [
    (
        "lamb",
        {"learningRate": 0.05, "weightDecay": 0.1},
        lambda c, w: run_optax(optax.lamb(0.05, eps=1e-6, weight_decay=0.1), c, w),
    ),
    (
        "lion",
        {"learningRate": 0.01, "weightDecay": 0.1},
        lambda c, w: run_optax(optax.lion(0.01, b1=0.9, b2=0.99, weight_decay=0.1), c, w),
    ),
    (
        "lars",
        {"learningRate": 0.5, "momentum": 0.8, "weightDecay": 0.05, "trustCoefficient": 0.02},
        lambda c, w: run_lars(0.5, 0.8, 0.05, 0.02, c, w),
    ),
]


# --- Schedules, from PyTorch.


def schedule_values(make):
    optimizer = T.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule = make(optimizer)
    values = []
    for _ in range(30):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return values


S = torch.optim.lr_scheduler


def warm(optimizer, steps, start, then):
    return S.SequentialLR(optimizer, [S.LinearLR(optimizer, start, total_iters=steps), then(optimizer)], milestones=[steps])


SCHEDULES = [
    ("constant", {}, lambda o: S.ConstantLR(o, factor=1.0)),
    ("step", {"every": 7, "factor": 0.3}, lambda o: S.StepLR(o, 7, 0.3)),
    ("multiStep", {"milestones": [3, 11, 20], "factor": 0.5}, lambda o: S.MultiStepLR(o, [3, 11, 20], 0.5)),
    ("exponential", {"factor": 0.93}, lambda o: S.ExponentialLR(o, 0.93)),
    ("cosine", {"steps": 40, "minimum": 0.01}, lambda o: S.CosineAnnealingLR(o, 40, 0.01)),
    (
        "cosineRestarts",
        {"period": 4, "growth": 2, "minimum": 0.02},
        lambda o: S.CosineAnnealingWarmRestarts(o, 4, 2, 0.02),
    ),
    (
        "oneCycle",
        {"steps": 31, "rise": 0.4, "divisor": 10, "finalDivisor": 100},
        lambda o: S.OneCycleLR(
            o, 0.4, total_steps=31, pct_start=0.4, div_factor=10, final_div_factor=100, cycle_momentum=False
        ),
    ),
    ("polynomial", {"steps": 20, "power": 1.7}, lambda o: S.PolynomialLR(o, 20, 1.7)),
    ("inverseTime", {"rate": 0.1}, lambda o: S.LambdaLR(o, lambda t: 1 / (1 + 0.1 * t))),
    (
        "cosine",
        {"steps": 40, "warmupSteps": 5, "warmupStart": 0.25},
        lambda o: warm(o, 5, 0.25, lambda p: S.CosineAnnealingLR(p, 40)),
    ),
    (
        "step",
        {"every": 4, "factor": 0.5, "warmupSteps": 6, "warmupStart": 0.1},
        lambda o: warm(o, 6, 0.1, lambda p: S.StepLR(p, 4, 0.5)),
    ),
    (
        "exponential",
        {"factor": 0.9, "warmupSteps": 3, "warmupStart": 0.5},
        lambda o: warm(o, 3, 0.5, lambda p: S.ExponentialLR(p, 0.9)),
    ),
    (
        "multiStep",
        {"milestones": [4, 9], "factor": 0.25, "warmupSteps": 5, "warmupStart": 0.2},
        lambda o: warm(o, 5, 0.2, lambda p: S.MultiStepLR(p, [4, 9], 0.25)),
    ),
    (
        "polynomial",
        {"steps": 12, "power": 2.0, "warmupSteps": 4, "warmupStart": 0.1},
        lambda o: warm(o, 4, 0.1, lambda p: S.PolynomialLR(p, 12, 2.0)),
    ),
]

# --- Reductions on plateaus, from PyTorch: the rate after each reported metric.

METRICS = [round(float(m), 3) for m in np.abs(rng.normal(size=60) * 0.2 + np.linspace(2, 1, 60).clip(1.3))]
PLATEAUS = [
    ({"factor": 0.5, "patience": 3}, dict(factor=0.5, patience=3)),
    ({"factor": 0.5, "patience": 2, "threshold": 0.05, "cooldown": 4}, dict(factor=0.5, patience=2, threshold=0.05, cooldown=4)),
    (
        {"factor": 0.3, "patience": 1, "threshold": 0.02, "comparison": "absolute", "minimum": 0.01},
        dict(factor=0.3, patience=1, threshold=0.02, threshold_mode="abs", min_lr=0.01),
    ),
    ({"factor": 0.6, "patience": 4, "goal": "maximize"}, dict(factor=0.6, patience=4, mode="max")),
    (
        {"factor": 0.5, "patience": 2, "goal": "maximize", "comparison": "absolute", "threshold": 0.1, "cooldown": 1},
        dict(factor=0.5, patience=2, mode="max", threshold_mode="abs", threshold=0.1, cooldown=1),
    ),
]


def plateau_rates(arguments):
    optimizer = T.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule = S.ReduceLROnPlateau(optimizer, eps=0.0, **arguments)
    rates = []
    for metric in METRICS:
        schedule.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def main():
    blob = [np.concatenate([v.ravel() for v in INITIAL])]
    blob += [np.concatenate([g.ravel() for g in gradients]) for gradients in GRADIENTS]
    cases = []

    def record(source, name, values, clip_kind, constraint_kind, run):
        after = list(run)
        cases.append(
            {
                "source": source,
                "optimizer": name,
                "values": values,
                "clip": clip_kind,
                "constraint": constraint_kind,
            }
        )
        for step in SAVED:
            blob.append(np.concatenate([p.ravel() for p in after[step - 1]]))

    pytorch_clips = ["none", "value", "norm", "globalNormPyTorch"]
    plain_clips = ["none", "value", "norm", "globalNorm"]
    for (name, values, make), c, w in itertools.product(PYTORCH, pytorch_clips, CONSTRAINTS):
        record("pytorch", name, values, c, w, run_pytorch(make, c, CONSTRAINTS[w][1]()))
    for (name, values, kind, arguments), c, w in itertools.product(KERAS, plain_clips, CONSTRAINTS):
        record("keras", name, values, c, w, run_keras(kind, arguments, c, CONSTRAINTS[w][1]()))
    for (name, values, run), c, w in itertools.product(PAPERS, plain_clips, CONSTRAINTS):
        record("paper", name, values, c, w, run(c, CONSTRAINTS[w][1]()))

    few = [PYTORCH[0], PYTORCH[1], PYTORCH[10]]
    for (name, values, make), c, w in itertools.product(few, FURTHER_CLIPS, ["none", "maxNorm"]):
        record("pytorch", name, values, c, w, run_pytorch(make, c, CONSTRAINTS[w][1]()))
    for (name, values, make), c, w in itertools.product(few, ["none", "globalNormPyTorch"], FURTHER_CONSTRAINTS):
        record("pytorch", name, values, c, w, run_pytorch(make, c, FURTHER_CONSTRAINTS[w][1]()))

    schedules = [
        {"name": name, "values": values, "learningRate": 0.4, "rates": schedule_values(make)}
        for name, values, make in SCHEDULES
    ]
    out = pathlib.Path(__file__).resolve().parents[2] / "Tests/LockstepOptimizationTests/Reference"
    np.concatenate(blob).astype("<f8").tofile(out / "trajectories.f64")
    index = {
        "versions": {"torch": torch.__version__.split("+")[0], "keras": keras.__version__, "optax": optax.__version__},
        "tensors": [{"name": n, "shape": list(s)} for n, s in SHAPES.items()],
        "steps": STEPS,
        "saved": SAVED,
        "clips": CLIPS,
        "constraints": {k: v[0] for k, v in {**CONSTRAINTS, **FURTHER_CONSTRAINTS}.items()},
        "schedules": schedules,
        "metrics": METRICS,
        "plateaus": [
            {"name": "reduceOnPlateau", "values": values, "learningRate": 0.4, "rates": plateau_rates(arguments)}
            for values, arguments in PLATEAUS
        ],
    }
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = json.dumps(index, indent=1)[:-2] + ',\n "cases": [\n' + lines + "\n ]\n}\n"
    json.loads(text)
    (out / "trajectories.json").write_text(text)
    print(f"{len(cases)} trajectories, {sum(map(len, blob)) * 8} bytes")


main()
