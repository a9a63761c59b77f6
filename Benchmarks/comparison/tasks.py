"""What clipping.py trains: a character GPT, a character LSTM and a network for digits.

Each task has three parts. The model learns from the first. The second, of which a run says the loss, decides
between settings. The third is evaluated once, when all decisions are made.
"""

from dataclasses import dataclass
from pathlib import Path

from programs import ROOT

DIGITS = ROOT / "Sources/CLockstepData/Resources/mnist-5k"


@dataclass(frozen=True)
class Task:
    """A model and its data, and for how long it trains."""

    name: str
    title: str
    steps: int
    # The steps between two points of a curve.
    every: int
    model: dict
    batch_size: int
    # The matrices of hidden layers, by patterns of their names.
    hidden: tuple
    # Thresholds to try, of the global norm and of singular values: one near the median of a first run, a
    # third of it and three times as much.
    limits: tuple
    spectral_limits: tuple

    @property
    def is_text(self):
        return self.name != "cnn"

    def configuration(self, folder):
        """The configuration without an optimizer; `folder` has the parts of the text."""
        if self.is_text:
            data = {"type": "text", "file": str(folder / "train.txt"), "window": 64,
                    "testFraction": 0.05}
        else:
            # An epoch ends, and the validation part is evaluated, after `every` steps.
            draws = {"type": "balanced", "examples": self.every * self.batch_size}
            data = {"type": "idx", "inputs": str(DIGITS / "train-images-idx3-ubyte.gz"),
                    "labels": str(DIGITS / "train-labels-idx1-ubyte.gz"), "testFraction": 0.2,
                    "sampling": draws}
        return {
            "data": data, "model": self.model, "loss": {"type": "softmaxCrossEntropy"},
            "batchSize": self.batch_size, "shards": 1, "epochs": 100, "steps": self.steps,
            # Nothing but the end is saved.
            "checkpoint": {"everySteps": 1000000},
        }

    def test_options(self, folder):
        """The options of `lockstep evaluate` that name the third part."""
        if self.is_text:
            return ["--input", folder / "test.txt"]
        return ["--input", DIGITS / "test-images-idx3-ubyte.gz",
                "--labels", DIGITS / "test-labels-idx1-ubyte.gz"]


TASKS = {task.name: task for task in [
    Task("gpt", "Character GPT", 1000, 50,
         {"type": "gpt", "vocabulary": 65, "context": 64, "width": 64, "layers": 2, "heads": 4},
         8, ("transformer.h.*.c_*.weight",), (0.3, 1, 3), (0.03, 0.1, 0.3)),
    Task("lstm", "Character LSTM", 300, 50,
         {"type": "characterLSTM", "vocabulary": 65, "embedding": 64, "hidden": 128, "layers": 1},
         16, ("lstm.weight_*",), (0.1, 0.3, 1), (0.03, 0.1, 0.3)),
    Task("cnn", "CNN on digits", 150, 25, {"type": "digits-cnn"}, 64,
         ("0.weight", "4.weight", "9.weight"), (1, 3, 10), (0.1, 0.3, 1)),
]}


def cut(text, folder):
    """Writes the first nine tenths of a text, and the last, which no search sees."""
    folder.mkdir(parents=True, exist_ok=True)
    characters = Path(text).read_text(encoding="utf-8")
    place = len(characters) * 9 // 10
    (folder / "train.txt").write_text(characters[:place], encoding="utf-8")
    (folder / "test.txt").write_text(characters[place:], encoding="utf-8")
