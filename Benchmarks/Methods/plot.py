"""Plots what `compare-methods autoencoder` printed: loss over gradient-equivalents and over time.

    python Benchmarks/Methods/plot.py autoencoder.tsv docs/hessian-free.svg
"""

import math
import sys

COLOURS = ["#1b6ca8", "#5aa9e6", "#d1495b", "#edae49", "#66a182"]


def read(path):
    series = {}
    for line in open(path):
        if line.startswith(("#", "method")):
            continue
        method, setting, seconds, gradients, loss = line.rstrip("\n").split("\t")
        series.setdefault(f"{method} {setting}", []).append(
            (float(seconds), float(gradients), float(loss)))
    return series


def panel(series, column, title, left):
    """One axis system, 360 × 260, with a logarithmic loss."""
    width, height, top = 360, 260, 30
    largest_x = max(row[column] for rows in series.values() for row in rows)
    losses = [row[2] for rows in series.values() for row in rows]
    low, high = math.log(min(losses)), math.log(max(losses))
    x = lambda value: left + width * value / largest_x
    y = lambda value: top + height * (high - math.log(value)) / (high - low)
    out = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" '
           'stroke="#888"/>',
           f'<text x="{left + width / 2}" y="{top + height + 34}" text-anchor="middle">{title}</text>']
    for part in range(5):
        value = largest_x * part / 4
        out.append(f'<text x="{x(value):.1f}" y="{top + height + 16}" text-anchor="middle">'
                   f'{value:.0f}</text>')
        loss = math.exp(low + (high - low) * part / 4)
        out.append(f'<text x="{left - 6}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:.0f}</text>')
    for colour, (name, rows) in zip(COLOURS, series.items()):
        points = " ".join(f"{x(row[column]):.1f},{y(row[2]):.1f}" for row in rows)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return out


series = read(sys.argv[1])
body = panel(series, 1, "gradient-equivalents", 50) + panel(series, 0, "seconds", 480)
for index, (colour, name) in enumerate(zip(COLOURS, series)):
    body.append(f'<text x="{60 + 200 * index}" y="18" fill="{colour}">{name}</text>')
with open(sys.argv[2], "w") as file:
    file.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 870 340" '
               'font-family="sans-serif" font-size="12">\n'
               '<rect width="870" height="340" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n")
