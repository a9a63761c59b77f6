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
import statistics
import sys
from pathlib import Path

from programs import HERE, LOCKSTEP, PYTHON, ROOT, mpirun, progress, run, spread

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
    parser.add_argument("--python", default=PYTHON)
    parser.add_argument("--lockstep", default=LOCKSTEP)
    parser.add_argument("--without-peers", action="store_true", help="Lockstep alone")
    parser.add_argument("--json", metavar="FILE", help="writes every measurement there")
    return parser.parse_args()


def bits_per_second(rate):
    for unit, factor in UNITS.items():
        if rate.endswith(unit):
            return float(rate[: -len(unit)]) * factor
    sys.exit(f"the rate {rate!r} is neither …gbit nor …mbit")


def programs(options, model, rate):
    size = ["--batch", str(options.batch), "--windows", str(options.windows),
            "--seconds", str(options.seconds)]
    over = [str(ROOT / "scripts/with-hosts.sh"), str(options.hosts), str(options.hosts),
            "--rate", rate]
    ours = over + [options.lockstep, "benchmark", "step", "--model", model, "--json", *size]
    theirs = over + [options.python, str(HERE / "peers/train.py"), "--model", model, *size,
                     "--rendezvous", "10.77.0.1", "--interface", "eth0"]
    alone = mpirun(options.hosts, options.lockstep, "benchmark", "scaling", "--json",
                   "--model", model, "--batch", options.batch // options.hosts,
                   "--windows", options.windows, "--seconds", options.seconds)
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
            results[name] = run(command, options.limit)
            progress(f"round {number + 1}: {name}")
        rounds.append(results)
    return rounds


def over_bound(rounds, name, rate, batch):
    """A program's time over the longer of computing and sending its bytes, round by round."""
    return [
        seconds(r[name]) / max(batch / r["alone"]["alone"]["median"],
                               8 * r[name]["networkBytesPerStep"] / bits_per_second(rate))
        for r in rounds]


def over_lockstep(rounds, name):
    """A program's time over Lockstep's with the same numbers on the wire, round by round."""
    like = "Lockstep, bf16 wire" if "bf16" in name else "Lockstep"
    return [seconds(r[name]) / seconds(r[like]) for r in rounds]


def table(options, model, rate, rounds):
    computing = statistics.median(options.batch / r["alone"]["alone"]["median"] for r in rounds)
    print(f"\n{model}, batch {options.batch}, {options.hosts} hosts, {rate}: "
          f"computing takes {1e3 * computing:.1f} ms a step")
    print(f"  {'':22}{'ms a step':>22}{'MB a step':>11}{'over the bound':>20}{'to Lockstep':>20}")
    for name in rounds[0]:
        if name == "alone":
            continue
        sent = statistics.median(r[name]["networkBytesPerStep"] for r in rounds)
        print(f"  {name:22}{spread([1e3 * seconds(r[name]) for r in rounds], 1):>22}"
              f"{sent / 1e6:11.2f}"
              f"{spread(over_bound(rounds, name, rate, options.batch)):>20}"
              f"{spread(over_lockstep(rounds, name)):>20}")


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
