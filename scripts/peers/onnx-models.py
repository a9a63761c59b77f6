#!/usr/bin/env python3
"""Compares `lockstep export` with onnxruntime.

    scripts/peers.sh onnx-models

Each configuration below is trained for two steps and exported; onnxruntime's results must be those of
`lockstep predict` to 1e-5.
"""

# needs: numpy onnx onnxruntime

import json
import tempfile

import numpy as np
import onnx
import onnxruntime

from support import finish, lockstep, report


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def exported(directory, name, configuration, inputs):
    """The largest difference of probabilities between onnxruntime and `lockstep predict`."""
    path = f"{directory}/{name}.json"
    with open(path, "w") as file:
        json.dump(configuration, file)
    lockstep("train", path, "--run-directory", f"{directory}/{name}")
    lockstep("export", f"{directory}/{name}", "--onnx", f"{directory}/{name}.onnx")
    lockstep(
        "predict", f"{directory}/{name}", "--on", "training", "--format", "npy", "--output",
        f"{directory}/{name}.npy")
    onnx.checker.check_model(f"{directory}/{name}.onnx")
    session = onnxruntime.InferenceSession(f"{directory}/{name}.onnx")
    shape = [len(inputs)] + session.get_inputs()[0].shape[1:]
    found = session.run(None, {"input": inputs.reshape(shape).astype(np.float32)})[0]
    return np.abs(softmax(found) - np.load(f"{directory}/{name}.npy")).max()


IMAGES = {
    "perceptron": {"type": "mlp", "sizes": [16, 5], "activation": "tanh"},
    "lenet": {"type": "leNet", "classes": 5},
    "cnn": {"type": "digits-cnn", "channels": [4, 8], "units": 16, "classes": 5},
    "resnet": {"type": "resnet20", "classes": 5},
    "computed-weights": {"layers": [
        {"type": "Conv2d", "outChannels": 4, "kernel": 5, "stride": 3,
         "parametrization": "weightStandardization"},
        {"type": "GroupNorm", "groups": 2}, "Tanh",
        {"type": "Conv2d", "outChannels": 6, "kernel": 3, "groups": 2,
         "parametrization": "weightNorm"},
        {"type": "ConvTranspose2d", "outChannels": 4, "kernel": 2, "parametrization": "spectralNorm"},
        "Flatten",
        {"type": "Linear", "outFeatures": 5, "parametrization": "weightNorm"}]},
}
SERIES = {
    "lstm": [{"type": "LSTM", "hiddenSize": 6, "numLayers": 2, "bidirectional": True, "output": "state"}],
    "gru": [{"type": "GRU", "hiddenSize": 6, "output": "state"}],
    "rnn": [{"type": "RNN", "hiddenSize": 6, "output": "state"}],
    "encoder": [
        {"type": "Linear", "outFeatures": 8}, "SinusoidalPositions",
        {"type": "TransformerEncoder", "count": 2, "width": 8, "heads": 2, "feedForward": 12},
        {"type": "SequencePooling"}],
    "rotary": [
        {"type": "Linear", "outFeatures": 8},
        {"type": "MultiheadAttention", "width": 8, "heads": 2, "rotary": {}, "causal": True},
        {"type": "SequencePooling"}],
}


def check_exports(directory):
    random = np.random.default_rng(3)
    images = random.standard_normal((24, 1, 28, 28)).astype(np.float32)
    labels = np.arange(24) % 5
    np.save(f"{directory}/images.npy", images)
    np.save(f"{directory}/labels.npy", labels)
    common = {
        "batchSize": 12, "shards": 2, "steps": 2,
        "optimizer": {"type": "sgd", "learningRate": 0.05}}
    for name, model in IMAGES.items():
        data = {
            "type": "arrays", "inputs": "images.npy", "labels": "labels.npy", "standardize": False}
        report(
            f"export {name}",
            exported(directory, name, {"data": data, "model": model, **common}, images), 1e-5)
    series = random.standard_normal((24, 7, 3)).astype(np.float32)
    with open(f"{directory}/series.csv", "w") as file:
        file.write("id,a,b,c,label\n")
        for index, steps in enumerate(series):
            for step in steps:
                file.write(f"{index},{','.join(repr(float(v)) for v in step)},k{labels[index]}\n")
    for name, layers in SERIES.items():
        data = {
            "type": "series", "file": "series.csv", "series": "id", "target": "label",
            "standardize": False}
        model = {"layers": layers + [{"type": "Linear", "outFeatures": 5}]}
        report(
            f"export {name}",
            exported(directory, name, {"data": data, "model": model, **common}, series), 1e-5)


def check_tables(directory):
    """A table with learned vectors and two heads: each such column is an input of integers."""
    random = np.random.default_rng(5)
    rows = 400
    towns = [f"town{index}" for index in range(80)]
    town, port = random.integers(80, size=rows), random.integers(3, size=rows)
    numbers = random.standard_normal((rows, 2)).round(3)
    with open(f"{directory}/table.csv", "w") as file:
        file.write("a,town,port,b,kind,mass\n")
        for row in range(rows):
            kind = ["x", "y", "z"][(town[row] + port[row]) % 3]
            file.write(
                f"{numbers[row, 0]},{towns[town[row]]},{'ABC'[port[row]]},{numbers[row, 1]},{kind},"
                f"{town[row] / 8 + numbers[row, 0]:.3f}\n")
    configuration = {
        "data": {"type": "csv", "file": "table.csv", "target": ["kind", "mass"],
                 "columns": {"town": "category", "port": {"kind": "category", "embedding": 2}}},
        "model": {"type": "mlp", "sizes": [12], "finalActivation": True},
        "heads": [
            {"target": "kind"},
            {"target": "mass", "loss": "huber", "standardizeTarget": True}],
        "batchSize": 50, "shards": 2, "steps": 6, "optimizer": {"type": "adam", "learningRate": 0.02}}
    with open(f"{directory}/table.json", "w") as file:
        json.dump(configuration, file)
    run, path = f"{directory}/table", f"{directory}/table.onnx"
    lockstep("train", f"{directory}/table.json", "--run-directory", run)
    lockstep("export", run, "--onnx", path)
    with open(f"{directory}/new.csv", "w") as file:
        file.write("a,town,port,b\n0.5,town7,B,-1\n-2,nowhere,C,0.25\n1.5,town79,A,3\n")
    found = lockstep("predict", run, "--input", f"{directory}/new.csv")
    answers = [json.loads(line) for line in found.splitlines() if line.startswith("{")]
    onnx.checker.check_model(path)
    session = onnxruntime.InferenceSession(path)
    metadata = session.get_modelmeta().custom_metadata_map
    levels = json.loads(metadata["lockstep.categories"])
    columns = {
        column["name"]: column for column in json.loads(metadata["lockstep.data"])["input"]["columns"]}
    cells = {"a": [0.5, -2, 1.5], "b": [-1, 0.25, 3]}
    names = json.loads(metadata["lockstep.columns"])
    inputs = {"input": np.stack(
        [(np.array(cells[name]) - columns[name]["mean"]) / columns[name]["deviation"] for name in names],
        axis=1).astype(np.float32)}
    for column, values in {"town": ["town7", "nowhere", "town79"], "port": ["B", "C", "A"]}.items():
        known = levels[f"category {column}"]
        inputs[f"category {column}"] = np.array(
            [known.index(value) + 1 if value in known else 0 for value in values], np.int64)
    kind, mass = session.run(["kind", "mass"], inputs)
    classes = json.loads(metadata["lockstep.classes.kind"])
    expected = np.array([[row["kind"]["probabilities"][name] for name in classes] for row in answers])
    report("export table, classes", np.abs(softmax(kind) - expected).max(), 1e-6)
    scale = next(
        head["target"]["scale"] for head in json.loads(metadata["lockstep.data"])["heads"]
        if head["name"] == "mass")
    predicted = mass[:, 0] * scale["deviation"][0] + scale["mean"][0]
    expected = np.array([row["mass"]["prediction"] for row in answers])
    report("export table, numbers", np.abs(predicted / expected - 1).max(), 1e-6)


with tempfile.TemporaryDirectory() as directory:
    check_exports(directory)
    check_tables(directory)
finish("onnx-models")
