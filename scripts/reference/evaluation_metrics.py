"""Writes reference values of metrics of whole evaluations: outputs, labels, and what scikit-learn says."""

import json
import pathlib
import warnings

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.special import expit, softmax
from sklearn import metrics

warnings.filterwarnings("ignore")
random = np.random.default_rng(23)
tensors, cases = {}, []


def add(name, meaning, outputs, labels, values):
    """values: what a configuration says of a metric, and its value."""
    tensors[f"{name}/outputs"] = torch.tensor(outputs, dtype=torch.float64)
    tensors[f"{name}/labels"] = torch.tensor(labels, dtype=torch.float64)
    for metric, value in values:
        value = np.asarray(value, dtype=np.float64).reshape(-1).tolist()
        cases.append({"name": name, "meaning": meaning, "metric": metric, "value": value})


def calibration(probabilities, labels, bins):
    """The expected calibration error, of the bins (i / bins, (i + 1) / bins]."""
    taken = probabilities.argmax(1)
    confidence = probabilities.max(1)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    error = 0
    for b in range(bins):
        inside = place == b
        if inside.any():
            right = (taken[inside] == labels[inside]).mean()
            error += inside.mean() * abs(right - confidence[inside].mean())
    return error


def averages(labels, taken, counted, extra={}):
    found = []
    for average in counted:
        p, r, f, _ = metrics.precision_recall_fscore_support(
            labels, taken, average=average, zero_division=0)
        for quantity, value in (("precision", p), ("recall", r), ("f1", f)):
            found.append(({"type": quantity, "average": average, **extra}, value))
    return found


def exclusive(name, outputs, labels, ranked=True):
    """Classes of which one is right."""
    outputs = outputs.astype(np.float32).astype(np.float64)
    classes = outputs.shape[1]
    # Rounded, so that ties stay ties whatever the order of additions.
    p = softmax(outputs, 1) if name != "ties" else np.round(softmax(outputs, 1), 14)
    taken = outputs.argmax(1)
    values = averages(labels, taken, ["macro", "micro", "weighted"] + (["binary"] if classes == 2 else []))
    every = range(classes)
    values += [
        ({"type": "balancedAccuracy"}, metrics.balanced_accuracy_score(labels, taken)),
        ({"type": "matthewsCorrelation"}, metrics.matthews_corrcoef(labels, taken)),
        ({"type": "confusionMatrix"}, metrics.confusion_matrix(labels, taken, labels=every)),
        ({"type": "perClass"}, np.stack(metrics.precision_recall_fscore_support(
            labels, taken, labels=every, zero_division=0), 1)),
        ({"type": "logLoss"}, metrics.log_loss(labels, p, labels=every)),
        ({"type": "calibrationError"}, calibration(p, labels, 15)),
        ({"type": "calibrationError", "bins": 4}, calibration(p, labels, 4)),
    ]
    if ranked and classes == 2:
        values += [
            ({"type": "auroc"}, metrics.roc_auc_score(labels, p[:, 1])),
            ({"type": "averagePrecision"}, metrics.average_precision_score(labels, p[:, 1])),
            ({"type": "averagePrecision", "positive": 0},
             metrics.average_precision_score(labels == 0, p[:, 0])),
        ]
        values += averages(
            labels, (p[:, 1] > 0.3).astype(int), ["macro", "binary"], {"threshold": 0.3})
    elif ranked:
        hot = np.eye(classes)[labels]
        for average in ["macro", "weighted"]:
            values += [
                ({"type": "auroc", "average": average},
                 metrics.roc_auc_score(labels, p, multi_class="ovr", average=average)),
                ({"type": "averagePrecision", "average": average},
                 metrics.average_precision_score(hot, p, average=average)),
            ]
    add(name, "classLogits", outputs, labels, values)


def numbers(*shape, digits=None):
    x = random.normal(size=shape).astype(np.float32).astype(np.float64)
    return x if digits is None else np.round(x, digits).astype(np.float32).astype(np.float64)


labels = random.integers(0, 5, 60)
exclusive("five classes", numbers(60, 5) + 1.5 * np.eye(5)[labels].astype(np.float32), labels)
labels = random.integers(0, 3, 40)
exclusive("ties", np.round(2 * numbers(40, 3)) / 2, labels)
labels = random.integers(0, 2, 50)
exclusive("two classes", numbers(50, 2) + np.eye(2)[labels], labels)
labels = (random.random(70) < 0.1).astype(int)
labels[3] = 1
exclusive("rare class with ties", numbers(70, 2, digits=0), labels)
# Classes without examples, of which one is predicted; and one class alone.
labels = random.choice([0, 3], 30)
exclusive("empty classes", numbers(30, 5), labels, ranked=False)
exclusive("one class", numbers(12, 3), np.ones(12, int), ranked=False)
exclusive("all right", 9 * np.eye(3)[[0, 1, 2, 1]], np.array([0, 1, 2, 1]))

# One logit an example.
for name, digits in [("one logit", None), ("one logit with ties", 0)]:
    labels = random.integers(0, 2, 45)
    outputs = numbers(45, 1, digits=digits) + 0.5 * labels[:, None]
    outputs = outputs.astype(np.float32).astype(np.float64)
    p = expit(outputs[:, 0])
    taken = (outputs[:, 0] > 0).astype(int)
    add(name, "labelLogits", outputs, labels[:, None], averages(
        labels, taken, ["macro", "micro", "weighted", "binary"]) + averages(
        labels, (p > 0.7).astype(int), ["binary"], {"threshold": 0.7}) + [
        ({"type": "auroc"}, metrics.roc_auc_score(labels, p)),
        ({"type": "averagePrecision"}, metrics.average_precision_score(labels, p)),
        ({"type": "logLoss"}, metrics.log_loss(labels, p)),
        ({"type": "balancedAccuracy"}, metrics.balanced_accuracy_score(labels, taken)),
        ({"type": "matthewsCorrelation"}, metrics.matthews_corrcoef(labels, taken)),
        ({"type": "confusionMatrix"}, metrics.confusion_matrix(labels, taken)),
        ({"type": "calibrationError", "bins": 10},
         calibration(np.stack([1 - p, p], 1), labels, 10)),
    ])

# Labels that may all be right; of the last no example is predicted.
labels = (random.random((40, 4)) < [0.5, 0.2, 0.7, 0.3]).astype(int)
outputs = numbers(40, 4)
outputs[:, 3] = -np.abs(outputs[:, 3])
taken = (outputs > 0).astype(int)
values = averages(labels, taken, ["macro", "micro", "weighted"])
for average in ["macro", "weighted"]:
    values += [
        ({"type": "auroc", "average": average},
         metrics.roc_auc_score(labels, expit(outputs), average=average)),
        ({"type": "averagePrecision", "average": average},
         metrics.average_precision_score(labels, expit(outputs), average=average)),
    ]
values.append(({"type": "perClass"}, np.stack(metrics.precision_recall_fscore_support(
    labels, taken, zero_division=0), 1)))
values.append(({"type": "logLoss"}, np.mean(
    [metrics.log_loss(labels[:, i], expit(outputs[:, i])) for i in range(4)])))
add("several labels", "labelLogits", outputs, labels, values)

for name, shape, offset in [("numbers", (50, 1), 0), ("far from zero", (50, 1), 1000), ("three targets", (30, 3), 1)]:
    target = (numbers(*shape) + offset).astype(np.float32).astype(np.float64)
    outputs = (target + 0.5 * numbers(*shape)).astype(np.float32).astype(np.float64)
    add(name, "numbers", outputs, target, [
        ({"type": "rSquared"}, metrics.r2_score(target, outputs)),
        ({"type": "meanAbsoluteError"}, metrics.mean_absolute_error(target, outputs)),
        ({"type": "rootMeanSquaredError"}, metrics.root_mean_squared_error(target, outputs)),
        ({"type": "meanAbsolutePercentageError"},
         metrics.mean_absolute_percentage_error(target, outputs)),
    ])

name = "evaluation-metrics.safetensors"
out = pathlib.Path(__file__).resolve().parents[2] / "Tests/LockstepTestSupport/Data" / name
save_file({k: v.contiguous() for k, v in tensors.items()}, out, {"cases": json.dumps(cases)})
print(out.stat().st_size, "bytes,", len(cases), "cases")
