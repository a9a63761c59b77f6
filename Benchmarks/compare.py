#!/usr/bin/env python3
"""Runs Lockstep and its peers alternately and prints ratios with their spread.

  Benchmarks/setup.sh
  Benchmarks/compare.py --models mlp cnn resnet20 --rounds 5
  Benchmarks/compare.py --models lstm gpt gpt-wide --rounds 3

Every round runs each program once, in turn, so that what disturbs the machine disturbs all of them.
The ratio of a round is taken within that round; the table shows the median of the rounds' ratios
and, in brackets, the smallest and the largest. Each round also measures the kernel ceiling: the
rate that the bare primitives of forward and backward pass would allow by themselves. Behind the last
step every program says how much memory its ranks have, in proportion where they share pages.

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

# The global batch, and the shards that Lockstep cuts it into, where no others are asked for.
BATCHES = {"lstm": (64, 2), "gpt": (12, 4), "gpt-wide": (8, 4)}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mlp", "cnn", "resnet20"])
    parser.add_argument("--batch", type=int, help="the global batch size; 128, and fewer sequences")
    parser.add_argument("--shards", type=int, help="the shards that Lockstep cuts it into")
    parser.add_argument("--sequence", type=int, help="the positions of an example, for tokens")
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


def sizes(options, model):
    """The options of all programs, and Lockstep's own."""
    batch, shards = BATCHES.get(model, (128, None))
    if options.batch:
        batch, shards = options.batch, None
    shards = options.shards or shards
    shared = ["--model", model, "--batch", str(batch), "--precision", options.precision]
    if options.sequence:
        shared += ["--sequence", str(options.sequence)]
    return shared, ["--shards", str(shards)] if shards else []


def programs(options, model):
    """What takes turns: names and commands."""
    shared, own = sizes(options, model)
    windows = ["--windows", str(options.windows), "--seconds", str(options.seconds)]
    ours = [options.lockstep, "benchmark"]
    result = {
        "Lockstep": mpirun(2, *ours, "step", *shared, *own, *windows, "--json"),
        CEILING: mpirun(2, *ours, "ceiling", *shared, *own, "--windows", "2", "--json"),
    }
    for name, processes, threads in PEERS:
        for variant in options.variants:
            if variant == "channels-last" and model in BATCHES:
                continue
            result[f"{name}, {variant}"] = [
                options.python, str(HERE / "peers/train.py"), *shared, *windows, "--memory",
                "--processes", str(processes), "--threads", str(threads), "--variant", variant]
    return result


def rate(name, result):
    if name == CEILING:
        return result["batch"] / result["primitives"]["median"]
    return result["examplesPerSecond"]


def measure(options, model):
    """Rates of all programs, round by round, the shards, and the least memory of a rank of each."""
    rounds, memory = [], {}
    with tempfile.TemporaryDirectory() as compiled:
        for number in range(options.rounds):
            rates = {}
            for name, command in programs(options, model).items():
                # The first round compiles.
                result = run(command, limit=900, TORCHINDUCTOR_CACHE_DIR=compiled)
                rates[name] = rate(name, result)
                if name != CEILING:
                    size = result["proportionalMemory"]
                    memory[name] = min(memory.get(name, size), size)
                if name == "Lockstep":
                    shards = result["shards"]
                progress(f"round {number + 1}: {model}, {name}: {rates[name]:.0f} examples/s")
            rounds.append(rates)
    return rounds, shards, memory


def ratios(rounds, prefix=""):
    """Lockstep's rate over that of the best of the peers whose names begin so, round by round."""
    return [
        r["Lockstep"] / max(rate for name, rate in r.items()
                            if name not in ("Lockstep", CEILING) and name.startswith(prefix))
        for r in rounds]


def shares_of_ceiling(rounds):
    """The percentage of the kernel ceiling that Lockstep reached, round by round."""
    return [100 * r["Lockstep"] / r[CEILING] for r in rounds]


def memory_of_ranks(memory):
    """Lockstep's memory of a rank, the least of DDP's, and their ratio."""
    other = min((size for name, size in memory.items() if name.startswith("DDP")), default=None)
    own = f"{memory['Lockstep'] / 1e6:.0f} MB a rank"
    if other is None:
        return own
    return f"{own}, DDP {other / 1e6:.0f} MB, {memory['Lockstep'] / other:.2f} of it"


def table(model, rounds, shards, memory, precision):
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
    print(f"  {memory_of_ranks(memory)}")


def main():
    options = arguments()
    warn_of_load()
    print(machine())
    everything = {"machine": machine(), "precision": options.precision, "models": {}}
    for model in options.models:
        rounds, shards, memory = measure(options, model)
        everything["models"][model] = {
            "shards": shards, "examplesPerSecond": rounds, "proportionalMemory": memory}
        table(model, rounds, shards, memory, options.precision)
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
