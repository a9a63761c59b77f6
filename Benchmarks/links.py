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

The time of computing is that of a rank's own examples, with the update of all parameters. Where
factors travel a host also makes the products of the others' examples. So Lockstep's steps have a
second bound, of the work that they really have: passes, products, fold and update as `lockstep plan`
measures them on as many ranks at once.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from planned import configuration
from programs import HERE, LOCKSTEP, PYTHON, ROOT, mpirun, progress, run, spread

UNITS = {"gbit": 1e9, "mbit": 1e6}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mlp"])
    parser.add_argument("--rates", nargs="+", default=["1gbit", "10gbit"])
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128, help="the global batch size")
    parser.add_argument("--shards", type=int, help="the number of logical shards")
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


def programs(options, model, rate, folder):
    size = ["--batch", str(options.batch), "--windows", str(options.windows),
            "--seconds", str(options.seconds)]
    over = [str(ROOT / "scripts/with-hosts.sh"), str(options.hosts), str(options.hosts),
            "--rate", rate]
    shards = ["--shards", options.shards] if options.shards else []
    ours = over + [options.lockstep, "benchmark", "step", "--model", model, "--json", *size,
                   *shards]
    theirs = over + [options.python, str(HERE / "peers/train.py"), "--model", model, *size,
                     "--rendezvous", "10.77.0.1", "--interface", "eth0"]
    alone = mpirun(options.hosts, options.lockstep, "benchmark", "scaling", "--json",
                   "--model", model, "--batch", options.batch // options.hosts,
                   "--windows", options.windows, "--seconds", options.seconds,
                   options=["--oversubscribe"])
    file = configuration(model, folder, options.batch, options.shards)
    parts = mpirun(options.hosts, options.lockstep, "plan", file, "--nodes", options.hosts,
                   "--ranks-per-node", 1, "--bandwidth", bits_per_second(rate) / 1e9,
                   "--up-to", options.hosts, "--json", options=["--oversubscribe"])
    runs = {"alone": alone, "parts": parts, "Lockstep": ours,
            "Lockstep, bf16 wire": ours + ["--wire", "bfloat16"]}
    if not options.without_peers:
        runs |= {"DDP": theirs, "DDP, bf16 hook": theirs + ["--bf16-wire"]}
    return runs


def seconds(result):
    step = result["secondsPerStep"]
    return step["median"] if isinstance(step, dict) else step


def measure(options, model, rate):
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            results = {}
            for name, command in programs(options, model, rate, folder).items():
                results[name] = run(command, options.limit)
                progress(f"round {number + 1}: {name}")
            rounds.append(results)
    return rounds


def sending(result, rate):
    return 8 * result["networkBytesPerStep"] / bits_per_second(rate)


def over_bound(rounds, name, rate, batch):
    """A program's time over the longer of computing and sending its bytes, round by round."""
    return [
        seconds(r[name]) / max(batch / r["alone"]["alone"]["median"], sending(r[name], rate))
        for r in rounds]


def own_work(result):
    """The seconds of a host's passes, products, fold and update."""
    return sum(result["parts"]["asked"][part] for part in ("compute", "fold", "update"))


def over_work(rounds, name, rate):
    """Lockstep's time over the longer of what it computes and sending its bytes."""
    return [seconds(r[name]) / max(own_work(r), sending(r[name], rate)) for r in rounds]


def over_lockstep(rounds, name):
    """A program's time over Lockstep's with the same numbers on the wire, round by round."""
    like = "Lockstep, bf16 wire" if "bf16" in name else "Lockstep"
    return [seconds(r[name]) / seconds(r[like]) for r in rounds]


def table(options, model, rate, rounds):
    computing = statistics.median(options.batch / r["alone"]["alone"]["median"] for r in rounds)
    print(f"\n{model}, batch {options.batch}, {options.hosts} hosts, {rate}: "
          f"computing takes {1e3 * computing:.1f} ms a step, with products of other hosts' examples "
          f"{spread([1e3 * own_work(r) for r in rounds], 1)}")
    print(f"  {'':22}{'ms a step':>22}{'MB a step':>11}{'over the bound':>20}"
          f"{'over own work':>20}{'to Lockstep':>20}")
    for name in rounds[0]:
        if name in ("alone", "parts"):
            continue
        work = spread(over_work(rounds, name, rate)) if name == "Lockstep" else ""
        sent = statistics.median(r[name]["networkBytesPerStep"] for r in rounds)
        print(f"  {name:22}{spread([1e3 * seconds(r[name]) for r in rounds], 1):>22}"
              f"{sent / 1e6:11.2f}"
              f"{spread(over_bound(rounds, name, rate, options.batch)):>20}"
              f"{work:>20}"
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
