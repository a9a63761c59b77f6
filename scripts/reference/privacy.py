"""Values of ε of Opacus's accountant by Rényi divergences, over a grid of sampling rates, noises, steps and δ.

    python scripts/reference/privacy.py

writes Tests/LockstepOptimizationTests/Reference/privacy.json. Needs opacus.
"""

import json
import math
import pathlib
import warnings

from opacus.accountants import RDPAccountant
from opacus.accountants.analysis import rdp

warnings.filterwarnings("ignore")

RATES = [1e-4, 1e-3, 64 / 4000, 0.05, 0.3, 0.5, 0.8, 1]
NOISES = [0.3, 0.7, 1, 1.1, 2, 4, 15]
STEPS = [1, 100, 10_000]
DELTAS = [1e-3, 1e-5, 1e-9]

cases = []
for rate in RATES:
    for noise in NOISES:
        for steps in STEPS:
            for delta in DELTAS:
                accountant = RDPAccountant()
                accountant.history = [(noise, rate, steps)]
                epsilon = accountant.get_epsilon(delta)
                if math.isfinite(epsilon):
                    cases.append([rate, noise, steps, delta, epsilon])

# Divergences of single orders, whole ones and others.
orders = [1.1, 1.5, 2, 2.7, 5, 10.9, 12, 33, 63]
divergences = [
    [rate, noise, order, float(rdp._compute_rdp(rate, noise, order))]
    for rate in RATES
    for noise in NOISES
    for order in orders
]
divergences = [d for d in divergences if math.isfinite(d[3])]

out = pathlib.Path(__file__).resolve().parents[2] / "Tests/LockstepOptimizationTests/Reference/privacy.json"
out.write_text(json.dumps({"epsilons": cases, "divergences": divergences}) + "\n")
print(len(cases), len(divergences), out.stat().st_size, "bytes")
