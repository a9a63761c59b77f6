"""The fold against Open MPI's best MPI_Allreduce and against gloo."""

from programs import HERE, mpirun, progress, run
from rows.row import Row
from tunings import available


def rows(options):
    tunings = available()
    for size in (4 << 20, 32 << 20):
        over_mpi, over_gloo, winners, folds, shares = [], [], set(), [], []
        for number in range(options.rounds):
            results = {
                name: run(mpirun(2, options.lockstep, "benchmark", "fold", "--bytes", size,
                                 "--json", options=tuning))
                for name, tuning in tunings.items()}
            gloo = run([options.python, HERE / "peers/allreduce.py", "--bytes", size])
            name, best = min(results.items(), key=lambda item: item[1]["allreduce"]["median"])
            winners.add(name)
            # The fold of the run that MPI_Allreduce did best in, beside which it was measured.
            folds.append(best["fold"]["median"])
            shares.append(100 * best["shareOfStreams"]["median"])
            over_mpi.append(best["ratio"]["median"])
            over_gloo.append(gloo["allreduce"]["median"] / folds[-1])
            progress(f"round {number + 1}: fold of {size >> 20} MiB: {1e3 * folds[-1]:.2f} ms, "
                     f"{over_mpi[-1]:.2f}x {name}, {over_gloo[-1]:.2f}x gloo")
        work = f"fold of {size >> 20} MiB, 2 ranks, the result read"
        note = f"{1e3 * sorted(folds)[len(folds) // 2]:.2f} ms"
        yield Row(f"{work}, against the best MPI_Allreduce", over_mpi, 4,
                  note=f"{note}; the best of {len(tunings)}: {' or '.join(sorted(winners))}")
        yield Row(f"{work}, against gloo", over_gloo, 8, note=note)
        if size > 4 << 20:
            yield Row(f"{work}, of the bandwidth measured beside it", shares, 85, " %", digits=0,
                      note=note)
