"""A row of the table: what was measured, and what it should be."""

import statistics
from dataclasses import dataclass

from programs import spread


@dataclass
class Row:
    work: str
    # One value a round.
    values: list
    goal: float
    # What stands behind the values: "x", " %", " s".
    unit: str = "x"
    # Whether more is better.
    at_least: bool = True
    digits: int = 2
    note: str = ""

    @property
    def is_met(self):
        median = statistics.median(self.values)
        return median >= self.goal if self.at_least else median <= self.goal

    HEADER = ("| work | goal | measured: median [smallest, largest] | | conditions |\n"
              "|---|---|---|---|---|")

    def __str__(self):
        sign = "≥" if self.at_least else "≤"
        return (f"| {self.work} | {sign} {self.goal:g}{self.unit} "
                f"| {spread(self.values, self.digits, self.unit)} "
                f"| {'met' if self.is_met else 'missed'} | {self.note} |")
