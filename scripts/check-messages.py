#!/usr/bin/env python3
"""Holds the messages of docs/troubleshooting.md to the sources.

    scripts/check-messages.py [--list WORDS]

A message of the page is the first cell of a row, in backquotes: its fixed words, with … for what differs from case
to case. Below `<!-- messages: sources -->` it must be in a text of the Swift sources, word for word; below
`<!-- messages: Open MPI -->` in the files of messages of the Open MPI that is installed, if one is; below
`<!-- messages: others -->` nothing can be compared. Ends with 1 where a message is in no text. `--list` prints the
texts of the sources that have these words, as the page must write them.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "troubleshooting.md"
GAP = "…"


def interpolation_end(text: str, start: int) -> int:
    """Where an interpolation whose parenthesis opens at `start` has ended."""
    depth, place = 0, start
    while place < len(text):
        character = text[place]
        if character == '"':
            _, place = literal(text, place)
            continue
        depth += (character == "(") - (character == ")")
        place += 1
        if depth == 0:
            break
    return place


def literal(text: str, start: int) -> tuple[str, int]:
    """The text literal that begins at `start`, with … for interpolations, and where it has ended."""
    quote = '"""' if text.startswith('"""', start) else '"'
    place, found = start + len(quote), ""
    while place < len(text) and not text.startswith(quote, place):
        if text.startswith("\\(", place):
            place = interpolation_end(text, place + 1)
            found += GAP
        elif text[place] == "\\":
            found += {"n": "\n", "t": "\t", "\n": ""}.get(text[place + 1], text[place + 1])
            place += 2
        else:
            found += text[place]
            place += 1
    return found, place + len(quote)


def texts(source: str) -> list[str]:
    """The texts of a Swift file. Literals that `+` joins are one, and spaces are single."""
    found, place, joined = [], 0, False
    while place < len(source):
        if source.startswith("//", place):
            end = source.find("\n", place)
            place = len(source) if end < 0 else end
        elif source[place] == '"':
            text, place = literal(source, place)
            if joined:
                found[-1] += text
            else:
                found.append(text)
            behind = re.compile(r'\s*\+\s*(?=")').match(source, place)
            joined = behind is not None
            place = behind.end() if behind else place
        else:
            place += 1
    return [re.sub(r"\s+", " ", text) for text in found]


def source_texts() -> list[str]:
    names = subprocess.check_output(
        ["git", "ls-files", "Sources/*.swift"], cwd=ROOT, text=True).splitlines()
    paths = [ROOT / name for name in names]
    return [text for path in paths if path.is_file() for text in texts(path.read_text())]


def open_mpi_texts() -> list[str] | None:
    """The messages of Open MPI 4, in its files and in the library of its launcher; None where it is not there."""
    contents = [
        file.read_text(errors="replace") for folder in ("/usr/share/openmpi", "/usr/local/share/openmpi")
        for file in sorted(pathlib.Path(folder).glob("help-*.txt"))]
    for library in sorted(pathlib.Path("/usr/lib").glob("*/libopen-rte.so.40")):
        contents += [text.decode() for text in re.findall(rb"[\x20-\x7e\n]{20,}", library.read_bytes())]
    contents = [re.sub(r"%[-\d.]*l*[sdxu]", GAP, text) for text in contents]
    return [re.sub(r"\s+", " ", text) for text in contents] or None


def is_in(message: str, text: str) -> bool:
    """Whether all fixed words of a message stand in a text in their order."""
    place = 0
    for part in message.split(GAP):
        place = text.find(part.strip(), place)
        if place < 0:
            return False
        place += len(part.strip())
    return True


def messages(page: str) -> list[tuple[str, int, str]]:
    """The kind, the line and the words of each message of the page."""
    found, kind = [], None
    for number, line in enumerate(page.splitlines(), 1):
        if mark := re.fullmatch(r"<!-- messages: (.+) -->", line):
            kind = mark[1]
        elif line.startswith("#"):
            kind = None
        elif kind and (cell := re.match(r"\| ((?:`[^`]+`(?:<br>)?)+) \|", line)):
            found += [(kind, number, message) for message in re.findall(r"`([^`]+)`", cell[1])]
        elif kind and line.startswith("| `"):
            found.append(("a cell that is one message", number, line))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--list", metavar="WORDS", help="print the texts that have these words")
    arguments = parser.parse_args()
    known = {"sources": source_texts(), "Open MPI": open_mpi_texts(), "others": None}
    if arguments.list is not None:
        print("\n".join(sorted({text for text in known["sources"] if arguments.list in text})))
        return 0
    found = messages(PAGE.read_text())
    problems = []
    for kind, number, message in found:
        place = f"{PAGE.relative_to(ROOT)}:{number}"
        if kind not in known:
            problems.append(f"{place}: this is not {kind}")
        elif max(map(len, message.split(GAP))) < 6:
            problems.append(f"{place}: '{message}' has hardly a fixed word")
        elif known[kind] is not None and not any(is_in(message, text) for text in known[kind]):
            problems.append(f"{place}: no text of {kind} is '{message}'")
    if not any(kind == "sources" for kind, _, _ in found):
        problems.append(f"{PAGE.relative_to(ROOT)} has no message of the sources")
    for problem in problems:
        print(f"check-messages: {problem}", file=sys.stderr)
    if not problems:
        print(f"check-messages: {len(found)} messages are those of their programs")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
