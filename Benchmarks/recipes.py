#!/usr/bin/env python3
"""Trains known recipes on a text with Lockstep and with PyTorch: losses, seconds, fingerprints.

  Benchmarks/recipes.py --text tinyshakespeare.txt
  Benchmarks/recipes.py --text tinyshakespeare.txt --recipes gpt --seeds 1 2

`gpt` is nanoGPT's recipe for CPUs, whose author gives a validation loss of 1.88 after 2,000 steps; `lstm` is
a character LSTM. The text is Karpathy's tinyshakespeare, or another one with 65 different characters.
Each program trains once a seed on 2 ranks. Then Lockstep trains some steps on 1, 2, 3 and 4 ranks, whose
fingerprints must be one.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from programs import HERE, LOCKSTEP, PYTHON, finish, machine, mpirun, progress, run, warn_of_load


def configuration(recipe, text):
    """Lockstep's configuration of a recipe; peers/recipe.py has the same numbers."""
    common = {
        "data": {"type": "text", "file": str(text), "window": 64, "testFraction": 0.1,
                 "starts": "everyPosition"},
        "loss": {"type": "softmaxCrossEntropy"}, "epochs": 1, "steps": 2000, "shards": 4,
        "clip": {"type": "globalNorm", "limit": 1},
        # Nothing but the end is evaluated and saved.
        "checkpoint": {"everySteps": 1000000},
    }
    if recipe == "gpt":
        return common | {
            "model": {"type": "gpt", "vocabulary": 65, "context": 64, "width": 128, "layers": 4,
                      "heads": 4, "bias": False},
            "batchSize": 12,
            "optimizer": {
                "type": "adamW", "learningRate": 1e-3, "beta2": 0.99, "weightDecay": 0.1,
                "schedule": {"type": "cosine", "minimum": 1e-4, "warmupSteps": 100},
                "groups": [{"pattern": "*ln_*", "weightDecayFactor": 0}]},
        }
    return common | {
        "model": {"type": "characterLSTM", "vocabulary": 65, "embedding": 128, "hidden": 512,
                  "layers": 1},
        "batchSize": 32,
        "optimizer": {"type": "adam", "learningRate": 2e-3,
                      "schedule": {"type": "cosine", "warmupSteps": 20}},
    }


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", required=True, type=Path)
    parser.add_argument("--recipes", nargs="+", choices=["gpt", "lstm"], default=["gpt", "lstm"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--fingerprint-steps", type=int, default=50)
    parser.add_argument("--variants", nargs="+", choices=["eager", "compile"], default=["eager"],
                        help="PyTorch's forms")
    parser.add_argument("--python", default=PYTHON)
    parser.add_argument("--lockstep", default=LOCKSTEP, help="the program")
    parser.add_argument("--json", metavar="FILE", help="writes every result there")
    return parser.parse_args()


def train(options, file, ranks, steps, seed, folder):
    """A run of Lockstep: its fingerprint and its folder."""
    output = finish(
        mpirun(ranks, options.lockstep, "train", file, "--set", f"steps={steps}", "--set",
               f"seed={seed}", "--run-directory", folder, options=["--oversubscribe"]), limit=3600)
    fingerprint = output.strip().splitlines()[-1].split()[-1]
    return fingerprint, Path(folder)


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def ours(options, file, seed):
    with tempfile.TemporaryDirectory() as folder:
        _, run_directory = train(options, file, 2, options.steps, seed, f"{folder}/run")
        steps = lines(run_directory / "metrics.jsonl")
        last = lines(run_directory / "evaluations.jsonl")[-1]
        seconds = sum(step["examples"] / step["examplesPerSecond"] for step in steps)
        return {"seconds": seconds, "validationLoss": last["loss"]}


def theirs(options, recipe, seed):
    """The results of all of PyTorch's forms."""
    return {
        f"PyTorch, {name}, {variant}": run(
            [options.python, HERE / "peers/recipe.py", "--text", options.text, "--recipe", recipe,
             "--steps", options.steps, "--seed", seed, "--processes", processes, "--threads",
             threads, "--variant", variant], limit=3600)
        for variant in options.variants
        for name, processes, threads in [("2 ranks", 2, 1), ("2 threads", 1, 2)]}


def fingerprints(options, file):
    """Those of 1, 2, 3 and 4 ranks."""
    found = {}
    for ranks in (1, 2, 3, 4):
        with tempfile.TemporaryDirectory() as folder:
            found[ranks], _ = train(
                options, file, ranks, options.fingerprint_steps, 1, f"{folder}/run")
        progress(f"{ranks} ranks: {found[ranks]}")
    return found


def measure(options, recipe, folder):
    file = Path(folder) / f"{recipe}.json"
    file.write_text(json.dumps(configuration(recipe, options.text.resolve())))
    results = {}
    for seed in options.seeds:
        for name, result in {"Lockstep, 2 ranks": ours(options, file, seed),
                             **theirs(options, recipe, seed)}.items():
            results.setdefault(name, []).append(result)
            progress(f"{recipe}, seed {seed}, {name}: validation loss "
                     f"{result['validationLoss']:.4f} in {result['seconds']:.1f} s")
    return results, fingerprints(options, file)


def table(recipe, results, found, options):
    print(f"\n| {recipe}, {options.steps} steps | validation loss a seed | seconds |")
    print("|---|---|---|")
    for name, runs in results.items():
        losses = ", ".join(f"{one['validationLoss']:.3f}" for one in runs)
        seconds = statistics.median(one["seconds"] for one in runs)
        print(f"| {name} | {losses} | {seconds:.0f} |")
    same = "one fingerprint" if len(set(found.values())) == 1 else "DIFFERENT FINGERPRINTS"
    print(f"\n{same} on {', '.join(map(str, found))} ranks after {options.fingerprint_steps} steps")


def main():
    options = arguments()
    warn_of_load()
    print(machine())
    everything = {"machine": machine(), "recipes": {}}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for recipe in options.recipes:
            results, found = measure(options, recipe, folder)
            everything["recipes"][recipe] = {"results": results, "fingerprints": found}
            table(recipe, results, found, options)
            failed |= len(set(found.values())) != 1
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=2) + "\n")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
