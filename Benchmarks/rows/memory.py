"""The memory of a rank: its proportional share against PyTorch's, and whether it grows."""

import statistics
import tempfile
from pathlib import Path

from programs import HERE, ROOT, mpirun, progress
from rows import processes
from rows.row import Row


def rows(options):
    yield proportional(options)
    yield flat(options)


def proportional(options):
    """The same network, the same global batch, as DDP and by `lockstep train` with its own data."""
    ours = mpirun(2, options.lockstep, "train", ROOT / "Examples/digits-cnn.json",
                  "--set", "batchSize=128", "--set", "epochs=8", "--run-directory", "none")
    theirs = [
        mpirun(2, options.python, HERE / "peers/train.py", "--model", "cnn", "--variant", variant,
               "--rendezvous", "127.0.0.1", "--windows", 5)
        for variant in ("eager", "channels-last")]
    ratios, sizes = [], []
    for number in range(options.rounds):
        own = peak(ours)
        other = min(map(peak, theirs))
        ratios.append(own / other)
        sizes.append(own)
        progress(f"round {number + 1}: {own / 1e6:.0f} MB a rank, PyTorch's {other / 1e6:.0f} MB")
    return Row("proportional memory a rank, CNN, against PyTorch's DDP", ratios, 0.2,
               at_least=False, note=f"{statistics.median(sizes) / 1e6:.0f} MB")


def peak(command):
    """The largest mean over ranks of the proportional memory while a job runs."""
    peaks = [0]

    def look(ranks):
        found = [size for size in map(processes.proportional_memory, ranks) if size]
        if len(found) == 2:
            peaks.append(sum(found) / 2)

    with processes.job(command) as job:
        code = processes.watch(job, look)
    if code or len(peaks) < 5:
        raise SystemExit(f"{' '.join(map(str, command))}: ended with {code} after "
                         f"{len(peaks) - 1} looks at its memory")
    return max(peaks)


def flat(options):
    """How much resident memory `lockstep train` gains between its 1,000th and 10,000th step."""
    values = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            run_directory = Path(folder) / "run"
            seen = []

            def look(ranks):
                sizes = [size for size in map(processes.resident_memory, ranks) if size]
                if len(sizes) == 2:
                    seen.append((steps(run_directory), sum(sizes) / 2))

            command = mpirun(2, options.lockstep, "train", ROOT / "Examples/digits-mlp.json",
                             "--set", "epochs=1000", "--set", "steps=10000", "--run-directory",
                             run_directory)
            with processes.job(command) as job:
                code = processes.watch(job, look)
            # Behind the last step memory is given back.
            behind = [(step, size) for step, size in seen if 1000 <= step < 10000]
            if code or steps(run_directory) != 10000 or len(behind) < 5:
                raise SystemExit(f"the run of 10,000 steps ended with {code}")
            values.append((behind[-1][1] - behind[0][1]) / 1e6)
            progress(f"round {number + 1}: {behind[0][1] / 1e6:.1f} MB at step {behind[0][0]}, "
                     f"{behind[-1][1] / 1e6:.1f} MB at step {behind[-1][0]}")
    return Row("growth of a rank's memory from step 1,000 to 10,000", values, 1, " MB",
               at_least=False, note="`lockstep train Examples/digits-mlp.json`, 2 ranks")


def steps(run_directory):
    """The steps that a run has written down."""
    file = run_directory / "metrics.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0
