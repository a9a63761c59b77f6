"""How MPI_Allreduce can be made to run under Open MPI; the fold does not call it."""

import subprocess
from pathlib import Path


def forced(algorithm, *more):
    return ["--mca", "coll_tuned_use_dynamic_rules", "1",
            "--mca", "coll_tuned_allreduce_algorithm", str(algorithm), *more]


def segments(size):
    return ["--mca", "coll_tuned_allreduce_algorithm_segmentsize", str(size)]


def preferred(component):
    return ["--mca", f"coll_{component}_priority", "100"]


TUNINGS = {
    "Open MPI's own choice": [],
    "basic linear": forced(1),
    "nonoverlapping": forced(2),
    "recursive doubling": forced(3),
    "ring": forced(4),
    "segmented ring, 64 KiB": forced(5, *segments(64 << 10)),
    "segmented ring, 1 MiB": forced(5, *segments(1 << 20)),
    "Rabenseifner": forced(6),
    # The transport is called vader before Open MPI 5.
    "Rabenseifner, copies through shared memory":
        forced(6, "--mca", "btl_vader_single_copy_mechanism", "none", "--mca", "smsc", "^cma"),
    "coll/sm": preferred("sm"),
    "coll/han": preferred("han"),
    "coll/xhc": preferred("xhc"),
}


def components(mpirun):
    """The version of an Open MPI and the names of its components for collectives."""
    info = Path(mpirun).with_name("ompi_info") if "/" in mpirun else "ompi_info"
    output = subprocess.run([info, "--parsable", "--all"], capture_output=True, text=True,
                            check=True).stdout
    lines = [line.split(":") for line in output.splitlines()]
    version = next(line[3] for line in lines if line[:3] == ["ompi", "version", "full"])
    return version, sorted({line[2] for line in lines if line[:2] == ["mca", "coll"]})


def available(mpirun="mpirun"):
    """The tunings that an Open MPI has the components for."""
    known = components(mpirun)[1]
    return {name: options for name, options in TUNINGS.items()
            if not name.startswith("coll/") or name.removeprefix("coll/") in known}
