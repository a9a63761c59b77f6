#!/usr/bin/env python3
"""Writes Examples/texts/verses.csv: verses of four books of the embedded King James Bible."""
import csv
import gzip
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXT = ROOT / "Sources" / "CLockstepData" / "Resources" / "king-james.txt.gz"
BOOKS = ["Genesis", "Leviticus", "Numbers", "1 Samuel"]
# Verses of a book, as far apart as they can be.
VERSES = 240


def verses():
    """(book, reference, text) of all verses."""
    chapter, number = None, 0
    for line in gzip.open(TEXT, "rt", encoding="ascii"):
        line = line.strip()
        if re.fullmatch(r"(\d )?[A-Z][a-z]+ \d+", line):
            chapter, number = line, 0
        elif line:
            number += 1
            yield chapter.rsplit(" ", 1)[0], f"{chapter}:{number}", line


def main():
    every = list(verses())
    file = ROOT / "Examples" / "texts" / "verses.csv"
    file.parent.mkdir(exist_ok=True)
    with file.open("w", newline="") as output:
        table = csv.writer(output, lineterminator="\n")
        table.writerow(["verse", "text", "book"])
        for book in BOOKS:
            rows = [verse for verse in every if verse[0] == book]
            for index in range(VERSES):
                _, reference, text = rows[index * len(rows) // VERSES]
                table.writerow([reference, text, book])


if __name__ == "__main__":
    main()
