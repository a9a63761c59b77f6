"""Writes reference cases: tensors in a safetensors file, their description in its metadata.

A case has a name, the operation or model it runs, attributes, inputs, expected outputs, cotangents
(one for each differentiated output) and expected gradients of sum(output * cotangent) by the inputs.
Tensors are float64, named `<case>/<kind>/<index or name>`; the metadata's `cases` is a JSON array of
descriptions. Numbers that the program under test holds in Float32 (attributes) are rounded to
float32 first, so that both sides compute with the same ones.
"""

import json

import numpy
import torch
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def f32(value):
    """The float32 nearest to a number, as a Python float."""
    return float(numpy.float32(value))


class Values:
    """Deterministic values, away from kinks where asked."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape):
        return torch.randn(shape, generator=self.generator)

    def uniform(self, low, high, *shape):
        return low + (high - low) * torch.rand(shape, generator=self.generator)

    def away_from_zero(self, *shape):
        """Values of both signs with an absolute value in 0.1...2."""
        sign = torch.where(torch.rand(shape, generator=self.generator) < 0.5, -1.0, 1.0)
        return sign * self.uniform(0.1, 2, *shape)

    def distinct(self, *shape):
        """Values that differ from each other by at least 4 / count."""
        count = 1
        for size in shape:
            count *= size
        order = torch.randperm(count, generator=self.generator).double()
        return (order / count * 4 - 2).reshape(shape)

    def labels(self, classes, *shape):
        return torch.randint(0, classes, shape, generator=self.generator)


class Cases:
    """Collects cases and writes them."""

    def __init__(self):
        self.tensors = {}
        self.descriptions = []

    def put(self, name, tensor):
        assert name not in self.tensors, name
        self.tensors[name] = tensor.detach().double().contiguous().clone()

    def add(
        self, name, operation, function, inputs, attributes=None, parameters=(), fixed=(),
        differentiated=None, context=None, reference_only=False, smooth=True,
    ):
        """Runs `function(*inputs)` and its gradients.

        parameters: indices of the inputs that a model would own (weights and biases).
        fixed: indices of the floating inputs that no gradient is taken by.
        differentiated: the number of leading outputs that enter the gradient; all by default.
        smooth: whether the operation is differentiable at the inputs.
        reference_only: the outputs' form is the reference evaluation's own.
        """
        values = Values(sum(map(ord, name)))
        inputs = [
            x.clone().requires_grad_(x.is_floating_point() and i not in fixed)
            for i, x in enumerate(inputs)
        ]
        outputs = function(*inputs)
        if isinstance(outputs, torch.Tensor):
            outputs = (outputs,)
        count = len(outputs) if differentiated is None else differentiated
        cotangents = [values.normal(*output.shape) for output in outputs[:count]]
        wanted = [i for i, x in enumerate(inputs) if x.requires_grad]
        gradients = []
        if count and wanted:
            objective = sum((y * c).sum() for y, c in zip(outputs, cotangents))
            gradients = torch.autograd.grad(objective, [inputs[i] for i in wanted])
        for kind, items in [
            ("input", enumerate(inputs)), ("output", enumerate(outputs)),
            ("cotangent", enumerate(cotangents)), ("gradient", zip(wanted, gradients)),
        ]:
            for index, tensor in items:
                self.put(f"{name}/{kind}/{index}", tensor)
        self.descriptions.append({
            "name": name, "operation": operation, "attributes": attributes or {},
            "inputs": [
                ("parameter" if i in parameters else "data") if x.is_floating_point() else "integer"
                for i, x in enumerate(inputs)
            ],
            "outputs": len(outputs), "cotangents": count, "context": context or {},
            "referenceOnly": reference_only, "smooth": smooth,
        })

    def write(self, path):
        save_file(self.tensors, path, {"cases": json.dumps(self.descriptions)})
        print(f"{path}: {len(self.descriptions)} cases, {len(self.tensors)} tensors")
