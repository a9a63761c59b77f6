"""From the launch to the first step, beyond an mpirun of a program that only initialises MPI."""

import subprocess
import tempfile
import time
from pathlib import Path

from programs import ROOT, finish, mpirun, progress
from rows.row import Row

HELLO = """
#include <mpi.h>
int main(int count, char **arguments) {
  MPI_Init(&count, &arguments);
  MPI_Barrier(MPI_COMM_WORLD);
  return MPI_Finalize();
}
"""


def rows(options):
    with tempfile.TemporaryDirectory() as folder:
        source, hello = Path(folder) / "hello.c", Path(folder) / "hello"
        source.write_text(HELLO)
        subprocess.run(["mpicc", "-O2", "-o", hello, source], check=True)
        train = [options.lockstep, "train", ROOT / "Examples/digits-cnn.json", "--set", "steps=1",
                 "--run-directory", "none", "--quiet"]
        values, bare = [], []
        for number in range(-1, 3 * options.rounds):
            bare_seconds = seconds(mpirun(2, hello))
            beyond = seconds(mpirun(2, *train)) - bare_seconds
            if number < 0:  # files are in the page cache
                continue
            values.append(beyond)
            bare.append(bare_seconds)
            progress(f"alternation {number + 1}: {bare_seconds:.2f} s bare, {beyond:.2f} s beyond")
    yield Row("a job of one step, to its end, beyond a bare mpirun", values, 0.3, " s",
              at_least=False,
              note=f"bare: {sorted(bare)[len(bare) // 2]:.2f} s; the quickstart's configuration, "
                   "test included")


def seconds(command):
    begin = time.perf_counter()
    finish(command, limit=60)
    return time.perf_counter() - begin
