"""Passes over their bare primitives, and steps over these and what memory needs."""

from programs import mpirun, progress, run
from rows.row import Row


def rows(options):
    for model in options.models:
        for precision in options.precisions:
            yield measure(
                options, f"{model}, {precision}, forward and backward over bare primitives",
                [options.lockstep, "benchmark", "kernels", "--model", model, "--precision",
                 precision, "--json"],
                lambda result: result["ratio"], "a shard of 32 examples, cold operands")
        for ranks in (1, 2):
            yield measure(
                options,
                f"{model}, whole step over primitives and streams, {ranks} rank{'s'[:ranks - 1]}",
                mpirun(ranks, options.lockstep, "benchmark", "ceiling", "--model", model,
                       "--windows", 5, "--json"),
                lambda result: result["ratio"]["median"], "batch 128, L = 4")


def measure(options, work, command, value, note):
    values = []
    for number in range(options.rounds):
        values.append(value(run(command)))
        progress(f"round {number + 1}: {work}: {values[-1]:.2f}")
    return Row(work, values, 1.15, "", at_least=False, note=note)
