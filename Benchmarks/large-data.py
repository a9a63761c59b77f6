#!/usr/bin/env python3
"""Trains on data in memory, on the same data in its file, and on a file larger than memory.

  large-data.py [--program PATH] [--gigabytes 8] [--rounds 5] [--ranks N] [--directory DIR] [--sizes 256,10]

Writes a file of random images of 3 × 32 × 32 bytes and removes it in the end. The small part, 180 MB, is trained
on in memory and from its file, in turn, so that what else the machine does meets both; the whole file is
trained on from the file. Prints the medians of the rates and the largest memory of a process. The file has
just been written, so that the page cache holds it where memory is large enough.
"""
import argparse
import json
import os
import random
import re
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile

EXAMPLE = 3 * 32 * 32


def write(directory, name, count):
    block = random.Random(1).randbytes(EXAMPLE * 4096)
    with open(f"{directory}/{name}.bin", "wb") as file:
        left = count
        while left > 0:
            file.write(block[:EXAMPLE * min(left, 4096)])
            left -= 4096
    with open(f"{directory}/{name}-labels.idx", "wb") as file:
        file.write(struct.pack(">BBBBI", 0, 0, 8, 1, count) + bytes(n % 10 for n in range(count)))


def run(options, directory, name, storage, steps):
    """The rate and, in a process of its own, the largest memory."""
    configuration = {
        "data": {
            "type": "arrays", "inputs": f"{name}.bin", "labels": f"{name}-labels.idx", "shape": [3, 32, 32],
            "element": "uint8", "storage": storage,
        },
        "model": {"type": "mlp", "sizes": [int(size) for size in options.sizes.split(",")]},
        "batchSize": 256, "shards": 4, "epochs": 100, "steps": steps, "seed": 1,
        "optimizer": {"type": "sgd", "learningRate": 1e-4},
    }
    path = f"{directory}/config.json"
    with open(path, "w") as file:
        json.dump(configuration, file)
    words = [options.program, "train", path, "--run-directory", "none"]
    if options.ranks > 1:
        words = ["mpirun", "-n", str(options.ranks)] + words
    child = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "print(done.stdout, done.stderr)\n"
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n")
    text = subprocess.run([sys.executable, "-c", child] + words, capture_output=True, text=True).stdout
    rate = re.search(r"([0-9]+) examples/s in steps", text)
    fingerprint = re.search(r"fingerprint ([0-9a-f]+)", text)
    if not rate or not fingerprint:
        sys.exit(text)
    return int(rate[1]), int(re.search(r"peak (\d+)", text)[1]), fingerprint[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", default=".build/release/lockstep")
    parser.add_argument("--gigabytes", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--directory", default=None)
    parser.add_argument("--sizes", default="256,10")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    directory = tempfile.mkdtemp(prefix="lockstep-large-", dir=options.directory)
    try:
        write(directory, "small", 60_000)
        write(directory, "large", int(options.gigabytes * 2**30) // EXAMPLE)
        cases = [("small", "memory"), ("small", "files"), ("large", "files")]
        results = {case: [] for case in cases}
        for _ in range(options.rounds):
            for case in cases:
                results[case].append(run(options, directory, *case, options.steps))
        assert len({r[2] for case in cases[:2] for r in results[case]}) == 1, "other weights"
        base = statistics.median(r[0] for r in results[cases[0]])
        print("| data | examples/s | of memory's rate | peak memory |\n|---|---|---|---|")
        for case in cases:
            rates = [r[0] for r in results[case]]
            rate = statistics.median(rates)
            size = os.path.getsize(f"{directory}/{case[0]}.bin") / 2**30
            print(
                f"| {size:.2f} GiB, {case[1]} | {rate:.0f} ({min(rates)}…{max(rates)}) | {100 * rate / base:.0f} % "
                f"| {max(r[1] for r in results[case])} MB |")
    finally:
        shutil.rmtree(directory)


main()
