#!/usr/bin/env python3
"""Compares clips, optimizers and constraints, each tuned with one budget, with AdamW and a clip.

  Benchmarks/clipping.py search --text tinyshakespeare.txt --jobs 2
  Benchmarks/clipping.py measure --text tinyshakespeare.txt
  Benchmarks/clipping.py report

`search` tries at most six settings of each method, by the loss on the validation part, and trains the best
one with two further seeds. It goes on where it was ended. `measure` takes the processor time of a step,
one method after the other in turns. `report` prints tables, puts them into the page and
draws plots, from the results alone. What was found: docs/comparing-methods.md.
"""

import argparse
import re
import shlex
import sys
from pathlib import Path

from comparison.methods import METHODS
from comparison.plots import plot
from comparison.results import Results
from comparison.search import Search
from comparison.tables import table, tried
from comparison.tasks import TASKS, cut
from programs import LOCKSTEP, ROOT, machine, warn_of_load


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["search", "measure", "report"])
    parser.add_argument("--text", type=Path, help="the text of the character models, in UTF-8")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--results", type=Path, default=ROOT / "docs/comparing-methods.json")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/comparing-methods",
                        help="where runs lie while they are needed")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, one rank each")
    parser.add_argument("--launch", default="", help="a command in front of each lockstep")
    parser.add_argument("--rounds", type=int, default=3, help="of `measure`")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/comparing-methods.md",
                        help="the page whose tables `report` replaces; plots go beside it")
    parser.add_argument("--lockstep", default=LOCKSTEP, help="the program")
    return parser.parse_args()


def report(options, results):
    page = options.page.read_text()
    for task in options.tasks:
        if not results.all("finals", task=task):
            continue
        found = table(TASKS[task], results)
        print(f"\n## {TASKS[task].title}, {TASKS[task].steps} steps\n\n{found}\n\n"
              f"{tried(TASKS[task], results)}")
        page = re.sub(f"(<!-- table: {task} -->\n).*?(<!-- end -->)",
                      lambda match: f"{match[1]}{found}\n{match[2]}", page, flags=re.S)
        picture = options.page.with_name(f"{options.page.stem}-{task}.svg")
        picture.write_text(plot(TASKS[task], results))
    options.page.write_text(page)


def main():
    options = arguments()
    results = Results(options.results)
    if options.what == "report":
        return report(options, results)
    tasks = [TASKS[name] for name in options.tasks]
    if any(task.is_text for task in tasks):
        if options.text is None:
            sys.exit("clipping.py: --text is missing")
        cut(options.text, options.folder)
    search = Search(options.lockstep, shlex.split(options.launch), options.folder.resolve(), results)
    methods = [METHODS[name] for name in options.methods]
    for task in tasks:
        results.describe(task, task.configuration(options.folder))
    fit = {task.name: [method for method in methods if not method.only or task.name in method.only]
           for task in tasks}
    if options.what == "search":
        search.run_all([(task, method) for method in methods for task in tasks
                        if method in fit[task.name]], options.jobs)
        return None
    warn_of_load()
    results.content["machine"] = machine().rsplit(",", 1)[0]
    for task in tasks:
        search.measure(task, fit[task.name], options.rounds)
    return None


if __name__ == "__main__":
    main()
