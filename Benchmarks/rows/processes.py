"""What the system says of the ranks of a job while it runs."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from programs import environment


@contextlib.contextmanager
def job(command, limit=300):
    """A job under mpirun, ended where the block ends."""
    with subprocess.Popen(
            ["timeout", "--kill-after=10", str(limit), *map(str, command)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)


def descendants(process):
    parents = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            text = (folder / "stat").read_text()
            parents[int(folder.name)] = int(text.rsplit(")", 1)[1].split()[1])
    found, grown = {process}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {process}


def ranks(process):
    """The processes of a job that Open MPI gave a rank, in the order of ranks."""
    found = {}
    for child in descendants(process.pid):
        with contextlib.suppress(OSError):
            for entry in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
                if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                    found[int(entry.split(b"=")[1])] = child
    return [found[rank] for rank in sorted(found)]


def kilobytes(process, file, key):
    """A value of /proc/PROCESS/FILE in kB; None where the process is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/{file}").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return None


def proportional_memory(process):
    """PSS in bytes: a page that n processes share counts 1/n."""
    size = kilobytes(process, "smaps_rollup", "Pss")
    return size and size * 1024


def resident_memory(process):
    size = kilobytes(process, "status", "VmRSS")
    return size and size * 1024


def watch(process, look, interval=0.1):
    """Calls `look(ranks)` again and again while the job runs."""
    while process.poll() is None:
        look(ranks(process))
        time.sleep(interval)
    return process.returncode
