#!/usr/bin/env python3
"""Symbol graphs of the modules of a build, as the compiler gives them.

    scripts/symbol_graphs.py BUILD FOLDER

writes one graph of all that `import Lockstep` brings to FOLDER, for DocC: the umbrella module exports its
parts again, and a reader of the documentation sees one module.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
UMBRELLA = "Lockstep"


def compiler_options(build: pathlib.Path) -> list[str]:
    """What finds the modules, and the C modules that they import."""
    target = json.loads(subprocess.check_output(["swiftc", "-print-target-info"]))
    options = ["-target", target["target"]["triple"], "-I", str(build / "Modules")]
    maps = [*(ROOT / "Sources").glob("C*/module.modulemap"), *build.glob("C*.build/module.modulemap")]
    for path in maps:
        options += ["-Xcc", f"-fmodule-map-file={path}"]
    for folder in (ROOT / "Sources").glob("C*/include"):
        options += ["-Xcc", f"-I{folder}"]
    names = [os.environ.get("LOCKSTEP_MPI", "ompi-c"), *filter(None, [os.environ.get("LOCKSTEP_ONEDNN")])]
    found = subprocess.run(["pkg-config", "--cflags", *names], capture_output=True, text=True)
    for option in found.stdout.split():
        options += ["-Xcc", option]
    return options


def extract(module: str, options: list[str], folder: pathlib.Path) -> list[dict]:
    """The graphs of a module's public symbols: its own, and what it adds to other modules of the package."""
    subprocess.run(
        ["swift-symbolgraph-extract", "-module-name", module, *options]
        + ["-minimum-access-level", "public", "-skip-synthesized-members"]
        + ["-output-dir", str(folder)],
        check=True,
    )
    paths = [folder / f"{module}.symbols.json", *folder.glob(f"{module}@*.symbols.json")]
    return [json.loads(path.read_text()) for path in paths]


def exported() -> list[str]:
    """The modules that the umbrella exports, itself first."""
    text = "\n".join(path.read_text() for path in (ROOT / "Sources" / UMBRELLA).glob("*.swift"))
    return [UMBRELLA, *re.findall(r"^@_exported import (\w+)$", text, re.M)]


def joined(build: pathlib.Path) -> dict:
    """One graph of all modules that the umbrella exports."""
    options, modules = compiler_options(build), exported()
    graph: dict = {}
    symbols: dict[str, dict] = {}
    relationships = []
    with tempfile.TemporaryDirectory() as folder:
        for module in modules:
            for part in extract(module, options, pathlib.Path(folder)):
                graph = graph or part
                for symbol in part["symbols"]:
                    # Extensions of another module's types are containers, not declarations.
                    if symbol["kind"]["identifier"] != "swift.extension":
                        symbols[symbol["identifier"]["precise"]] = symbol
                relationships += [r for r in part["relationships"] if r["kind"] != "extensionTo"]
    # What is added to types of the standard library has no page to stand on.
    known = {name: s for name, s in symbols.items() if len(s["pathComponents"]) == 1}
    tops = {s["pathComponents"][0] for s in known.values()}
    symbols = {name: s for name, s in symbols.items() if s["pathComponents"][0] in tops}
    graph["symbols"] = list(symbols.values())
    graph["relationships"] = [r for r in relationships if r["source"] in symbols]
    return graph


def main() -> None:
    build, folder = map(pathlib.Path, sys.argv[1:3])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{UMBRELLA}.symbols.json").write_text(json.dumps(joined(build)))


if __name__ == "__main__":
    main()
