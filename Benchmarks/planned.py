"""The models of `lockstep benchmark` as configurations, for `lockstep plan`."""

import array
import json
import random
from pathlib import Path

# That of `lockstep benchmark`.
VOCABULARY = 65
BATCHES = {"mlp": 128, "cnn": 128, "resnet20": 128, "lstm": 64, "gpt": 64}


def tokens(folder, count=65536):
    """A file of tokens, any at every place: what a step costs does not depend on what they are."""
    file = Path(folder) / "tokens.bin"
    if not file.exists():
        generator = random.Random(1)
        file.write_bytes(array.array("H", (generator.randrange(VOCABULARY)
                                           for _ in range(count))).tobytes())
    return {"type": "tokens", "file": str(file), "vocabulary": VOCABULARY, "window": 64}


def parts(model, folder):
    """Data, model and constraints."""
    if model == "mlp":
        return {"data": {"type": "images"}, "model": {"type": "mlp", "sizes": [1024, 1024, 10]},
                "constraints": [{"pattern": "*.weight", "type": "maxNorm", "limit": 3}]}
    if model == "cnn":
        return {"data": {"type": "images"}, "model": {"type": "digits-cnn"},
                "constraints": [{"pattern": "*.weight", "type": "maxNorm", "limit": 3}]}
    if model == "resnet20":
        return {"data": {"type": "images", "shape": [3, 32, 32]}, "model": {"type": "resnet20"},
                "constraints": [{"pattern": "*.weight", "type": "maxNorm", "limit": 3}]}
    shape = {
        "lstm": {"type": "characterLSTM", "embedding": 128, "hidden": 512, "layers": 1},
        "gpt": {"type": "gpt", "context": 64, "width": 128, "layers": 4, "heads": 4,
                "bias": False}}[model]
    return {"data": tokens(folder), "model": {**shape, "vocabulary": VOCABULARY}}


def configuration(model, folder, batch=None, shards=None):
    """Writes the configuration into a folder and returns its path.

    The step is that of the benchmark: Adam, a clip by global norm, max-norm of images' models.
    """
    batch = batch or BATCHES[model]
    content = {
        **parts(model, folder), "loss": {"type": "softmaxCrossEntropy"}, "batchSize": batch,
        "epochs": 1, "seed": 1, "optimizer": {"type": "adam", "learningRate": 0.001},
        "clip": {"type": "globalNorm", "limit": 1}}
    if shards:
        content["shards"] = shards
    file = Path(folder) / f"{model}.json"
    file.write_text(json.dumps(content, indent=2) + "\n")
    return file
