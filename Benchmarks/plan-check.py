#!/usr/bin/env python3
"""Checks `lockstep plan` against measured steps on several "hosts" of this machine.

  sudo Benchmarks/plan-check.py --models mlp lstm --hosts 2 3 4 --ranks 1 2 --rates 100mbit 1gbit

The hosts are network namespaces (scripts/with-hosts.sh) with links shaped to a rate. All ranks of
all hosts share this machine's processors. So `plan` is started on as many ranks as there are on all
hosts: it then measures what a rank gets done while all of them compute. The link is given to it as
it is shaped, less 4 % for headers, with a latency of 50 µs; nothing is fitted.

Each row is predicted and measured in turn, in each round. Two predictions are shown: the sum of the
parts, and what is left when sending is hidden as `plan` has it under "sent beside backward". A run
hides some of its sending, not always all that it could. The table shows medians. Bytes are predicted of the busiest host, and counted on the first.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from links import bits_per_second
from planned import BATCHES, configuration
from programs import LOCKSTEP, ROOT, machine, mpirun, run, warn_of_load

LATENCY = 50
HEADERS = 0.96


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mlp", "resnet20", "lstm", "gpt"],
                        choices=list(BATCHES))
    parser.add_argument("--hosts", nargs="+", type=int, default=[2, 3, 4])
    parser.add_argument("--ranks", nargs="+", type=int, default=[1, 2], help="ranks a host")
    parser.add_argument("--rates", nargs="+", default=["100mbit", "1gbit"])
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lockstep", default=LOCKSTEP)
    parser.add_argument("--json", metavar="FILE", help="writes every value there")
    return parser.parse_args()


def predict(options, file, hosts, ranks, rate):
    """The prediction of `plan`, with all processors as busy as they will be."""
    gigabits = HEADERS * bits_per_second(rate) / 1e9
    return run(mpirun(hosts * ranks, options.lockstep, "plan", file, "--nodes", hosts,
                      "--ranks-per-node", ranks, "--bandwidth", gigabits, "--latency", LATENCY,
                      "--up-to", hosts * ranks, "--json", options=["--oversubscribe"]))["asked"]


def measure(options, model, hosts, ranks, rate):
    """A step's seconds and the bytes that the first host sends."""
    result = run([
        ROOT / "scripts/with-hosts.sh", hosts, hosts * ranks, "--rate", rate, options.lockstep,
        "benchmark", "step", "--model", model, "--batch", BATCHES[model], "--shards",
        options.shards, "--windows", 3, "--seconds", 1, "--json"])
    return {"step": result["secondsPerStep"]["median"], "bytes": result["networkBytesPerStep"],
            "sharded": result["update"] == "sharded"}


def row(options, model, file, hosts, ranks, rate):
    """Predicts and measures in turn, and prints medians."""
    predicted, measured = [], []
    for _ in range(options.rounds):
        predicted.append(predict(options, file, hosts, ranks, rate))
        measured.append(measure(options, model, hosts, ranks, rate))
    median = statistics.median
    step = median(p["step"] for p in predicted)
    best = median(p["overlappedStep"] for p in predicted)
    real = median(m["step"] for m in measured)
    errors = [median(p[key] / m["step"] - 1 for p, m in zip(predicted, measured))
              for key in ("step", "overlappedStep")]
    print(f"| {model} | {rate} | {hosts} × {ranks} "
          f"| {1e3 * step:.1f} ({1e3 * median(p['compute'] for p in predicted):.1f} computing, "
          f"{1e3 * median(p['wire'] for p in predicted):.1f} sending) | {1e3 * best:.1f} "
          f"| {1e3 * real:.1f} | {100 * errors[0]:+.0f} % | {100 * errors[1]:+.0f} % "
          f"| {predicted[0]['wireBytes'] / 1e6:.2f}, {measured[0]['bytes'] / 1e6:.2f} |", flush=True)
    return {"model": model, "rate": rate, "hosts": hosts, "ranks": ranks, "predicted": predicted,
            "measured": measured}


def main():
    options = arguments()
    warn_of_load()
    print(f"{machine()}; {options.rounds} rounds\n\n"
          "| model | link | hosts × ranks | sum of the parts, ms | some hidden | measured "
          "| error of the sum | with some hidden | MB a step and direction: predicted, counted |\n"
          "|---|---|---|---|---|---|---|---|---|",
          flush=True)
    everything = []
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            file = configuration(model, folder, shards=options.shards)
            everything += [row(options, model, file, hosts, ranks, rate)
                           for rate in options.rates for hosts in options.hosts
                           for ranks in options.ranks]
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
