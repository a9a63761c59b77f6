#!/usr/bin/env python3
"""Counts public declarations, and those without documentation, in every module that is built.

    scripts/check-documentation.py [--list MODULE] [--lower] [BUILD]

BUILD is the folder of a build (.build/release). The compiler's symbol graphs of its modules are read,
so nothing is built anew. Ends with 1 where a public declaration has no documentation, and where there are
more public declarations than scripts/public-declarations.json permits. `--lower` makes today's number the
ceiling where it is lower. `--list MODULE` prints a module's public declarations, and marks the undocumented
ones. Documentation that is inherited from a protocol counts.
"""

import argparse
import json
import pathlib
import signal
import sys
import tempfile

from symbol_graphs import compiler_options, extract

ROOT = pathlib.Path(__file__).resolve().parent.parent
CEILING = ROOT / "scripts" / "public-declarations.json"


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
    mark = "" if "docComment" in symbol else " (undocumented)"
    return f"{file}:{place['position']['line'] + 1}: {'.'.join(symbol['pathComponents'])}{mark}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=ROOT / ".build" / "release")
    parser.add_argument("--list", metavar="MODULE", help="print a module's public declarations")
    parser.add_argument("--lower", action="store_true", help="lower the ceiling to today's number")
    arguments = parser.parse_args()

    options = compiler_options(arguments.build)
    ceiling = json.loads(CEILING.read_text())["atMost"]
    public, bare = 0, {}
    print(f"{'module':26}{'public':>8}{'undocumented':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for module in [arguments.list] if arguments.list else modules():
            symbols = public_declarations(module, options, pathlib.Path(folder))
            bare[module] = sum("docComment" not in symbol for symbol in symbols)
            print(f"{module:26}{len(symbols):8}{bare[module]:14}")
            if arguments.list:
                print("\n".join(sorted(map(place_and_name, symbols))))
                return 0
            public += len(symbols)
    print(f"{'all':26}{public:8}{sum(bare.values()):14}, at most {ceiling} public")

    problems = [
        f"{module} has {count} undocumented public declarations; --list {module} names them"
        for module, count in bare.items()
        if count
    ]
    if public > ceiling:
        problems.append(
            f"{public} public declarations, at most {ceiling}: make what only the package uses "
            f"`package`; if users need it, raise the number in {CEILING.relative_to(ROOT)}"
        )
    elif arguments.lower:
        CEILING.write_text(json.dumps({"atMost": public}) + "\n")
    elif public < ceiling:
        print("check-documentation: fewer than permitted; --lower makes that the ceiling")
    for problem in problems:
        print(f"check-documentation: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
