"""Weak scaling: 2 ranks together against 2 ranks each for itself."""

from programs import mpirun, progress, run
from rows.row import Row


def rows(options):
    for model in options.models:
        values = []
        for number in range(options.rounds):
            result = run(mpirun(2, options.lockstep, "benchmark", "scaling", "--model", model,
                                "--windows", 7, "--json"))
            values.append(100 * result["efficiency"]["median"])
            progress(f"round {number + 1}: scaling of {model}: {values[-1]:.1f} %")
        yield Row(f"{model}, batch 64 a rank, 2 ranks, of two ranks each for itself", values, 98,
                  " %", digits=0, note=f"L = {result['shards']}")
