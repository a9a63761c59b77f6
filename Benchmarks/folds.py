#!/usr/bin/env python3
"""The fold of large gradients, as a share of the bandwidth and against every MPI_Allreduce.

  Benchmarks/folds.py --ranks 2 3 4 8 --mebibytes 32 128 --rounds 3
  Benchmarks/folds.py --mpirun /opt/openmpi-5/bin/mpirun --lockstep build-5/release/lockstep

Every run measures, in turn, the fold, MPI_Allreduce as the job has it tuned, and memory moving the
bytes that the fold must move (`lockstep benchmark fold`). The share is the time of the latter over
the fold's. It is taken over all runs of a row, a ratio within each one. Ranks are bound to one core
each (--bind core), several to a core where there are more of them, or to none.
"""

import argparse
import json
import statistics
from pathlib import Path

from programs import LOCKSTEP, Neighbours, machine, progress, run, spread, warn_of_load
from tunings import available, components

BINDINGS = {
    "core": ["--map-by", "core", "--bind-to", "core:overload-allowed"],
    "none": ["--bind-to", "none"],
}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", nargs="+", type=int, default=[2, 3, 4, 8])
    parser.add_argument("--mebibytes", nargs="+", type=int, default=[32, 128])
    parser.add_argument("--bind", nargs="+", choices=BINDINGS, default=["core"])
    parser.add_argument("--only", nargs="+", metavar="TUNING", help="some of the tunings")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=120, help="the seconds that a run may take")
    parser.add_argument("--mpirun", default="mpirun")
    parser.add_argument("--lockstep", default=LOCKSTEP)
    parser.add_argument("--json", metavar="FILE", help="writes every value there")
    return parser.parse_args()


def measure(options, tunings, ranks, bytes, binding):
    """All runs of a row: a list of results for each tuning."""
    results = {name: [] for name in tunings}
    for number in range(options.rounds):
        for name, tuning in tunings.items():
            results[name].append(run(
                [options.mpirun, "-n", ranks, "--oversubscribe", *BINDINGS[binding], *tuning,
                 options.lockstep, "benchmark", "fold", "--bytes", bytes, "--json"],
                limit=options.limit, OMPI_MCA_mpi_yield_when_idle="1"))
        progress(f"{ranks} ranks, {bytes >> 20} MiB: round {number + 1}")
    return results


def row(results, ranks, bytes, binding):
    everything = [result for runs in results.values() for result in runs]
    ratios = {name: statistics.median(r["ratio"]["median"] for r in runs)
              for name, runs in results.items()}
    best = min(ratios, key=ratios.get)
    shared = f"{ratios['coll/sm']:.2f}x" if "coll/sm" in ratios else ""
    cells = [
        ranks, f"{bytes >> 20} MiB", binding,
        spread([1e3 * r["fold"]["median"] for r in everything], 1), share(everything),
        f"{rate(everything):.1f} GB/s",
        spread([r["ratio"]["median"] for r in results[best]], 2, "x"), best, shared]
    return f"| {' | '.join(map(str, cells))} |"


def share(results):
    """Nothing where the program is an older one, which does not measure it."""
    values = [100 * r["shareOfStreams"]["median"] for r in results if "shareOfStreams" in r]
    return spread(values, 0, " %") if values else ""


def rate(results):
    """The bytes that all ranks must read and write, over the fold's time."""
    return statistics.median(
        r["bytes"] * (2 * r["ranks"] + 2) / r["fold"]["median"] for r in results) / 1e9


def main():
    options = arguments()
    warn_of_load()
    version, known = components(options.mpirun)
    tunings = {name: tuning for name, tuning in available(options.mpirun).items()
               if not options.only or name in options.only}
    print(f"{machine()}; Open MPI {version}, coll: {', '.join(known)}; {len(tunings)} tunings, "
          f"{options.rounds} rounds\n\n"
          "| ranks | gradient | bound to | fold, ms | of the bandwidth | moved | "
          "the best MPI_Allreduce takes | which | coll/sm takes |\n"
          "|---|---|---|---|---|---|---|---|---|", flush=True)
    everything = []
    for binding in options.bind:
        for mebibytes in options.mebibytes:
            for ranks in options.ranks:
                neighbours = Neighbours()
                results = measure(options, tunings, ranks, mebibytes << 20, binding)
                print(row(results, ranks, mebibytes << 20, binding), flush=True)
                if (disturbance := neighbours.percentage()) > 5:
                    progress(f"disturbed: others took {disturbance:.0f} %")
                everything.append({"ranks": ranks, "mebibytes": mebibytes, "bound": binding,
                                   "results": results})
    if options.json:
        Path(options.json).write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
