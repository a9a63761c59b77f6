#!/usr/bin/env python3
"""Runs Lockstep and its peers alternately and prints ratios with their spread.

  Benchmarks/setup.sh
  Benchmarks/compare.py --models mlp cnn resnet20 --rounds 5

Every round runs each program once, in turn, so that what disturbs the machine disturbs all of them.
The ratio of a round is taken within that round; the table shows the median of the rounds' ratios
and, in brackets, the smallest and the largest. Each round also measures the kernel ceiling: the
rate that the bare primitives of forward and backward pass would allow by themselves.

PyTorch's compiler starts without anything compiled before: what it needs the first time is part of
its programs' warm-up, and later rounds find it in a folder that is removed at the end.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from programs import HERE, LOCKSTEP, PYTHON, machine, mpirun, progress, run, spread, warn_of_load

CEILING = "kernel ceiling"
PEERS = [
    ("DDP, 2 ranks x 1 thread", 2, 1),
    ("1 process x 2 threads", 1, 2),
]


VARIANTS = ["eager", "channels-last", "compile"]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mlp", "cnn", "resnet20"])
    parser.add_argument("--batch", type=int, default=128, help="the global batch size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32",
                        help="bfloat16: PyTorch with autocast, Lockstep with its own")
    parser.add_argument("--python", default=PYTHON)
    parser.add_argument("--lockstep", default=LOCKSTEP, help="the program")
    parser.add_argument("--json", metavar="FILE", help="writes every measurement there")
    return parser.parse_args()


def programs(options, model):
    """What takes turns: names and commands."""
    shared = ["--model", model, "--batch", str(options.batch), "--precision", options.precision]
    windows = ["--windows", str(options.windows), "--seconds", str(options.seconds)]
    ours = [options.lockstep, "benchmark"]
    result = {
        "Lockstep": mpirun(2, *ours, "step", *shared, *windows, "--json"),
        CEILING: mpirun(2, *ours, "ceiling", *shared, "--windows", "2", "--json"),
    }
    for name, processes, threads in PEERS:
        for variant in options.variants:
            result[f"{name}, {variant}"] = [
                options.python, str(HERE / "peers/train.py"), *shared, *windows,
                "--processes", str(processes), "--threads", str(threads), "--variant", variant]
    return result


def rate(name, result):
    if name == CEILING:
        return result["batch"] / result["primitives"]["median"]
    return result["examplesPerSecond"]


def measure(options, model):
    """Rates of all programs, round by round, and what Lockstep said of itself."""
    rounds = []
    with tempfile.TemporaryDirectory() as compiled:
        for number in range(options.rounds):
            rates = {}
            for name, command in programs(options, model).items():
                # The first round compiles.
                result = run(command, limit=900, TORCHINDUCTOR_CACHE_DIR=compiled)
                rates[name] = rate(name, result)
                if name == "Lockstep":
                    shards = result["shards"]
                progress(f"round {number + 1}: {model}, {name}: {rates[name]:.0f} examples/s")
            rounds.append(rates)
    return rounds, shards


def ratios(rounds, prefix=""):
    """Lockstep's rate over that of the best of the peers whose names begin so, round by round."""
    return [
        r["Lockstep"] / max(rate for name, rate in r.items()
                            if name not in ("Lockstep", CEILING) and name.startswith(prefix))
        for r in rounds]


def shares_of_ceiling(rounds):
    """The percentage of the kernel ceiling that Lockstep reached, round by round."""
    return [100 * r["Lockstep"] / r[CEILING] for r in rounds]


def table(model, rounds, shards, precision):
    ours = statistics.median(r["Lockstep"] for r in rounds)
    print(f"\n{model}, {precision}: Lockstep {ours:.0f} examples/s, L = {shards}, "
          f"{spread(shares_of_ceiling(rounds), 0, ' %')} of the kernel ceiling")
    for name in rounds[0]:
        if name not in ("Lockstep", CEILING):
            rates = [r[name] for r in rounds]
            print(f"  {spread(ratios(rounds, name), 2, 'x'):>20}  {statistics.median(rates):8.0f}"
                  f"  {name}")
    print(f"  {spread(ratios(rounds, 'DDP'), 2, 'x'):>20}            best DDP")
    print(f"  {spread(ratios(rounds), 2, 'x'):>20}            best PyTorch")


def main():
    options = arguments()
    warn_of_load()
    print(machine())
    everything = {"machine": machine(), "precision": options.precision, "models": {}}
    for model in options.models:
        rounds, shards = measure(options, model)
        everything["models"][model] = {"shards": shards, "examplesPerSecond": rounds}
        table(model, rounds, shards, options.precision)
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
