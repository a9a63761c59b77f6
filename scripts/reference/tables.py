"""Writes Tests/LockstepTestSupport/Data/tables.json: a table with gaps and categories, made by chance, and
what scikit-learn's preprocessing makes of its rows. The first rows are fitted; the others hold categories
that those do not have."""

import json
import pathlib

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.default_rng(14)
ROWS, FITTED = 60, 45


def gaps(values, share):
    return [None if rng.random() < share else value for value in values]


age = gaps([round(float(v), 2) for v in rng.normal(30, 12, ROWS)], 0.2)
fare = gaps([round(float(v), 4) for v in np.exp(rng.normal(3, 1, ROWS))], 0.1)
length = [int(v) for v in rng.integers(0, 200, ROWS)]
port = gaps([str(v) for v in rng.choice(["S", "C", "Q"], ROWS, p=[0.6, 0.3, 0.1])], 0.1)
deck = [str(v) for v in rng.choice(list("ABCDE"), ROWS)]
for row in range(FITTED, ROWS, 4):
    port[row], deck[row] = "X", "Z"
target = [int(v) for v in rng.integers(0, 2, ROWS)]


def matrix(policy, standardize):
    numbers = np.array([[np.nan if v is None else v for v in column] for column in (age, fare, length)]).T
    names = np.array([["(missing)" if v is None else v for v in column] for column in (port, deck)], dtype=object).T
    impute = SimpleImputer(strategy=policy) if isinstance(policy, str) else SimpleImputer(
        strategy="constant", fill_value=policy)
    steps = [impute] + ([StandardScaler()] if standardize else [])
    scaled = make_pipeline(*steps).fit(numbers[:FITTED]).transform(numbers)
    indicator = SimpleImputer(add_indicator=True).fit(numbers[:FITTED])
    gaps = indicator.transform(numbers)[:, 3:]
    with_gaps = [i for i in range(3) if np.isnan(numbers[:FITTED, i]).any()]
    columns = []
    for i in range(3):
        columns.append(scaled[:, i])
        if i in with_gaps:
            columns.append(gaps[:, with_gaps.index(i)])
    for i in range(2):
        # What is missing is a level, the last one, as it is in Lockstep.
        levels = sorted(set(names[:FITTED, i]) - {"(missing)"}) + (["(missing)"] if "(missing)" in names[:FITTED, i] else [])
        encoder = OneHotEncoder(categories=[levels], handle_unknown="ignore", sparse_output=False)
        encoded = encoder.fit(names[:FITTED, i:i + 1]).transform(names[:, i:i + 1])
        columns += list(encoded.T)
    return np.stack(columns, axis=1)


header = "age,fare,length,port,deck,t"
lines = [
    ",".join("" if v is None else str(v) for v in row) for row in zip(age, fare, length, port, deck, target)
]
cases = []
for policy in ("mean", "median", -1.5):
    for standardize in (True, False):
        values = matrix(policy, standardize)
        cases.append({"missing": policy, "standardize": standardize, "width": values.shape[1],
                      "inputs": [float(v) for v in values.reshape(-1)]})

path = pathlib.Path(__file__).parents[2] / "Tests/LockstepTestSupport/Data/tables.json"
path.write_text(json.dumps({"csv": "\n".join([header] + lines) + "\n", "fitted": FITTED, "cases": cases}) + "\n")
