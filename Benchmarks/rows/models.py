"""Whole steps on 2 ranks against PyTorch in its best forms."""

from argparse import Namespace

import compare
from programs import spread
from rows.row import Row

# Model, precision, and the goals against DDP and against the best of all.
GOALS = [
    ("mlp", "float32", 2.0, 1.4),
    ("cnn", "float32", 2.0, 1.5),
    ("cnn", "bfloat16", None, 1.5),
    ("resnet20", "float32", None, 1.25),
    ("resnet20", "bfloat16", None, 1.25),
    ("lstm", "float32", None, 1.5),
    ("gpt", "float32", None, 1.5),
    ("gpt-wide", "float32", None, 1.3),
    ("lstm", "bfloat16", None, 1.3),
    ("gpt", "bfloat16", None, 1.3),
    ("gpt-wide", "bfloat16", None, 1.3),
]


def rows(options):
    for model, precision, ddp, best in GOALS:
        if model not in options.models or precision not in options.precisions:
            continue
        settings = Namespace(
            batch=None, shards=None, sequence=None, windows=3, seconds=0.4, rounds=options.rounds, precision=precision,
            variants=compare.VARIANTS, python=options.python, lockstep=options.lockstep)
        rounds, shards, memory = compare.measure(settings, model)
        note = (f"L = {shards}; {spread(compare.shares_of_ceiling(rounds), 0, ' %')} "
                f"of the kernel ceiling; {compare.memory_of_ranks(memory)}")
        if ddp:
            yield Row(f"{model}, {precision}, against the best DDP",
                      compare.ratios(rounds, "DDP"), ddp, note=note)
        winners = sorted({max((rate, name) for name, rate in r.items()
                               if name not in ("Lockstep", compare.CEILING))[1] for r in rounds})
        yield Row(f"{model}, {precision}, against the best PyTorch", compare.ratios(rounds), best,
                  note=f"{note}; the best: {' or '.join(winners)}")
