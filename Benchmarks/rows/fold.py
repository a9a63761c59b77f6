"""The fold against Open MPI's best MPI_Allreduce and against gloo."""

from programs import HERE, mpirun, progress, run
from rows.row import Row


def forced(algorithm, *more):
    return ["--mca", "coll_tuned_use_dynamic_rules", "1",
            "--mca", "coll_tuned_allreduce_algorithm", str(algorithm), *more]


def segments(size):
    return ["--mca", "coll_tuned_allreduce_algorithm_segmentsize", str(size)]


# How MPI_Allreduce can be made to run; the fold does not call it.
TUNINGS = {
    "Open MPI's own choice": [],
    "basic linear": forced(1),
    "nonoverlapping": forced(2),
    "recursive doubling": forced(3),
    "ring": forced(4),
    "segmented ring, 64 KiB": forced(5, *segments(64 << 10)),
    "segmented ring, 1 MiB": forced(5, *segments(1 << 20)),
    "Rabenseifner": forced(6),
    "Rabenseifner, copies through shared memory":
        forced(6, "--mca", "btl_vader_single_copy_mechanism", "none"),
    "coll/sm": ["--mca", "coll_sm_priority", "100"],
    "coll/han": ["--mca", "coll_han_priority", "100"],
}


def rows(options):
    for size in (4 << 20, 32 << 20):
        over_mpi, over_gloo, winners, folds = [], [], set(), []
        for number in range(options.rounds):
            results = {
                name: run(mpirun(2, options.lockstep, "benchmark", "fold", "--bytes", size,
                                 "--json", options=tuning))
                for name, tuning in TUNINGS.items()}
            gloo = run([options.python, HERE / "peers/allreduce.py", "--bytes", size])
            name, best = min(results.items(), key=lambda item: item[1]["allreduce"]["median"])
            winners.add(name)
            # The fold of the run that MPI_Allreduce did best in, beside which it was measured.
            folds.append(best["fold"]["median"])
            over_mpi.append(best["ratio"]["median"])
            over_gloo.append(gloo["allreduce"]["median"] / folds[-1])
            progress(f"round {number + 1}: fold of {size >> 20} MiB: {1e3 * folds[-1]:.2f} ms, "
                     f"{over_mpi[-1]:.2f}x {name}, {over_gloo[-1]:.2f}x gloo")
        work = f"fold of {size >> 20} MiB, 2 ranks, the result read"
        note = f"{1e3 * sorted(folds)[len(folds) // 2]:.2f} ms"
        yield Row(f"{work}, against the best MPI_Allreduce", over_mpi, 4,
                  note=f"{note}; the best of {len(TUNINGS)}: {' or '.join(sorted(winners))}")
        yield Row(f"{work}, against gloo", over_gloo, 8, note=note)
