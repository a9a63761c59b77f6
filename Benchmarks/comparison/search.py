"""The search: trials of each method, and the winners with further seeds."""

import json
import math
import resource
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from programs import environment, progress

from .methods import extension

SEED = 1
FURTHER_SEEDS = (2, 3)
# The steps of two runs, from whose difference the time of a step comes. It is a multiple of the steps from one
# set of bases to the next.
SPAN = (21, 101)


class Search:
    """Runs `lockstep` and writes what it finds to `results`."""

    def __init__(self, program, launch, folder, results):
        self.program = program
        self.launch = launch
        self.folder = Path(folder)
        self.results = results

    def call(self, *arguments, limit=600):
        command = [*self.launch, "timeout", str(limit), self.program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment())

    def call_json(self, *arguments):
        done = self.call(*arguments)
        if done.returncode:
            raise SystemExit(f"lockstep {' '.join(map(str, arguments))}: {done.stderr}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def place(self, task, method):
        """The folder of a method's runs."""
        return self.folder / task.name / method.name

    def train(self, task, method, rate, change, seed, name, **more):
        """Trains; returns the run's directory, and why it ended early where it did."""
        directory = self.place(task, method) / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.parent.mkdir(parents=True, exist_ok=True)
        file = directory.parent / f"{name}.json"
        file.write_text(json.dumps({
            **task.configuration(self.folder), **method.configuration(task, rate, change),
            "seed": seed, **more}))
        done = self.call("train", file, "--quiet", "--run-directory", directory)
        file.unlink()
        if done.returncode not in (0, 1):
            raise SystemExit(f"{task.name} {method.name}: {done.stderr}")
        return directory, None if done.returncode == 0 else done.stderr.strip()[-400:]

    def trial(self, task, method, rate, change):
        """The trial of a setting; its run is kept for the winner's curve."""
        keys = {"task": task.name, "method": method.name, "rate": rate, "change": change}
        if known := self.results.find("trials", **keys):
            return known
        number = len(self.results.all("trials", task=task.name, method=method.name)) + 1
        name = f"trial-{number}"
        directory, failure = self.train(task, method, rate, change, SEED, name)
        entry = {**keys, "seed": SEED, "run": name}
        if failure:
            entry |= {"failure": failure, "steps": len(lines(directory / "metrics.jsonl"))}
        else:
            entry |= {"validationLoss": lines(directory / "evaluations.jsonl")[-1]["loss"],
                      "clippedSteps": clipped_share(directory)}
        progress(f"{task.name} {method.name} {rate} {change or ''}: "
                 f"{entry.get('validationLoss', failure)}")
        return self.results.add("trials", entry)

    def tune(self, task, method):
        """At most six trials, of the baseline eleven; the best one of them."""
        rates, changes = method.rates_for(task), method.changes_for(task)
        early = ({}, *changes) if method.has_full_grid else ({},)
        trials = [self.trial(task, method, rate, change) for rate in rates for change in early]
        best = min(trials, key=loss_of)
        beyond = extension(rates, best["rate"])
        if beyond is not None:
            trials.append(self.trial(task, method, beyond, best["change"]))
        best = min(trials, key=loss_of)
        if not method.has_full_grid:
            trials += [self.trial(task, method, best["rate"], change) for change in changes]
        elif change := method.limit_beyond(task, best["change"]):
            trials.append(self.trial(task, method, best["rate"], change))
        return min(trials, key=loss_of)

    def final(self, task, method, best, seed):
        """The best setting with a seed: its curve, and the loss on what no search saw."""
        keys = {"task": task.name, "method": method.name, "rate": best["rate"],
                "change": best["change"], "seed": seed}
        if self.results.find("finals", **keys):
            return
        directory, failure = self.place(task, method) / best["run"], best.get("failure")
        if seed != SEED or not directory.exists():
            directory, failure = self.train(
                task, method, best["rate"], best["change"], seed, f"seed-{seed}")
        if failure:
            self.results.add("finals", {**keys, "failure": failure})
            return
        test = self.call_json("evaluate", directory, *task.test_options(self.folder), "--json")
        entry = {**keys, "curve": curve(task, directory),
                 "validationLoss": lines(directory / "evaluations.jsonl")[-1]["loss"],
                 "testLoss": test["loss"]}
        if "accuracy" in test:
            entry["testAccuracy"] = test["accuracy"]
        self.results.add("finals", entry)
        progress(f"{task.name} {method.name} seed {seed}: {entry['validationLoss']:.4f}, "
                 f"test {test['loss']:.4f}")

    def run(self, task, method):
        seeds = (SEED, *FURTHER_SEEDS)
        if len(self.results.all("finals", task=task.name, method=method.name)) == len(seeds):
            return
        best = self.tune(task, method)
        for seed in seeds:
            self.final(task, method, best, seed)
        shutil.rmtree(self.place(task, method), ignore_errors=True)

    def run_all(self, pairs, jobs):
        """All pairs of a task and a method, several at a time."""
        with ThreadPoolExecutor(jobs) as pool:
            for done in [pool.submit(self.run, *pair) for pair in pairs]:
                done.result()

    def measure(self, task, methods, rounds):
        """Seconds of processor time of a step of each method's best setting, in turns."""
        for number in range(rounds):
            for method in methods:
                known = self.results.content["seconds"].get(task.name, {}).get(method.name, [])
                best = self.results.find("finals", task=task.name, method=method.name)
                if len(known) > number or best is None:
                    continue
                short, long = (self.processor_time(task, method, best, steps) for steps in SPAN)
                seconds = (long - short) / (SPAN[1] - SPAN[0])
                self.results.add_seconds(task.name, method.name, round(seconds, 6))
                progress(f"{task.name} {method.name}: {1000 * seconds:.2f} ms")

    def processor_time(self, task, method, best, steps):
        """That of a whole run, with its start and its end."""
        def now():
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return used.ru_utime + used.ru_stime

        before = now()
        self.train(task, method, best["rate"], best["change"], SEED, "time", steps=steps,
                   evaluate={"everyEpochs": 1000000})
        return now() - before


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def curve(task, directory):
    """Steps and losses: of texts that of training, of digits that of the validation part.

    A run sees no part of a text twice, so that its training loss is one of text that it has not seen.
    """
    if not task.is_text:
        return [[line["step"], line["loss"]] for line in lines(directory / "evaluations.jsonl")]
    losses = [line["loss"] for line in lines(directory / "metrics.jsonl")]
    return [[end, sum(losses[end - task.every:end]) / task.every]
            for end in range(task.every, task.steps + 1, task.every)]


def loss_of(trial):
    loss = trial.get("validationLoss")
    return math.inf if loss is None or math.isnan(loss) else loss


def clipped_share(directory):
    """The share of the steps that were clipped."""
    steps = lines(directory / "metrics.jsonl")
    return round(sum(bool(step.get("clipped")) for step in steps) / len(steps), 3)
