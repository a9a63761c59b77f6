"""Norm, clip, Adam and max-norm against memory and against PyTorch."""

from programs import HERE, mpirun, progress, run
from rows.row import Row


def rows(options):
    for cores in (1, 2):
        shares, ratios, winners = [], [], set()
        for number in range(options.rounds):
            ours = run(mpirun(cores, options.lockstep, "benchmark", "update", "--json"))
            theirs = run([options.python, HERE / "peers/update.py", "--threads", cores],
                         OMP_NUM_THREADS=str(cores))
            form, best = min(theirs["seconds"].items(), key=lambda item: item[1]["median"])
            winners.add(form)
            shares.append(100 * ours["shareOfStream"]["median"])
            ratios.append(best["median"] / ours["update"]["median"])
            progress(f"round {number + 1}: update on {cores} cores: {shares[-1]:.0f} % of the "
                     f"bound, {ratios[-1]:.2f}x PyTorch ({form})")
        ranks = f"{cores} rank{'s'[:cores - 1]}"
        size = f"{ours['parameters'] / 1e6:.1f} M parameters"
        work = f"norm, clip, Adam, max-norm, {size}, {ranks}"
        yield Row(f"{work}, of the streaming bound", shares, 80, " %", digits=0)
        yield Row(f"{work}, against PyTorch with {cores} thread{'s'[:cores - 1]}", ratios, 1.5,
                  note=f"the best: {' or '.join(sorted(winners))}")
