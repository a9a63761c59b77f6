#!/usr/bin/env python3
"""Reads one table with Lockstep, pandas (C engine) and PyArrow in turn, and prints rates and memory.

  swift build -c release --product read-table
  Benchmarks/Tables/tables.py --rows 200000 --columns 100 --rounds 5

Each program runs by itself, once a round, and says how long the table took and how far its memory grew
at the most. In-memory size is 8 bytes a cell. `digits` of 6 are numbers like -1.234567; 17 are those that
Python prints for a double.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER = """
import json, resource, sys, time
kind, path = sys.argv[1:]
if kind.startswith("pandas"):
    import pandas
    read = lambda: pandas.read_csv(path, engine="c")
else:
    import pyarrow, pyarrow.csv
    pyarrow.set_cpu_count(2)
    options = pyarrow.csv.ReadOptions(use_threads=kind.endswith("2"))
    read = lambda: pyarrow.csv.read_csv(path, read_options=options)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before, start = peak(), time.monotonic()
table = read()
print(json.dumps({"seconds": time.monotonic() - start, "peak": peak() - before, "rows": len(table)}))
"""


def write(path, rows, columns, digits):
    generator = random.Random(1)
    with open(path, "w") as file:
        file.write(",".join(f"x{i}" for i in range(columns)) + "\n")
        form = (lambda v: f"{v:.6f}") if digits == 6 else repr
        for _ in range(rows):
            file.write(",".join(form(generator.gauss(0, 1)) for _ in range(columns)) + "\n")


def run(command):
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    if result.returncode:
        sys.exit(f"{command[0]}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--digits", type=int, choices=[6, 17], default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", default=str(ROOT / ".build/release/read-table"))
    parser.add_argument("--python", default=sys.executable)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table.csv"
        write(path, arguments.rows, arguments.columns, arguments.digits)
        size, memory = os.path.getsize(path), 8 * arguments.rows * arguments.columns
        programs = {"Lockstep": [arguments.program, path]}
        for kind in ["pandas", "PyArrow, 1 thread", "PyArrow, 2 threads"]:
            key = "pandas" if kind == "pandas" else f"pyarrow {kind.split()[1]}"
            programs[kind] = [arguments.python, "-c", PEER, key, path]
        found = {name: [] for name in programs}
        for _ in range(arguments.rounds):
            for name, command in programs.items():
                found[name].append(run(command))
    print(f"{arguments.rows} rows x {arguments.columns} columns, {size / 1e6:.0f} MB of text, "
          f"{memory / 1e6:.0f} MB in memory, {arguments.rounds} rounds\n")
    print("| reader | MB/s: median (least to most) | peak memory / in-memory size |\n|---|---|---|")
    for name, rounds in found.items():
        rates = sorted(size / 1e6 / r["seconds"] for r in rounds)
        peak = statistics.median(r["peak"] for r in rounds) / memory
        print(f"| {name} | {statistics.median(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f}) | {peak:.2f} |")


if __name__ == "__main__":
    main()
