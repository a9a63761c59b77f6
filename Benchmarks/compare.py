#!/usr/bin/env python3
"""Runs Lockstep and its peers alternately and prints ratios with their spread.

  Benchmarks/setup.sh
  Benchmarks/compare.py --models mlp cnn resnet20 --rounds 5

Every round runs each program once, in turn, so that what disturbs the machine disturbs all of them.
The ratio of a round is taken within that round; the table shows the median of the rounds' ratios
and, in brackets, the smallest and the largest.
"""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = [
    ("DDP, 2 ranks x 1 thread", 2, 1),
    ("1 process x 2 threads", 1, 2),
]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mlp", "cnn", "resnet20"])
    parser.add_argument("--batch", type=int, default=128, help="the global batch size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--variants", nargs="+", default=["eager", "channels-last", "compile"])
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32",
                        help="bfloat16: PyTorch with autocast, Lockstep with its own")
    parser.add_argument("--python", default=str(HERE / ".venv/bin/python"))
    parser.add_argument(
        "--lockstep", default=f"mpirun -n 2 {HERE.parent}/.build/release/lockstep benchmark step",
        help="the command; --model, --batch, --windows, --seconds, --precision and --json are added")
    parser.add_argument("--json", metavar="FILE", help="writes every measurement there")
    return parser.parse_args()


def run(command, environment=None):
    """The last line of a program's output that is a JSON object."""
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    for line in reversed(result.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    sys.exit(f"{shlex.join(command)} failed ({result.returncode}):\n{result.stderr[-2000:]}")


def machine():
    name = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            name = line.split(":", 1)[1].strip()
            break
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def measure(options, model):
    shared = ["--model", model, "--batch", str(options.batch), "--windows", str(options.windows),
              "--seconds", str(options.seconds), "--precision", options.precision]
    programs = [("Lockstep", shlex.split(options.lockstep) + shared + ["--json"])]
    for name, processes, threads in PEERS:
        for variant in options.variants:
            command = [options.python, str(HERE / "peers/train.py"), *shared,
                       "--processes", str(processes), "--threads", str(threads),
                       "--variant", variant]
            programs.append((f"{name}, {variant}", command))
    rounds = []
    for number in range(options.rounds):
        rates = {}
        for name, command in programs:
            rates[name] = run(command)
            print(f"  round {number + 1}: {name}: {rates[name]['examplesPerSecond']:.0f}",
                  file=sys.stderr, flush=True)
        rounds.append(rates)
    return rounds


def table(model, rounds, precision):
    ours = [r["Lockstep"]["examplesPerSecond"] for r in rounds]
    shards = rounds[0]["Lockstep"].get("shards")
    print(f"\n{model}, {precision}: Lockstep {statistics.median(ours):.0f} examples/s, L = {shards}")

    def line(name, rates):
        ratios = [a / b for a, b in zip(ours, rates)]
        print(f"  {statistics.median(ratios):5.2f}x [{min(ratios):.2f}, {max(ratios):.2f}]  "
              f"{statistics.median(rates):8.0f}  {name}")

    names = [name for name in rounds[0] if name != "Lockstep"]
    for name in names:
        line(name, [r[name]["examplesPerSecond"] for r in rounds])
    for title, prefix in [("best DDP", "DDP"), ("best PyTorch", "")]:
        line(title, [max(r[name]["examplesPerSecond"] for name in names if name.startswith(prefix))
                     for r in rounds])


def main():
    options = arguments()
    print(machine())
    everything = {"machine": machine(), "precision": options.precision, "models": {}}
    for model in options.models:
        rounds = measure(options, model)
        everything["models"][model] = rounds
        table(model, rounds, options.precision)
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
