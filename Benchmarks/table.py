#!/usr/bin/env python3
"""Measures what Lockstep promises of its speed and memory and prints it as a table in Markdown.

  Benchmarks/setup.sh
  swift build -c release --build-tests
  Benchmarks/table.py                              # about an hour
  Benchmarks/table.py --only fold update --rounds 3

Whatever is compared is measured in turn within a round. A value is a ratio, or a difference, of one
round; a row shows the median of the rounds and, in brackets, the smallest and the largest. Where other programs
took more than 5 % of the processors' time meanwhile, the row says so: measure it again.
"""

import argparse
import json
import time
from pathlib import Path

from programs import LOCKSTEP, PYTHON, Neighbours, machine, progress, warn_of_load
from rows import (allocations, ceiling, fold, launch, links, memory, models, scaling, sharding,
                  update)
from rows.row import Row

FAMILIES = {
    "models": models, "scaling": scaling, "ceiling": ceiling, "update": update, "fold": fold,
    "sharding": sharding, "allocations": allocations, "memory": memory, "launch": launch,
    "links": links,
}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=FAMILIES, default=list(FAMILIES),
                        metavar="ROWS", help=f"some of {', '.join(FAMILIES)}")
    parser.add_argument("--rounds", type=int, default=5)
    models = ["mlp", "cnn", "resnet20", "lstm", "gpt", "gpt-wide"]
    parser.add_argument("--models", nargs="+", default=models,
                        help="the models of models, scaling and ceiling")
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"],
                        help="the precisions of models and ceiling")
    parser.add_argument("--python", default=PYTHON, help="a Python that has PyTorch")
    parser.add_argument("--lockstep", default=LOCKSTEP, help="the program")
    parser.add_argument("--json", metavar="FILE", help="writes every value there")
    return parser.parse_args()


def main():
    options = arguments()
    warn_of_load()
    print(f"{machine()}; {time.strftime('%Y-%m-%d')}; {options.rounds} rounds\n\n{Row.HEADER}",
          flush=True)
    everything = []
    for name in options.only:
        begin = time.perf_counter()
        neighbours = Neighbours()
        for row in FAMILIES[name].rows(options):
            disturbance = neighbours.percentage()
            if disturbance > 5:
                row.note += f"{'; ' * bool(row.note)}disturbed: others took {disturbance:.0f} %"
            print(row, flush=True)
            everything.append({
                "work": row.work, "goal": row.goal, "unit": row.unit.strip(),
                "values": row.values, "met": row.is_met, "conditions": row.note})
        progress(f"{name}: {time.perf_counter() - begin:.0f} s")
    if options.json:
        Path(options.json).write_text(
            json.dumps({"machine": machine(), "rows": everything}, indent=2) + "\n")


if __name__ == "__main__":
    main()
