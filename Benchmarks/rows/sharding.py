"""A sharded update against a replicated one."""

from programs import mpirun, progress, run
from rows.row import Row


def rows(options):
    for model in ("mlp", "wide"):
        ratios, memory = [], []
        for number in range(options.rounds):
            results = {
                update: run(mpirun(2, options.lockstep, "benchmark", "step", "--model", model,
                                   "--update", update, "--windows", 5, "--json"))
                for update in ("replicated", "sharded")}
            replicated, sharded = results["replicated"], results["sharded"]
            ratios.append(sharded["examplesPerSecond"] / replicated["examplesPerSecond"])
            memory.append(sharded["optimizerBytes"] / replicated["optimizerBytes"])
            progress(f"round {number + 1}: sharding of {model}: {ratios[-1]:.2f}x as fast")
        note = f"L = {sharded['shards']}"
        yield Row(f"{model}, sharded update against replicated, 2 ranks", ratios, 1.0, note=note)
        yield Row(f"{model}, the same, the optimizer's memory a rank", memory, 0.51,
                  at_least=False, note=f"{sharded['optimizerBytes'] / 1e6:.0f} MB")
