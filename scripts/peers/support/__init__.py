"""What the checks of scripts/peers have in common: the program, and what differs from a peer."""

import os
import subprocess
import sys

os.environ.setdefault("OMPI_MCA_rmaps_base_oversubscribe", "1")
program = os.path.abspath(sys.argv[1])
failures = []


def lockstep(*arguments, ranks=1):
    """Runs a command, under mpirun where it has several ranks; gives what it prints."""
    launcher = ["mpirun", "-n", str(ranks)] if ranks > 1 else []
    result = subprocess.run(
        launcher + [program, *arguments], capture_output=True, text=True, timeout=600)
    if result.returncode:
        sys.exit(f"lockstep {' '.join(arguments)}:\n{result.stdout}{result.stderr}")
    return result.stdout


def report(name, difference, limit):
    """Prints a difference, and keeps its name where it is larger than the limit, or no number."""
    if not difference <= limit:
        failures.append(name)
    print(f"{name}: {difference:.1e}{'' if difference <= limit else ', more than ' + str(limit)}")


def finish(check):
    """Ends with what has failed, if anything."""
    if failures:
        sys.exit(f"{check}: {', '.join(failures)}")
