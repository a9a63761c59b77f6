#!/usr/bin/env python3
"""Writes the tables of Examples/series: made-up gestures of different lengths, and an hourly load."""
import datetime
import math
import pathlib
import random

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Examples" / "series"


def gestures(random_numbers):
    """160 gestures of four kinds, 8 to 40 steps each: the position of a hand, with noise."""
    kinds = ["circle", "line", "wave", "zigzag"]
    rows = ["gesture,t,x,y,kind"]
    for number in range(160):
        kind = kinds[number % 4]
        steps = random_numbers.randint(8, 40)
        size = random_numbers.uniform(0.6, 1.4)
        turn = random_numbers.uniform(-0.4, 0.4)
        for t in range(steps):
            u = t / (steps - 1)
            if kind == "circle":
                x, y = math.cos(2 * math.pi * u), math.sin(2 * math.pi * u)
            elif kind == "line":
                x, y = 2 * u - 1, 2 * u - 1
            elif kind == "wave":
                x, y = 2 * u - 1, math.sin(4 * math.pi * u)
            else:
                x, y = 2 * u - 1, 2 * abs(4 * u % 2 - 1) - 1
            a = size * (x * math.cos(turn) - y * math.sin(turn)) + random_numbers.gauss(0, 0.15)
            b = size * (x * math.sin(turn) + y * math.cos(turn)) + random_numbers.gauss(0, 0.15)
            rows.append(f"g{number},{t},{a:.3f},{b:.3f},{kind}")
    return rows


def load(random_numbers):
    """Six weeks of an hourly load in megawatts, which follows the clock, the day and the temperature."""
    rows = ["time,temperature,load"]
    start = datetime.datetime(2024, 1, 1)
    drift = 0.0
    for hour in range(6 * 7 * 24):
        time = start + datetime.timedelta(hours=hour)
        drift = 0.95 * drift + random_numbers.gauss(0, 0.5)
        temperature = 4 - 3 * math.cos(2 * math.pi * (time.hour - 3) / 24) + drift
        weekend = 0.8 if time.weekday() >= 5 else 1
        base = 420 - 90 * math.cos(2 * math.pi * (time.hour - 5) / 24)
        base -= 35 * math.cos(4 * math.pi * (time.hour - 8) / 24)
        value = weekend * base + 6 * (10 - temperature) + random_numbers.gauss(0, 6)
        rows.append(f"{time:%Y-%m-%d %H:%M},{temperature:.1f},{value:.1f}")
    return rows


FOLDER.mkdir(exist_ok=True)
for name, rows in [("gestures", gestures(random.Random(1))), ("load", load(random.Random(2)))]:
    (FOLDER / f"{name}.csv").write_text("\n".join(rows) + "\n")
