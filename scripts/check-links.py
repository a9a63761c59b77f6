#!/usr/bin/env python3
"""Checks that links of the documentation lead to files and headings of the repository, and that pages
that sources name are there. Prints those that do not; ends with 1 then."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def anchors(page: pathlib.Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.S | re.M)
    headings = re.findall(r"^#+ +(.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def main() -> int:
    names = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    problems = []
    for name in names:
        path = ROOT / name
        if not path.is_file():
            continue
        if path.suffix == ".md":
            for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"\s]+)\"", path.read_text()):
                target = "".join(target)
                # GitHub's own pages are not files.
                if target.startswith(("http", "../blob")):
                    continue
                file, _, anchor = target.partition("#")
                page = (path.parent / file) if file else path
                if not page.exists():
                    problems.append(f"{name}: {target} is not there")
                elif anchor and page.suffix == ".md" and anchor not in anchors(page):
                    problems.append(f"{name}: {target} has no such heading")
        elif path.suffix in (".swift", ".sh", ".py", ".c", ".h", ".inc"):
            for page in re.findall(r"\b(?:docs|Benchmarks)/[\w-]+\.md", path.read_text()):
                if not (ROOT / page).exists():
                    problems.append(f"{name}: {page} is not there")
    for problem in problems:
        print(f"check-links: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
