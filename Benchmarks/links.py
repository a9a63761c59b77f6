#!/usr/bin/env python3
"""Measures steps over shaped links between "hosts" of this machine, beside PyTorch's DDP.

  Benchmarks/setup.sh
  sudo Benchmarks/links.py --models mlp --rates 1gbit 10gbit --rounds 3

The hosts are network namespaces, one rank each, that scripts/with-hosts.sh makes, shapes with a
token bucket and removes again. Every round runs, in turn: the ranks each for itself (which gives
the time of computing), Lockstep and DDP (gloo) over the link with Float32, and both with bf16 on
the wire. A step can be no shorter than computing and no shorter than sending its bytes at the
link's rate; the bytes are those that the interface counted, headers included. The ratios of a round
are taken within it; the table shows the median, and in brackets the smallest and the largest.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
UNITS = {"gbit": 1e9, "mbit": 1e6}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mlp"])
    parser.add_argument("--rates", nargs="+", default=["1gbit", "10gbit"])
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128, help="the global batch size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--windows", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="the length of a window")
    parser.add_argument("--limit", type=int, default=90, help="the seconds that one run may take")
    parser.add_argument("--python", default=str(HERE / ".venv/bin/python"))
    parser.add_argument("--lockstep", default=str(ROOT / ".build/release/lockstep"))
    parser.add_argument("--without-peers", action="store_true", help="Lockstep alone")
    parser.add_argument("--json", metavar="FILE", help="writes every measurement there")
    return parser.parse_args()


def bits_per_second(rate):
    for unit, factor in UNITS.items():
        if rate.endswith(unit):
            return float(rate[: -len(unit)]) * factor
    sys.exit(f"the rate {rate!r} is neither …gbit nor …mbit")


def run(options, command):
    """The last line of a program's output that is a JSON object."""
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    # TERM, so that the script of the hosts removes them.
    limited = ["timeout", "--signal=TERM", "--kill-after=20", str(options.limit), *command]
    result = subprocess.run(limited, capture_output=True, text=True, env=environment)
    for line in reversed(result.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    sys.exit(f"{shlex.join(command)} failed ({result.returncode}):\n{result.stderr[-2000:]}")


def programs(options, model, rate):
    size = ["--batch", str(options.batch), "--windows", str(options.windows),
            "--seconds", str(options.seconds)]
    over = [str(ROOT / "scripts/with-hosts.sh"), str(options.hosts), str(options.hosts),
            "--rate", rate]
    ours = over + [options.lockstep, "benchmark", "step", "--model", model, "--json", *size]
    theirs = over + [options.python, str(HERE / "peers/train.py"), "--model", model, *size,
                     "--rendezvous", "10.77.0.1", "--interface", "eth0"]
    alone = ["mpirun", "-n", str(options.hosts), options.lockstep, "benchmark", "scaling",
             "--model", model, "--batch", str(options.batch // options.hosts), "--json",
             "--windows", str(options.windows), "--seconds", str(options.seconds)]
    runs = {"alone": alone, "Lockstep": ours, "Lockstep, bf16 wire": ours + ["--wire", "bfloat16"]}
    if not options.without_peers:
        runs |= {"DDP": theirs, "DDP, bf16 hook": theirs + ["--bf16-wire"]}
    return runs


def seconds(result):
    step = result["secondsPerStep"]
    return step["median"] if isinstance(step, dict) else step


def measure(options, model, rate):
    rounds = []
    for number in range(options.rounds):
        results = {}
        for name, command in programs(options, model, rate).items():
            results[name] = run(options, command)
            print(f"  round {number + 1}: {name}", file=sys.stderr, flush=True)
        rounds.append(results)
    return rounds


def spread(values, digits):
    return (f"{statistics.median(values):.{digits}f} "
            f"[{min(values):.{digits}f}, {max(values):.{digits}f}]")


def table(options, model, rate, rounds):
    computing = [options.batch / r["alone"]["alone"]["median"] for r in rounds]
    print(f"\n{model}, batch {options.batch}, {options.hosts} hosts, {rate}: "
          f"computing takes {1e3 * statistics.median(computing):.1f} ms a step")
    print(f"  {'':22}{'ms a step':>22}{'MB a step':>11}{'over the bound':>20}{'to Lockstep':>20}")
    for name in rounds[0]:
        if name == "alone":
            continue
        times = [seconds(r[name]) for r in rounds]
        sent = [r[name]["networkBytesPerStep"] for r in rounds]
        bounds = [max(c, 8 * b / bits_per_second(rate)) for c, b in zip(computing, sent)]
        like = "Lockstep, bf16 wire" if "bf16" in name else "Lockstep"
        print(f"  {name:22}{spread([1e3 * t for t in times], 1):>22}"
              f"{statistics.median(sent) / 1e6:11.2f}"
              f"{spread([t / b for t, b in zip(times, bounds)], 2):>20}"
              f"{spread([t / seconds(r[like]) for t, r in zip(times, rounds)], 2):>20}")


def main():
    options = arguments()
    everything = {}
    for model in options.models:
        for rate in options.rates:
            rounds = measure(options, model, rate)
            everything[f"{model} {rate}"] = rounds
            table(options, model, rate, rounds)
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
