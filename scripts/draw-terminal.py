#!/usr/bin/env python3
"""Draws what a terminal shows as SVG: text with its colours, as `tmux capture-pane -e -p` gives it.

    tmux capture-pane -e -p | scripts/draw-terminal.py --theme light --title "lockstep watch runs/digits" > picture.svg

Blocks and Braille patterns are drawn as shapes, so that they look the same whatever font is there. Lines at the
end that show nothing are left out.
"""
import argparse
import re
import sys
from html import escape

CELL, LINE, SIZE, MARGIN, BAR = 8.4, 19, 14, 16, 34
# Colours of text by the number in an escape sequence; None is that of plain text.
THEMES = {
    "light": {
        "paper": "#ffffff", "frame": "#d0d7de", "bar": "#f6f8fa", "title": "#59636e", None: "#1f2328",
        31: "#cf222e", 32: "#1a7f37", 33: "#9a6700", 34: "#0969da", 35: "#8250df", 36: "#1b7c83"},
    "dark": {
        "paper": "#0d1117", "frame": "#3d444d", "bar": "#151b23", "title": "#9198a1", None: "#e6edf3",
        31: "#ff7b72", 32: "#3fb950", 33: "#d29922", 34: "#58a6ff", 35: "#bc8cff", 36: "#39c5cf"},
}
# The dots of a Braille pattern, by the bits of its number: across and down.
DOTS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]


def cells(line, style):
    """The characters of a line with their styles (colour, bold, dim), and the style behind it."""
    found = []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if not part.startswith("\x1b"):
            found += [(character, style) for character in re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]|\x0f", "", part)]
            continue
        for code in (int(number or 0) for number in part[2:-1].split(";")):
            color, bold, dim = style
            if code == 0:
                style = (None, False, False)
            elif code == 1:
                style = (color, True, dim)
            elif code == 2:
                style = (color, bold, True)
            elif code == 22:
                style = (color, False, False)
            elif code == 39 or 30 <= code <= 37:
                style = (None if code in (30, 37, 39) else code, bold, dim)
    return found, style


def kind(character):
    if character == " " or character == "\u2800":
        return "nothing"
    if character in "█░":
        return "block"
    return "dots" if "\u2800" < character <= "\u28ff" else "rule" if character == "│" else "text"


def runs(row):
    """Neighbours of one kind and style: where they begin, their kind and style, and what they are."""
    start = 0
    while start < len(row):
        end = start
        key = (kind(row[start][0]), row[start][1])
        # A space between words belongs to them.
        while end < len(row) and ((kind(row[end][0]), row[end][1]) == key or (
                key[0] == "text" and row[end][0] == " " and row[end][1] == key[1]
                and end + 1 < len(row) and (kind(row[end + 1][0]), row[end + 1][1]) == key)):
            end += 1
        yield start, key[0], key[1], "".join(character for character, _ in row[start:end])
        start = end


def number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


def drawn(left, top, what, style, text, colors):
    color, bold, dim = style
    ink, faint = f'fill="{colors[color]}"', ' opacity=".6"' if dim else ""
    width = number(CELL * len(text))
    if what == "text":
        weight = ' font-weight="700"' if bold else ""
        yield (f'<text x="{number(left)}" y="{number(top + 14)}" textLength="{width}" {ink}{weight}{faint}>'
               f"{escape(text)}</text>")
    elif what == "rule":
        yield f'<rect x="{number(left + 3.7)}" y="{number(top)}" width="1" height="{LINE}" {ink} opacity=".45"/>'
    elif what == "block":
        for full in re.finditer(r"█+|░+", text):
            share = "1" if full[0][0] == "█" else ".18"
            yield (f'<rect x="{number(left + CELL * full.start())}" y="{number(top + 4)}" '
                   f'width="{number(CELL * len(full[0]))}" height="11" {ink} opacity="{share}"/>')
    elif what == "dots":
        path = ""
        for place, character in enumerate(text):
            for bit, (across, down) in enumerate(DOTS):
                if ord(character) >> bit & 1:
                    x = left + CELL * place + CELL * (across + 0.5) / 2
                    path += f"M{number(x)} {number(top + LINE * (down + 0.5) / 4)}h0"
        yield f'<path d="{path}" stroke="{colors[color]}"/>'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theme", choices=THEMES, default="light")
    parser.add_argument("--title", default="")
    parser.add_argument("--columns", type=int, default=100)
    options = parser.parse_args()
    colors = THEMES[options.theme]
    style, rows = (None, False, False), []
    for line in sys.stdin.read().split("\n"):
        row, style = cells(line.rstrip("\r"), style)
        rows.append(row)
    while rows and not "".join(character for character, _ in rows[-1]).strip():
        rows.pop()
    width = number(2 * MARGIN + CELL * options.columns)
    height = BAR + 2 * MARGIN + LINE * len(rows) - 4
    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="{SIZE}" role="img">',
        f"<title>{escape(options.title)}</title>",
        f'<rect x=".5" y=".5" width="{number(float(width) - 1)}" height="{height - 1}" rx="9" '
        f'fill="{colors["paper"]}" stroke="{colors["frame"]}"/>',
        f'<path d="M1 {BAR}V10a9 9 0 0 1 9-9H{number(float(width) - 10)}a9 9 0 0 1 9 9V{BAR}z" '
        f'fill="{colors["bar"]}"/>',
        f'<path d="M1 {BAR}.5H{number(float(width) - 1)}" stroke="{colors["frame"]}"/>',
        f'<path d="M20 17.5h0M38 17.5h0M56 17.5h0" stroke="{colors["frame"]}" stroke-width="11" '
        'stroke-linecap="round"/>',
        f'<text x="50%" y="22" text-anchor="middle" font-size="13" fill="{colors["title"]}">'
        f"{escape(options.title)}</text>",
        '<g xml:space="preserve" fill="none" stroke-width="2.9" stroke-linecap="round">',
    ]
    for index, row in enumerate(rows):
        for start, what, style, text in runs(row):
            shapes += drawn(MARGIN + CELL * start, BAR + MARGIN + LINE * index, what, style, text, colors)
    print("\n".join(shapes + ["</g>", "</svg>"]))


main()
