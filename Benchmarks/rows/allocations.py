"""Heap allocations of Lockstep's own code in steady steps."""

import re

from programs import ROOT, finish, mpirun, progress
from rows.row import Row

PROGRAM = ROOT / ".build/release/allocation-checks"


def rows(options):
    if not PROGRAM.exists():
        progress("allocations: skipped: swift build -c release --build-tests makes the program")
        return
    values = []
    for number in range(options.rounds):
        output = finish(mpirun(2, PROGRAM, "steps=1000", "update=sharded"))
        counts = [int(count) for count in re.findall(r"own (\d+)", output)]
        values.append(sum(counts) / 100)
        progress(f"round {number + 1}: {values[-1]} allocations a step")
    yield Row("heap allocations of our code, a step", values, 0, "", at_least=False, digits=0,
              note="counted over 100 steps on 2 ranks")
