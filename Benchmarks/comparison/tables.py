"""What a comparison came to, in Markdown."""

import json
import statistics

from .methods import BASELINE, METHODS
from .search import FURTHER_SEEDS, SEED, loss_of


class Summary:
    """What one method came to in one task, over the seeds."""

    def __init__(self, task, method, results):
        self.method = method
        self.task = task
        finals = results.all("finals", task=task.name, method=method.name)
        self.seeds = len(finals)
        healthy = [final for final in finals if "curve" in final]
        self.failed = len(finals) - len(healthy)
        self.setting = (finals[0]["rate"], finals[0]["change"]) if finals else None
        self.losses = [final["validationLoss"] for final in healthy]
        self.tests = [final["testLoss"] for final in healthy]
        self.accuracies = [final["testAccuracy"] for final in healthy if "testAccuracy" in final]
        self.points = [[step, *(final["curve"][index][1] for final in healthy)]
                       for index, (step, _) in enumerate(healthy[0]["curve"])] if healthy else []
        times = results.content["seconds"].get(task.name, {}).get(method.name)
        self.seconds = statistics.median(times) if times else None
        self.trials = results.all("trials", task=task.name, method=method.name)

    @property
    def mean(self):
        """The mean of the validation losses at the end; where a seed diverged, there is none."""
        if self.failed or not self.losses:
            return float("inf")
        return statistics.mean(self.losses)

    def curve(self):
        """Steps and the mean of the seeds."""
        return [(step, statistics.mean(losses)) for step, *losses in self.points]

    def steps_to(self, target):
        """The step at which the mean curve is at `target`, on straight lines between its points."""
        before = None
        for step, loss in self.curve():
            if loss <= target:
                if before is None or loss == target:
                    return step
                share = (before[1] - target) / (before[1] - loss)
                return before[0] + share * (step - before[0])
            before = (step, loss)
        return None


def summaries(task, results):
    """Of all methods that were trained with all seeds, the best first."""
    found = [Summary(task, method, results) for method in METHODS.values()
             if not method.only or task.name in method.only]
    seeds = len(FURTHER_SEEDS) + 1
    return sorted((one for one in found if one.seeds == seeds), key=lambda one: one.mean)


def setting(summary):
    """The best setting, in the words of a configuration."""
    rate, change = summary.setting
    clip = summary.method.configuration(summary.task, rate, change).get("clip", {})
    parts = {summary.method.rate_key: rate, **change}
    parts |= {f"clip.{key}": value for key, value in clip.items() if key != "type"}
    return ", ".join(f"`{path.split('.')[-1]}` {value}" for path, value in parts.items())


def mean_and_range(values, digits):
    return (f"{statistics.mean(values):.{digits}f} [{min(values):.{digits}f}, "
            f"{max(values):.{digits}f}]")


def row(summary, target, is_text):
    cells = [summary.method.title, setting(summary)]
    if summary.failed or not summary.losses:
        cells += [f"diverged with {summary.failed} of {summary.seeds} seeds"]
        return cells + [""] * (5 if not is_text else 4)
    digits = 3 if is_text else 4
    cells += [mean_and_range(summary.losses, digits), f"{statistics.mean(summary.tests):.{digits}f}"]
    if not is_text:
        cells.append(f"{100 * statistics.mean(summary.accuracies):.1f} %")
    steps, seconds = summary.steps_to(target), summary.seconds
    cells.append("never" if steps is None else f"{steps:.0f}")
    cells.append("" if seconds is None else "never" if steps is None else f"{steps * seconds:.1f}")
    return cells + ["" if seconds is None else f"{1000 * seconds:.1f}"]


def table(task, results):
    """The table of a task."""
    found = summaries(task, results)
    target = next(one for one in found if one.method.name == BASELINE).curve()[-1][1]
    seeds = len(FURTHER_SEEDS) + 1
    head = ["method", "best setting", f"validation loss, {seeds} seeds", "test loss"]
    if not task.is_text:
        head.append("test accuracy")
    head += ["steps to the baseline's loss", "seconds to it", "milliseconds a step"]
    rows = [head, ["---"] * len(head)] + [row(one, target, task.is_text) for one in found]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def tried(task, results):
    """All trials of a task, a line a method: the loss of each setting, with the seed of the search."""
    head = f"| method | validation loss of each trial, seed {SEED} |\n|---|---|"
    rows = []
    for one in summaries(task, results):
        cells = []
        for trial in one.trials:
            name = " ".join(f"{path.split('.')[-1]} {json.dumps(value)}"
                            for path, value in trial["change"].items())
            loss = loss_of(trial)
            shown = "diverged" if "failure" in trial else f"{loss:.3f}"
            cells.append(f"{trial['rate']:g}{', ' + name if name else ''}: {shown}")
        rows.append(f"| {one.method.title} | {'; '.join(cells)} |")
    return "\n".join([head, *rows])
