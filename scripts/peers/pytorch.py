#!/usr/bin/env python3
"""Compares with PyTorch: weights that Lockstep trained in PyTorch's modules, and PyTorch's models trained here.

    scripts/peers.sh pytorch

- Weights of runs load into PyTorch's modules by `load_state_dict`, and these answer as `lockstep predict`, to 1e-5.
- The models of scripts/reference/onnx_models.py are written by both exporters. One step of each has PyTorch's own
  weights; three steps on two ranks have the bits of one rank; the weights go back to PyTorch, which answers as
  `lockstep predict`, to 1e-5.
- The program of docs/comparison.md for DDP and the configuration beside it train the same weights, to 1e-5, on two
  processes each.
"""

# needs: numpy onnx onnxscript safetensors torch==2.13.0+cpu
# without: PyTorch's wheel for processors alone has 192 MB and is not on PyPI. Name the index that has it in
# without: PIP_EXTRA_INDEX_URL. PyPI's own wheel does as well, with gigabytes of CUDA: PEERS_TORCH=torch

import copy
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from support import finish, lockstep, report

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))
from onnx_models import MODELS  # noqa: E402

warnings.filterwarnings("ignore")
logging.getLogger("torch.onnx").setLevel(logging.ERROR)
torch.set_num_threads(1)
torch.manual_seed(9)
EXAMPLES = 24
RATE = 0.1


def write(directory, name, data, model, **rest):
    """A configuration of one step of plain descent on all examples at once; its path."""
    configuration = {
        "data": data, "model": model, "batchSize": EXAMPLES, "shards": 1, "steps": 1,
        "optimizer": {"type": "sgd", "learningRate": RATE}, **rest}
    path = f"{directory}/{name}.json"
    with open(path, "w") as file:
        json.dump(configuration, file)
    return path


def floats(directory, name, x, y):
    """Examples as the data of a configuration: arrays, or a table of series where an example has two axes."""
    if x.dim() != 3:
        np.save(f"{directory}/{name}-x.npy", x.numpy())
        np.save(f"{directory}/{name}-y.npy", y.numpy())
        return {
            "type": "arrays", "inputs": f"{name}-x.npy", "labels": f"{name}-y.npy", "standardize": False}
    # Steps are rows. Of channels first, as Conv1d takes them, they are the last axis.
    first = "conv1d" in name
    with open(f"{directory}/{name}.csv", "w") as file:
        steps = x.transpose(1, 2) if first else x
        file.write(f"id,{','.join(f'f{index}' for index in range(steps.shape[2]))},label\n")
        for index, (series, label) in enumerate(zip(steps.tolist(), y.tolist())):
            for step in series:
                file.write(f"{index},{','.join(map(repr, step))},{label}\n")
    return {
        "type": "series", "file": f"{name}.csv", "series": "id", "target": "label", "standardize": False,
        "channelsFirst": first}


def words(directory, name, x, y):
    """A table of texts whose words become the tokens `x`: token 2 + i is the i-th most frequent word."""
    with open(f"{directory}/{name}.csv", "w") as file:
        file.write("text,kind\n")
        for tokens, label in zip(x.tolist(), y.tolist()):
            file.write(f"{' '.join('abcdefghi'[token - 2] for token in tokens)},k{label}\n")
    return {"type": "text-rows", "file": f"{name}.csv", "text": "text", "target": "kind", "minCount": 1}


def windows(directory, name, x):
    """A file of tokens whose windows are `x`, and the token behind the last."""
    np.save(f"{directory}/{name}.npy", x.numpy().astype(np.uint16))
    return {"type": "tokens", "file": f"{name}.npy"}


def predicted(directory, run):
    """What `lockstep predict` says of the training part, as probabilities."""
    path = f"{directory}/predicted.npy"
    lockstep("predict", run, "--on", "training", "--format", "npy", "--output", path)
    return np.load(path)


def difference(model, x, expected):
    with torch.no_grad():
        return np.abs(F.softmax(model.eval()(x), -1).numpy() - expected).max()


def loss_difference(model, x, y, run):
    with torch.no_grad():
        expected = float(F.cross_entropy(model.eval()(x).flatten(0, -2), y.flatten()))
    return abs(json.loads(lockstep("evaluate", run, "--on", "training", "--json"))["loss"] - expected)


# ----- weights of Lockstep in PyTorch's modules


class Chain(nn.ModuleList):
    """Layers one behind the other, of which some give more than their output."""

    def __init__(self, layers, forward):
        super().__init__(layers)
        self.way = forward

    def forward(self, x):
        return self.way(self, x)


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


NATIVE = {
    "perceptron": (
        (12,),
        [{"type": "Linear", "outFeatures": 8}, "BatchNorm1d", "Tanh", {"type": "Linear", "outFeatures": 5}],
        nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 5))),
    "convolution": (
        (2, 9, 9),
        [{"type": "Conv2d", "outChannels": 4, "kernel": 3}, "BatchNorm2d", "ReLU",
         {"type": "MaxPool2d", "kernel": 2}, "Flatten", {"type": "Linear", "outFeatures": 5}],
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(36, 5))),
    "lstm": (
        (7, 3),
        [{"type": "LSTM", "hiddenSize": 6, "numLayers": 2, "bidirectional": True, "output": "state"},
         {"type": "Linear", "outFeatures": 5}],
        Chain(
            [nn.LSTM(3, 6, 2, batch_first=True, bidirectional=True), nn.Linear(12, 5)],
            lambda m, x: m[1](torch.cat(list(m[0](x)[1][0][-2:]), 1)))),
    "gru": (
        (7, 3),
        [{"type": "GRU", "hiddenSize": 6, "output": "state"}, {"type": "Linear", "outFeatures": 5}],
        Chain(
            [nn.GRU(3, 6, batch_first=True), nn.Linear(6, 5)], lambda m, x: m[1](m[0](x)[1][-1]))),
    "encoder": (
        (7, 3),
        [{"type": "Linear", "outFeatures": 8},
         {"type": "TransformerEncoder", "count": 2, "width": 8, "heads": 2, "feedForward": 12},
         "SequencePooling", {"type": "Linear", "outFeatures": 5}],
        Chain(
            [nn.Linear(3, 8), encoder(), nn.Identity(), nn.Linear(8, 5)],
            lambda m, x: m[3](m[1](m[0](x)).mean(1)))),
}


def check_weights(directory):
    """Weights of a run load by `load_state_dict`; the module then answers as the run."""
    for name, (shape, layers, model) in NATIVE.items():
        x, y = torch.randn(EXAMPLES, *shape), torch.arange(EXAMPLES) % 5
        data = floats(directory, name, x, y)
        path = write(directory, name, data, {"layers": layers}, steps=4, batchSize=12)
        run = f"{directory}/{name}-run"
        lockstep("train", path, "--run-directory", run)
        lacking = model.load_state_dict(load_file(f"{run}/weights.safetensors"), strict=False)
        lost = [key for key in lacking.missing_keys if "num_batches" not in key]
        report(f"weights {name}, names", len(lost) + len(lacking.unexpected_keys), 0)
        report(f"weights {name}, answers", difference(model, x, predicted(directory, run)), 1e-5)


# ----- PyTorch's models trained by Lockstep

WAYS = {
    "dynamo": {"dynamo": True, "optimize": False, "external_data": False, "verbose": False},
    "script": {
        "dynamo": False, "training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False},
}


def examples(directory, name, x):
    """Examples for a model that takes `x`: inputs, labels, and the data as a configuration has them."""
    classes = torch.arange(EXAMPLES) % 3
    if x.is_floating_point():
        inputs = torch.randn(EXAMPLES, *x.shape[1:])
        return inputs, classes, floats(directory, name, inputs, classes)
    length = x.shape[1]
    if name.startswith("gpt"):
        stream = torch.randint(0, 11, (EXAMPLES * length + 1,))
        labels = stream[1:].view(EXAMPLES, length)
        data = windows(directory, name, stream) | {"vocabulary": 11, "window": length}
        return stream[:-1].view(EXAMPLES, length), labels, data
    # Texts are padded to powers of two: these have such a length. No word is as frequent as another one, so that
    # the order of the vocabulary is known.
    counts = torch.tensor([40, 35, 31, 27, 23, 19, 17])
    inputs = (torch.repeat_interleave(torch.arange(7), counts) + 2)[torch.randperm(EXAMPLES * 8)]
    inputs = inputs.view(EXAMPLES, 8)
    return inputs, classes, words(directory, name, inputs, classes) | {"vocabulary": 9}


def export(model, x, path, way):
    axes = ({"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if way["dynamo"]
            else {"dynamic_axes": {"input": {0: "batch"}}})
    torch.onnx.export(model.eval(), (x,), path, input_names=["input"], **axes, **way)


def stepped(model, x, y):
    """The state of a model behind one step of PyTorch's own."""
    model = copy.deepcopy(model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    output = model(x)
    F.cross_entropy(output.flatten(0, -2), y.flatten()).backward()
    optimizer.step()
    return {key: value for key, value in model.state_dict().items() if "num_batches" not in key}


def check_models(directory):
    """A step is PyTorch's; ranks do not count; the weights go back."""
    for family, (model, sample) in MODELS.items():
        x, y, data = examples(directory, family, sample)
        expected = stepped(model, x, y)
        for way, options in WAYS.items():
            name = f"{family}-{way}"
            export(copy.deepcopy(model), x[:4], f"{directory}/{name}.onnx", options)
            path = write(directory, name, data, {"type": "onnx", "file": f"{name}.onnx"})
            run = f"{directory}/{name}-run"
            lockstep("train", path, "--run-directory", run)
            found = load_file(f"{run}/weights.safetensors")
            report(
                f"import {name}, a step",
                max(float((expected[key] - found[key]).abs().max()) for key in expected), 2e-6)
            prints, runs = set(), {ranks: f"{directory}/{name}-{ranks}" for ranks in (1, 2)}
            for ranks, run in runs.items():
                lockstep(
                    "train", path, "--set", "shards=4", "--set", "steps=3", "--run-directory", run,
                    ranks=ranks)
                prints.add(lockstep("inspect", run, "--fingerprint"))
            report(f"import {name}, fingerprints of 1 and 2 ranks", len(prints) - 1, 0)
            back = copy.deepcopy(model)
            back.load_state_dict(load_file(f"{runs[2]}/weights.safetensors"), strict=False)
            # A model of texts predicts at each position, of which its loss is told.
            off = (
                loss_difference(back, x, y, runs[2]) if family.startswith("gpt")
                else difference(back, x, predicted(directory, runs[2])))
            report(f"import {name}, back", off, 1e-5)


# ----- the same job in both programs


def check_comparison(directory):
    """The first configuration and the first program of docs/comparison.md, in the same order of examples."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "comparison.md")) as file:
        page = file.read()
    blocks = [re.search(f"^```{kind}\n(.*?)^```$", page, re.S | re.M)[1] for kind in ("json", "python")]
    job, program = json.loads(blocks[0]), blocks[1]
    np.save(f"{directory}/x.npy", torch.randn(640, 20).numpy())
    np.save(f"{directory}/y.npy", np.arange(640) % 3)
    # Both shuffle by generators of their own.
    assert "sampler = DistributedSampler(examples, seed=1)" in program and "torch.manual_seed(1)\n" in program
    with open(f"{directory}/job.py", "w") as file:
        file.write(program.replace("(examples, seed=1)", "(examples, shuffle=False)"))
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "job.py"],
        cwd=directory, check=True, timeout=300, env=dict(os.environ, OMP_NUM_THREADS="1"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    torch.manual_seed(1)
    start = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 3))
    save_file(start.state_dict(), f"{directory}/start.safetensors")
    job["data"]["shuffle"] = False
    with open(f"{directory}/job.json", "w") as file:
        json.dump(job | {"initialWeights": "start.safetensors"}, file)
    lockstep("train", f"{directory}/job.json", "--run-directory", f"{directory}/job", ranks=2)
    ours, theirs = load_file(f"{directory}/job/weights.safetensors"), torch.load(f"{directory}/weights.pt")
    report(
        "comparison, weights of DDP and of Lockstep",
        max(float((ours[key] - theirs[key]).abs().max()) for key in theirs), 1e-5)


with tempfile.TemporaryDirectory() as directory:
    check_weights(directory)
    check_models(directory)
    check_comparison(directory)
finish("pytorch")
