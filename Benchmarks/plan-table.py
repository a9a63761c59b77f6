#!/usr/bin/env python3
"""Predicts steps to 4,096 ranks, and where sending, sharding and factors win or lose.

  Benchmarks/plan-table.py                # prints tables in Markdown
  Benchmarks/plan-table.py --write FILE   # writes them there, between two marks

Every number is `lockstep plan`'s. It measures the parts of each model's step on this machine, all
of whose processors have a rank: that is a node. The batch grows with the ranks: each rank keeps as
many examples as two ranks have of the benchmark's batch. Both networks are assumed; nothing was run
on more than one machine.
"""

import argparse
import datetime
import os
import sys
import tempfile
from pathlib import Path

from planned import BATCHES, configuration
from programs import LOCKSTEP, machine, mpirun, progress, run, warn_of_load

SHOWN = [1, 2, 4, 16, 64, 256, 1024, 4096]
NAMES = {"mlp": "MLP 784-1024-1024-10", "resnet20": "ResNet-20", "lstm": "LSTM 128→512",
         "gpt": "GPT 4 × 128"}
QUESTIONS = {
    "sendingOverComputing": "sending takes longer than computing",
    "latencyOverBytes": "most of sending is latency",
    "sharded": "a sharded update is quicker",
    "replicated": "a replicated update is quicker",
    "factors": "factors are quicker than gradients",
}
BEGIN, END = "<!-- plan-table -->", "<!-- end -->"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(NAMES), choices=list(NAMES))
    parser.add_argument("--gigabits", nargs="+", type=float, default=[10, 100])
    parser.add_argument("--latency", type=float, default=5, help="in microseconds")
    parser.add_argument("--up-to", type=int, default=4096)
    parser.add_argument("--lockstep", default=LOCKSTEP)
    parser.add_argument("--write", metavar="FILE", help="writes the tables between its marks")
    return parser.parse_args()


def predict(options, model, gigabits, folder):
    ranks = os.cpu_count()
    batch = BATCHES[model]
    file = configuration(model, folder, batch, shards=max(batch // 32, ranks))
    plan = run(mpirun(ranks, options.lockstep, "plan", file, "--nodes", 1, "--ranks-per-node",
                      ranks, "--bandwidth", gigabits, "--latency", options.latency, "--up-to",
                      options.up_to, "--json", options=["--bind-to", "core"]))
    progress(f"{model}, {gigabits:g} Gbit/s")
    return plan


def row(model, gigabits, plan):
    rows = {one["ranks"]: one for one in plan["growingBatch"]}
    cells = [f"{1e3 * rows[n]['step']:.1f} ({100 * rows[n]['efficiency']:.0f} %)" if n in rows
             else "" for n in SHOWN]
    return f"| {NAMES[model]} | {gigabits:g} | {' | '.join(cells)} |"


def ranges(answer):
    if not answer:
        return "never"
    return ", ".join(f"{first:,}" if first == last else f"{first:,} to {last:,}"
                     for first, last in answer)


def tables(options):
    with tempfile.TemporaryDirectory() as folder:
        plans = {(model, gigabits): predict(options, model, gigabits, folder)
                 for model in options.models for gigabits in options.gigabits}
    lines = [
        f"Parts measured on {machine()}, {datetime.date.today().isoformat()}; "
        f"{os.cpu_count()} ranks a node, {options.latency:g} µs.", "",
        "A step in ms, and the efficiency against as many single ranks:", "",
        f"| model | Gbit/s | {' | '.join(f'{n:,}' for n in SHOWN)} |",
        "|---|---|" + "---|" * len(SHOWN)]
    lines += [row(*key, plan) for key, plan in plans.items()]
    lines += ["", "Of 1, 2, 4, … ranks, those for which it holds:", "",
              "| model | Gbit/s | " + " | ".join(QUESTIONS.values()) + " |",
              "|---|---|" + "---|" * len(QUESTIONS)]
    for (model, gigabits), plan in plans.items():
        answers = plan["crossovers"]["growingBatch"]
        cells = " | ".join(ranges(answers[key]) for key in QUESTIONS)
        lines.append(f"| {NAMES[model]} | {gigabits:g} | {cells} |")
    return "\n".join(lines)


def main():
    options = arguments()
    warn_of_load()
    text = tables(options)
    if not options.write:
        return print(text)
    file = Path(options.write)
    before, mark, rest = file.read_text().partition(BEGIN)
    if not mark or END not in rest:
        sys.exit(f"{file} has no {BEGIN} … {END}")
    file.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
