#!/usr/bin/env python3
"""Counts public declarations, and those without documentation, in every module that is built.

    scripts/check-documentation.py [--list MODULE] [--lower] [BUILD]

BUILD is the folder of a build (.build/release). The compiler's symbol graphs of its modules are read,
so nothing is built anew. Ends with 1 if a module has more undocumented declarations than
scripts/undocumented.json permits; a module that is not named there may have none. `--lower` writes
today's numbers where they are lower: the ceilings never rise. `--list MODULE` prints what is
undocumented in a module. Documentation that is inherited from a protocol counts.
"""

import argparse
import json
import pathlib
import signal
import sys
import tempfile

from symbol_graphs import compiler_options, extract

ROOT = pathlib.Path(__file__).resolve().parent.parent
CEILINGS = ROOT / "scripts" / "undocumented.json"


def modules() -> list[str]:
    """The Swift modules of the package, by name."""
    folders = (ROOT / "Sources").iterdir()
    return sorted(f.name for f in folders if f.is_dir() and any(f.rglob("*.swift")))


def public_declarations(module: str, options: list[str], folder: pathlib.Path) -> list[dict]:
    """The public symbols of a module that its sources declare."""
    found = {}
    for graph in extract(module, options, folder):
        for symbol in graph["symbols"]:
            # What the compiler derives, as == of an enum, has no place in the sources. Extensions of
            # another module's types are containers, not declarations.
            if "location" in symbol and symbol["kind"]["identifier"] != "swift.extension":
                found[symbol["identifier"]["precise"]] = symbol
    return list(found.values())


def place_and_name(symbol: dict) -> str:
    """`LockstepMPI/Session/MPIError.swift:12: MPIError.call`."""
    place = symbol["location"]
    file = place["uri"].split("/Sources/")[-1]
    return f"{file}:{place['position']['line'] + 1}: {'.'.join(symbol['pathComponents'])}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=ROOT / ".build" / "release")
    parser.add_argument("--list", metavar="MODULE", help="print a module's undocumented declarations")
    parser.add_argument("--lower", action="store_true", help="lower the ceilings to today's numbers")
    arguments = parser.parse_args()

    options = compiler_options(arguments.build)
    ceilings = json.loads(CEILINGS.read_text())
    today, public, over = {}, 0, []
    print(f"{'module':26}{'public':>8}{'undocumented':>14}{'at most':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for module in [arguments.list] if arguments.list else modules():
            symbols = public_declarations(module, options, pathlib.Path(folder))
            bare = [symbol for symbol in symbols if "docComment" not in symbol]
            ceiling = ceilings.get(module, 0)
            print(f"{module:26}{len(symbols):8}{len(bare):14}{ceiling:9}")
            if arguments.list:
                print("\n".join(sorted(map(place_and_name, bare))))
                return 0
            public += len(symbols)
            today[module] = len(bare)
            if len(bare) > ceiling:
                over.append(module)
    print(f"{'all':26}{public:8}{sum(today.values()):14}{sum(ceilings.values()):9}")

    if arguments.lower:
        lowered = {module: min(count, ceilings.get(module, 0)) for module, count in today.items()}
        CEILINGS.write_text(json.dumps(lowered, indent=2) + "\n")
    elif sum(today.values()) < sum(ceilings.values()):
        print("check-documentation: fewer than before; --lower makes that the ceiling")
    for module in over:
        print(
            f"check-documentation: {module} has {today[module]} undocumented public declarations, "
            f"{ceilings.get(module, 0)} at most; --list {module} names them",
            file=sys.stderr,
        )
    return 1 if over else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
