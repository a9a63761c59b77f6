"""Running programs with a deadline, and what is known of the machine that they run on."""

import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PYTHON = str(HERE / ".venv/bin/python")
LOCKSTEP = str(ROOT / ".build/release/lockstep")


def environment(**more):
    """This environment, with mpirun allowed to root where we are root."""
    allowed = {} if os.geteuid() else {
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {**os.environ, **allowed, **more}


def finish(command, limit=300, **more):
    """Runs a program to its end and returns what it printed; a failure ends this program."""
    # TERM first, so that what makes hosts removes them.
    limited = ["timeout", "--signal=TERM", "--kill-after=20", str(limit), *map(str, command)]
    result = subprocess.run(limited, capture_output=True, text=True, env=environment(**more))
    if result.returncode:
        why = "took too long" if result.returncode in (124, 137) else "failed"
        sys.exit(f"{shlex.join(limited[4:])} {why} ({result.returncode}):\n"
                 f"{result.stderr[-2000:]}")
    return result.stdout


def run(command, limit=300, **more):
    """The last line of a program's output that is a JSON object."""
    output = finish(command, limit, **more)
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    sys.exit(f"{shlex.join(map(str, command))} printed no result:\n{output[-2000:]}")


def mpirun(ranks, *command, options=()):
    return ["mpirun", "-n", str(ranks), *options, *map(str, command)]


def machine():
    name = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            name = line.split(":", 1)[1].strip()
            break
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def warn_of_load():
    """Says so where other programs are at work."""
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: the load is {load:.1f} before anything was started: figures suffer",
              file=sys.stderr)


class Neighbours:
    """How much of the processors' time others take, beside this program and those it has ended."""

    def __init__(self):
        self.before = self.reading()
        self.last = 0

    @staticmethod
    def reading():
        own = sum(os.times()[:4])
        user, nice, system, idle, wait, *others = map(
            int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
        busy = user + nice + system + sum(others)
        tick = os.sysconf("SC_CLK_TCK")
        return own, busy / tick, (busy + idle + wait) / tick

    def percentage(self):
        """The percentage since this was asked last, or then, where that is no second ago."""
        after = self.reading()
        own, busy, time = (b - a for a, b in zip(self.before, after))
        if time >= os.cpu_count():
            self.before, self.last = after, max(100 * (busy - own) / time, 0)
        return self.last


def spread(values, digits=2, unit=""):
    """The median and, in brackets, the smallest and the largest."""
    return (f"{statistics.median(values):.{digits}f}{unit} "
            f"[{min(values):.{digits}f}, {max(values):.{digits}f}]")


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)
