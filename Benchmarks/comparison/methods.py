"""The methods that clipping.py compares, each with the settings that are tried.

Of each method three learning rates are tried, about three times apart, around that of its paper or its
authors' code; a fourth where the best lies at an edge; then two changes of another setting at the best rate.
That setting is the threshold where there is one. All else is as published. The baseline has more trials: all
three rates with all three thresholds, and one beyond an edge of each.
"""

import copy
from dataclasses import dataclass, field

WARMUP = 20
COSINE = {"type": "cosine", "warmupSteps": WARMUP}
CONSTANT = {"type": "constant", "warmupSteps": WARMUP}
ADAM_RATES = (1e-3, 3e-3, 1e-2)


@dataclass(frozen=True)
class Method:
    """An update rule and the settings to try."""

    name: str
    title: str
    optimizer: dict
    rates: tuple
    # Two changes of one other setting, each a dictionary of paths and values.
    changes: tuple = ()
    extra: dict = field(default_factory=dict)
    # The thresholds of the task that the clip's limit takes, in place of `changes`.
    limits: str = None
    # Whether all rates are tried with all thresholds.
    has_full_grid: bool = False
    # What the three numbers are; the learning rate but for Prodigy.
    rate_key: str = "optimizer.learningRate"
    # Puts a constraint on the matrices of hidden layers.
    hidden: dict = None
    # Other numbers for some tasks.
    task_rates: dict = field(default_factory=dict)
    only: tuple = ()
    schedule: dict = field(default_factory=lambda: COSINE)

    def rates_for(self, task):
        return self.task_rates.get(task.name, self.rates)

    def changes_for(self, task):
        if self.limits is None:
            return self.changes
        low, _, high = getattr(task, self.limits)
        return each("clip.limit", low, high)

    def limit_beyond(self, task, change):
        """The change to a threshold beyond an edge, where the best one lies there."""
        limits = getattr(task, self.limits)
        beyond = extension(limits, change.get("clip.limit", limits[1]))
        return None if beyond is None else {"clip.limit": beyond}

    def configuration(self, task, rate, change):
        """What this method adds to a task's configuration."""
        result = {"optimizer": {**self.optimizer, "schedule": self.schedule},
                  **copy.deepcopy(self.extra)}
        if self.hidden:
            result["constraints"] = [{"pattern": name, **self.hidden} for name in task.hidden]
        if self.limits is not None or "sam" in self.extra:
            result["clip"]["limit"] = getattr(task, self.limits or "limits")[1]
        for path, value in {self.rate_key: rate, **change}.items():
            put(result, path, value)
        return result


def put(settings, path, value):
    """Sets a value by a path of keys; elements of lists are named by index."""
    *keys, last = path.split(".")
    for key in keys:
        settings = settings[int(key) if isinstance(settings, list) else key]
    settings[int(last) if isinstance(settings, list) else last] = value


def clipped(kind, **keys):
    return {"clip": {"type": kind, **keys}}


def each(path, *values):
    return tuple({path: value} for value in values)


def adamw(name, title, changes=(), **more):
    return Method(name, title, {"type": "adamW"}, ADAM_RATES, changes, **more)


BASELINE = "adamW-globalNorm"
MUON = {"type": "muon", "scaling": "matchRMSAdamW"}

METHODS = {method.name: method for method in [
    adamw(BASELINE, "AdamW, global norm", extra=clipped("globalNorm"), limits="limits",
          has_full_grid=True),
    adamw("adamW", "AdamW, no clip", each("optimizer.weightDecay", 0, 0.1)),
    adamw("adamW-zClip", "AdamW, ZClip", each("clip.threshold", 2, 3), extra=clipped("zClip")),
    adamw("adamW-adaGC", "AdamW, AdaGC", each("clip.relative", 1.02, 1.2), extra=clipped("adaGC")),
    adamw("adamW-adaptive", "AdamW, AGC", each("clip.fraction", 0.03, 0.1),
          extra=clipped("adaptive")),
    adamw("adamW-spectral", "AdamW, spectral clip", extra=clipped("spectral"),
          limits="spectral_limits"),
    adamw("adamW-sam", "SAM, AdamW, global norm", each("sam.rho", 0.02, 0.1),
          extra={**clipped("globalNorm"), "sam": {"rho": 0.05}}),
    Method("stableSPAM", "Stable-SPAM", {"type": "stableSPAM"}, ADAM_RATES,
           each("optimizer.theta", 0.99, 0.9999)),
    Method("muon", "Muon", MUON, ADAM_RATES, each("optimizer.momentum", 0.9, 0.98)),
    Method("muonClip", "MuonClip", MUON, ADAM_RATES, each("constraints.0.threshold", 30, 10),
           only=("gpt",), extra={"constraints": [
               {"pattern": "*.c_attn.*", "type": "qkClip", "threshold": 100}]}),
    Method("scion", "Scion", {"type": "scion"}, (3e-3, 1e-2, 3e-2),
           each("optimizer.outputRadius", 0.1, 10)),
    Method("soap", "SOAP", {"type": "soap"}, ADAM_RATES,
           each("optimizer.preconditionFrequency", 5, 20)),
    Method("shampoo", "Shampoo", {"type": "shampoo", "adamLearningRate": 3e-3}, (1e-2, 3e-2, 1e-1),
           each("optimizer.adamLearningRate", 1e-3, 1e-2)),
    Method("adafactor", "Adafactor", {"type": "adafactor"}, (3e-3, 1e-2, 3e-2),
           each("optimizer.clipThreshold", 0.5, 2)),
    Method("adan", "Adan", {"type": "adan"}, ADAM_RATES, each("optimizer.beta1", 0.9, 0.95)),
    Method("lion", "Lion", {"type": "lion"}, (1e-4, 3e-4, 1e-3),
           ({"optimizer.beta1": 0.95, "optimizer.beta2": 0.98}, {"optimizer.weightDecay": 0.1})),
    Method("prodigy", "Prodigy", {"type": "prodigy"}, (0.3, 1, 3),
           ({"optimizer.biasCorrection": True}, {"optimizer.beta2": 0.99}),
           rate_key="optimizer.coefficient", schedule={"type": "cosine"}),
    Method("scheduleFreeAdamW", "Schedule-Free AdamW", {"type": "scheduleFreeAdamW"}, ADAM_RATES,
           each("optimizer.beta1", 0.95, 0.98), schedule=CONSTANT),
    Method("hyperball", "Hyperball, LAMB", {"type": "lamb", "weightDecay": 0}, (3e-3, 1e-2, 3e-2),
           each("optimizer.beta2", 0.99, 0.95), hidden={"type": "initialNorm"}),
    Method("sgd", "SGD, momentum, global norm", {"type": "sgd", "momentum": 0.9}, (0.1, 0.3, 1),
           extra=clipped("globalNorm"), limits="limits", task_rates={"cnn": (0.01, 0.03, 0.1)}),
]}


def extension(rates, best):
    """The rate or threshold beyond an edge, where the best one lies there: a step further on 1, 3, 10, 30."""
    if best == rates[0]:
        return float(f"{rates[1] / 10:.0e}")
    if best == rates[-1]:
        return float(f"{rates[1] * 10:.0e}")
    return None
