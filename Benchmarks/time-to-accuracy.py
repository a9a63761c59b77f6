#!/usr/bin/env python3
"""Measures what a user waits for: wall-clock time from the launch to an accuracy, with Lockstep and PyTorch.

  Benchmarks/setup.sh
  Benchmarks/time-to-accuracy.py --rounds 3
  Benchmarks/time-to-accuracy.py --tasks gpt --text tinyshakespeare.txt

`digits` trains Examples/digits-cnn.json until the test accuracy of an epoch reaches the goal, and PyTorch the
same network with the same hyperparameters. `gpt` trains the GPT of recipes.py, whose schedule ends after its
last step: its time is that to the validation loss of the end. Seconds begin when a program is started, so
that importing, making ranks and compiling count. A round has a seed, and runs each program once.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import recipes
from programs import (HERE, LOCKSTEP, PYTHON, ROOT, environment, finish, machine, mpirun, progress,
                      spread, warn_of_load)

FORMS = [("DDP, 2 ranks", 2, 1), ("1 process, 2 threads", 1, 2)]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=["digits", "gpt"], default=["digits"])
    parser.add_argument("--accuracy", type=float, default=97.5, help="of the test digits, percent")
    parser.add_argument("--text", type=Path, help="the GPT's text")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", choices=["eager", "channels-last", "compile"],
                        default=["eager", "channels-last"], help="PyTorch's forms")
    parser.add_argument("--python", default=PYTHON)
    parser.add_argument("--lockstep", default=LOCKSTEP, help="the program")
    parser.add_argument("--json", metavar="FILE", help="writes every result there")
    options = parser.parse_args()
    if "gpt" in options.tasks and not options.text:
        parser.error("the task gpt needs --text")
    return options


def timed(command, read, limit=1800):
    """Seconds from the launch to the first line of which `read` says that it is the goal, or None.

    The program is ended there: what it would do then is not measured.
    """
    start = time.perf_counter()
    program = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(), start_new_session=True)
    best, seconds = None, None
    try:
        for line in program.stdout:
            value = read(line)
            if value is None:
                continue
            best = value if best is None else max(best, value)
            if value >= read.goal:
                seconds = time.perf_counter() - start
                break
            if time.perf_counter() - start > limit:
                sys.exit(f"{' '.join(map(str, command))} took too long")
    finally:
        # However this ends, nothing of it goes on beside the next program.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGTERM)
        _, errors = program.communicate()
    if best is None:
        sys.exit(f"{' '.join(map(str, command))} evaluated nothing:\n{errors[-2000:]}")
    return {"seconds": seconds, "best": best}


class OurAccuracy:
    """Reads the evaluations that Lockstep prints."""

    def __init__(self, goal):
        self.goal = goal

    def __call__(self, line):
        found = re.search(r"epoch \d+, step \d+: test .*accuracy ([0-9.]+) %", line)
        return float(found[1]) if found else None


class TheirAccuracy:
    """Reads the epochs that peers/digits.py prints."""

    def __init__(self, goal):
        self.goal = goal

    def __call__(self, line):
        return 100 * json.loads(line)["accuracy"] if line.startswith("{") else None


def digits(options, seed, folder):
    """Results by program."""
    arrays = Path(folder) / "digits"
    if not arrays.exists():
        finish([options.python, ROOT / "scripts/digits-to-files.py", arrays])
    found = {"Lockstep, 2 ranks": timed(
        mpirun(2, options.lockstep, "train", ROOT / "Examples/digits-cnn.json", "--set",
               f"seed={seed}", "--run-directory", "none"), OurAccuracy(options.accuracy))}
    for name, processes, threads in FORMS:
        for variant in options.variants:
            found[f"PyTorch, {name}, {variant}"] = timed(
                [options.python, HERE / "peers/digits.py", "--digits", arrays / "arrays", "--seed",
                 seed, "--processes", processes, "--threads", threads, "--variant", variant],
                TheirAccuracy(options.accuracy))
    return found


def gpt(options, seed, folder):
    """Results by program: the end of the recipe, and its validation loss."""
    file = Path(folder) / "gpt.json"
    file.write_text(json.dumps(recipes.configuration("gpt", options.text.resolve())))
    run_directory = Path(folder) / f"run-{seed}"

    def whole(command):
        start = time.perf_counter()
        output = finish(command, limit=1800)
        return time.perf_counter() - start, output

    seconds, _ = whole(mpirun(
        2, options.lockstep, "train", file, "--set", f"seed={seed}", "--run-directory",
        run_directory))
    loss = recipes.lines(run_directory / "evaluations.jsonl")[-1]["loss"]
    found = {"Lockstep, 2 ranks": {"seconds": seconds, "best": loss}}
    for name, processes, threads in FORMS:
        for variant in options.variants:
            if variant == "channels-last":
                continue
            seconds, output = whole(
                [options.python, HERE / "peers/recipe.py", "--text", options.text, "--recipe", "gpt",
                 "--seed", seed, "--processes", processes, "--threads", threads, "--variant",
                 variant])
            loss = json.loads(output.strip().splitlines()[-1])["validationLoss"]
            found[f"PyTorch, {name}, {variant}"] = {"seconds": seconds, "best": loss}
    return found


def best(found):
    """The least seconds of PyTorch's forms that reached the goal, or None."""
    return min((result["seconds"] for name, result in found.items()
                if name.startswith("PyTorch") and result["seconds"]), default=None)


def table(task, rounds, options):
    goal = (f"seconds to {options.accuracy} %" if task == "digits"
            else "seconds to the recipe's end")
    end = "best accuracy until then" if task == "digits" else "validation loss"
    print(f"\n| {task} | {goal}, a round | {end} |\n|---|---|---|")
    for name in rounds[0]:
        seconds = ", ".join(
            f"{r[name]['seconds']:.1f}" if r[name]["seconds"] else "not reached" for r in rounds)
        reached = ", ".join(f"{r[name]['best']:.4g}" for r in rounds)
        print(f"| {name} | {seconds} | {reached} |")
    shares = [r["Lockstep, 2 ranks"]["seconds"] / best(r) for r in rounds
              if r["Lockstep, 2 ranks"]["seconds"] and best(r)]
    if shares:
        print(f"\n{spread(shares)} of the time of PyTorch's best form, {len(shares)} of "
              f"{len(rounds)} rounds, median [smallest, largest]")


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    warn_of_load()
    print(machine())
    everything = {"machine": machine(), "tasks": {}}
    with tempfile.TemporaryDirectory() as folder:
        for task in options.tasks:
            rounds = []
            for seed in range(1, options.rounds + 1):
                rounds.append({"digits": digits, "gpt": gpt}[task](options, seed, folder))
                for name, result in rounds[-1].items():
                    took = result["seconds"] and round(result["seconds"], 1)
                    progress(f"{task}, seed {seed}, {name}: {took} s, {result['best']:.4g}")
            everything["tasks"][task] = rounds
            table(task, rounds, options)
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
