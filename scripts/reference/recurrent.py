"""Recurrent layers and embeddings, from PyTorch in float64.

    python scripts/reference/recurrent.py Tests/LockstepTestSupport/Data/recurrent.safetensors

Each case is a layer with parameters, inputs `x` [N, T, features], first states where there are some, and
lengths. Expected are `output`, `h_n` and `c_n` (batch first), and the gradients of the sum of their products
with the cotangents. PyTorch's packed sequences know no length of 0: such a sequence is left out of PyTorch's
run, has an output of 0 and keeps its first state.

The embedding's case has `indices`, `weight`, `output`, `cotangent` and `gradient`.
"""

import json
import sys

import torch
import torch.nn as nn
from safetensors.torch import save_file
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cases import Values

KINDS = {"tanh": nn.RNN, "relu": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
values = Values(19970801)
tensors, descriptions = {}, []


def run(layer, x, states, lengths):
    """The output, and the states as [layers * directions, N, H], of a batch."""
    if lengths is None:
        output, last = layer(x, states[0] if len(states) == 1 else tuple(states))
        return output, (last if isinstance(last, tuple) else (last,))
    some = [i for i, length in enumerate(lengths) if length > 0]
    packed = pack_padded_sequence(
        x[some], torch.tensor([lengths[i] for i in some]), batch_first=True, enforce_sorted=False)
    first = tuple(state[:, some].contiguous() for state in states)
    output, last = layer(packed, first[0] if len(first) == 1 else first)
    output, _ = pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
    whole = x.new_zeros(x.shape[0], x.shape[1], output.shape[2])
    whole[some] = output
    lasts = []
    for state, end in zip(states, last if isinstance(last, tuple) else (last,)):
        joined = state.clone()
        joined[:, some] = end
        lasts.append(joined)
    return whole, tuple(lasts)


def add(name, kind, n, positions, features, hidden, layers=1, bidirectional=False, bias=True,
        lengths=None, initial=True):
    torch.manual_seed(len(descriptions))
    more = {"nonlinearity": kind} if KINDS[kind] is nn.RNN else {}
    layer = KINDS[kind](
        features, hidden, layers, bias=bias, batch_first=True, bidirectional=bidirectional, **more)
    with torch.no_grad():
        # As large as gates need to leave the linear part of their functions, and kinks far enough away.
        for parameter in layer.parameters():
            parameter.copy_((1.5 * parameter).float().double())
    x = values.normal(n, positions, features).requires_grad_()
    shape = [layers * (2 if bidirectional else 1), n, hidden]
    names = ["h0", "c0"] if kind == "lstm" else ["h0"]
    states = [
        (values.normal(*shape) if initial else torch.zeros(shape)).requires_grad_() for _ in names]
    output, last = run(layer, x, states, lengths)
    results = dict(zip(["output", "h_n", "c_n"], [output, *last]))
    cotangents = {key: values.normal(*tensor.shape) for key, tensor in results.items()}
    objective = sum((results[key] * cotangents[key]).sum() for key in results)
    parameters = dict(layer.named_parameters())
    wanted = {"x": x, **(dict(zip(names, states)) if initial else {}), **parameters}
    gradients = torch.autograd.grad(objective, list(wanted.values()))

    def put(key, tensor):
        if key.split("/")[-1] in ("h_n", "c_n", "h0", "c0"):
            tensor = tensor.transpose(0, 1)
        tensors[f"{name}/{key}"] = tensor.detach().double().contiguous().clone()

    for key, tensor in wanted.items():
        put(f"input/{key}", tensor)
    for key in results:
        put(f"output/{key}", results[key])
        put(f"cotangent/{key}", cotangents[key])
    for key, gradient in zip(wanted, gradients):
        put(f"gradient/{key}", gradient)
    descriptions.append({
        "name": name, "cell": kind, "features": features, "hidden": hidden, "layers": layers,
        "bidirectional": bidirectional, "bias": bias, "initial": initial, "lengths": lengths or [],
        "parameters": list(parameters),
    })


for kind in KINDS:
    add(f"{kind}", kind, 5, 7, 3, 6)
    add(f"{kind} of one example and one position", kind, 1, 1, 2, 1)
    add(f"{kind} of one position without bias", kind, 3, 1, 4, 17, bias=False, initial=False)
    add(f"{kind} in both directions", kind, 2, 5, 3, 19, bidirectional=True)
    add(f"{kind} of two layers", kind, 18, 9, 3, 7, layers=2, initial=False)
    add(f"{kind} of three layers in both directions with lengths", kind, 6, 6, 2, 5, layers=3,
        bidirectional=True, lengths=[6, 1, 4, 0, 2, 6])
    add(f"{kind} with lengths", kind, 4, 9, 5, 18, lengths=[3, 9, 0, 1])
    add(f"{kind} with lengths and zero states", kind, 3, 4, 2, 4, bidirectional=True,
        lengths=[2, 3, 1], initial=False)

table = values.normal(11, 5).requires_grad_()
indices = torch.tensor([[1, 2, 0], [2, 2, 10], [3, 0, 4], [9, 10, 2]])
output = nn.functional.embedding(indices, table, padding_idx=2)
cotangent = values.normal(*output.shape)
for key, tensor in {
    "weight": table, "indices": indices, "output": output, "cotangent": cotangent,
    "gradient": torch.autograd.grad((output * cotangent).sum(), table)[0],
}.items():
    tensors[f"embedding/{key}"] = tensor.detach().double().contiguous().clone()

save_file(tensors, sys.argv[1], {"cases": json.dumps(descriptions)})
print(f"{sys.argv[1]}: {len(descriptions)} cases, {len(tensors)} tensors")
