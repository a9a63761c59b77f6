"""Plots of a comparison in SVG: the loss against steps and against seconds, side by side."""

import math
from html import escape

from .methods import BASELINE
from .tables import summaries

COLOURS = ["#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b"]
GREY = "#c8c8c8"
WIDTH, HEIGHT, TOP = 370, 300, 44
LEFT = (64, 504)


def chosen(found):
    """At most six to show in colours: the baseline, AdamW alone, and the four best of the others."""
    names = [BASELINE, "adamW"]
    shown = [one for one in found if one.method.name in names]
    for one in found:
        # A constraint that never acts leaves the bits of another method.
        if len(shown) < 6 and all(one.points != other.points for other in shown):
            shown.append(one)
    return sorted(shown, key=found.index)


def round_step(span, parts):
    """A round distance of ticks, of which about `parts` fit in a span."""
    raw = span / parts
    power = 10 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)


class Panel:
    """One system of axes."""

    def __init__(self, left, right_value, low, high, is_logarithmic):
        self.left = left
        self.right_value = right_value
        self.is_logarithmic = is_logarithmic
        self.low, self.high = self.height(low), self.height(high)

    def height(self, value):
        return math.log(value) if self.is_logarithmic else value

    def x(self, value):
        return self.left + WIDTH * value / self.right_value

    def y(self, value):
        share = (self.high - self.height(value)) / (self.high - self.low)
        return TOP + HEIGHT * min(max(share, -0.05), 1)

    def ticks(self):
        if self.is_logarithmic:
            low, high = math.exp(self.low), math.exp(self.high)
            values = [factor * 10.0 ** power for power in range(-4, 3) for factor in (1, 2, 5)]
            return [value for value in values if low <= value <= high]
        distance = round_step(self.high - self.low, 6)
        first = math.ceil(self.low / distance)
        return [distance * number for number in range(first, math.floor(self.high / distance) + 1)]

    def frame(self, title):
        bottom = TOP + HEIGHT
        out = []
        for value in self.ticks():
            y = self.y(value)
            out += [f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.left + WIDTH}" y2="{y:.1f}" '
                    'stroke="#e8e8e8"/>',
                    f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>']
        distance = round_step(self.right_value, 6)
        for number in range(math.floor(self.right_value / distance) + 1):
            x = self.x(number * distance)
            out.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
                       f'{number * distance:.4g}</text>')
        out += [f'<rect x="{self.left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" '
                'stroke="#888"/>',
                f'<text x="{self.left + WIDTH / 2}" y="{bottom + 36}" text-anchor="middle">'
                f'{title}</text>']
        return out

    def line(self, points, colour, width):
        places = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return (f'<polyline points="{places}" fill="none" stroke="{colour}" '
                f'stroke-width="{width}" clip-path="url(#c{self.left})"/>')

    def band(self, rows, colour):
        """What lies between the least and the largest of the seeds."""
        places = [(x, max(losses)) for x, *losses in rows]
        places += [(x, min(losses)) for x, *losses in reversed(rows)]
        text = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in places)
        return (f'<polygon points="{text}" fill="{colour}" fill-opacity="0.13" '
                f'clip-path="url(#c{self.left})"/>')


def plot(task, results):
    """The plot of a task."""
    found = [one for one in summaries(task, results) if one.points]
    shown = chosen(found)
    timed = [one for one in found if one.seconds]
    low = min(min(losses) for one in found for _, *losses in one.points)
    baseline = next(one for one in found if one.method.name == BASELINE)
    # Texts' first losses are alike, and would take most of the height.
    high = 1.05 * baseline.curve()[1 if task.is_text else 0][1]
    logarithmic = not task.is_text
    # Methods that take longer than this are cut off at the right.
    longest = 1.1 * max([one.seconds * task.steps for one in shown if one.seconds], default=1)
    panels = [(Panel(LEFT[0], task.steps, 0.97 * low, high, logarithmic), lambda one: 1, found,
               "steps"),
              (Panel(LEFT[1], longest, 0.97 * low, high, logarithmic), lambda one: one.seconds,
               timed, "seconds of processor time")]
    body = []
    for panel, scale, members, title in panels:
        body += [f'<clipPath id="c{panel.left}"><rect x="{panel.left}" y="{TOP}" width="{WIDTH}" '
                 f'height="{HEIGHT}"/></clipPath>', *panel.frame(title)]
        for one in members:
            if one not in shown:
                body.append(panel.line([(x * scale(one), y) for x, y in one.curve()], GREY, 1))
        # The baseline is drawn last.
        for one in sorted(shown, key=lambda one: one is baseline):
            if one not in members:
                continue
            colour = COLOURS[place(one, shown, baseline)]
            body += [panel.band([[row[0] * scale(one), *row[1:]] for row in one.points], colour),
                     panel.line([(x * scale(one), y) for x, y in one.curve()], colour, 1.8)]
    body += legend(shown, baseline, len(found) > len(shown))
    middle = TOP + HEIGHT / 2
    body += [f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">'
             f'{"training" if task.is_text else "validation"} loss (nats), mean of 3 seeds</text>',
             f'<text x="{LEFT[0]}" y="24" font-size="15">{escape(task.title)}</text>']
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1090 396" '
            'font-family="sans-serif" font-size="12">\n'
            '<rect width="1090" height="396" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n")


def place(one, shown, baseline):
    """The number of a curve's colour: the baseline is black."""
    others = [other for other in shown if other is not baseline]
    return 0 if one is baseline else 1 + others.index(one)


def legend(shown, baseline, has_others):
    """Beside the curves, in the order of their ends."""
    left = LEFT[1] + WIDTH + 16
    out = []
    for number, one in enumerate([*shown, None] if has_others else shown):
        y = TOP + 14 + 22 * number
        colour = COLOURS[place(one, shown, baseline)] if one else GREY
        name = one.method.title if one else "all others"
        out += [f'<line x1="{left}" y1="{y - 4}" x2="{left + 22}" y2="{y - 4}" stroke="{colour}" '
                'stroke-width="2.5"/>', f'<text x="{left + 28}" y="{y}">{escape(name)}</text>']
    return out
