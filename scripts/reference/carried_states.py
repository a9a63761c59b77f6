"""Truncated back-propagation through time with carried states, from PyTorch in float64.

    python scripts/reference/carried_states.py Tests/LockstepTestSupport/Data/carried-states.safetensors

A case is a language model of tokens: an embedding, a recurrent layer, logits. A text is cut into streams, a
batch has the next window of each, and the state behind a window is detached and starts the next one; an epoch
starts from zeros. The loss is the mean cross-entropy, the update plain gradient descent.

Each case has `tokens`, the parameters before (`before/…`) and after all steps (`after/…`), the loss of each
step (`losses`), and the states of all streams behind the last one (`state/hidden`, `state/cell`, batch first).
"""

import json
import sys

import torch
import torch.nn as nn
from safetensors.torch import save_file

from cases import Values

VOCABULARY, EMBEDDING, HIDDEN = 7, 5, 6
STREAMS, LENGTH, WINDOWS, EPOCHS, RATE = 6, 5, 3, 2, 0.5
KINDS = {"tanh": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
values = Values(19900401)
tensors, descriptions = {}, []


class Language(nn.Module):
    def __init__(self, kind, layers):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.core = KINDS[kind](EMBEDDING, HIDDEN, layers, batch_first=True)
        self.head = nn.Linear(HIDDEN, VOCABULARY)

    def forward(self, tokens, state):
        output, state = self.core(self.embedding(tokens), state)
        return self.head(output), state


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def add(name, kind, layers, length=LENGTH):
    torch.manual_seed(len(descriptions) + 1)
    model = Language(kind, layers)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((1.5 * parameter).float().double())
    count = STREAMS * WINDOWS * length + 1
    tokens = values.labels(VOCABULARY, count)
    for key, parameter in model.named_parameters():
        tensors[f"{name}/before/{key}"] = parameter.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    losses = []
    for _ in range(EPOCHS):
        state = None
        for window in range(WINDOWS):
            starts = [(stream * WINDOWS + window) * length for stream in range(STREAMS)]
            x = torch.stack([tokens[start:start + length] for start in starts])
            y = torch.stack([tokens[start + 1:start + length + 1] for start in starts])
            logits, state = model(x, state)
            loss = nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            state = detached(state)
    tensors[f"{name}/tokens"] = tokens.double()
    tensors[f"{name}/losses"] = torch.tensor(losses)
    for key, parameter in model.named_parameters():
        tensors[f"{name}/after/{key}"] = parameter.detach().clone()
    for key, part in zip(["hidden", "cell"], parts(state)):
        tensors[f"{name}/state/{key}"] = part.transpose(0, 1).contiguous().clone()
    descriptions.append({
        "name": name, "cell": kind, "layers": layers, "vocabulary": VOCABULARY,
        "embedding": EMBEDDING, "hidden": HIDDEN, "streams": STREAMS, "length": length,
        "windows": WINDOWS, "epochs": EPOCHS, "rate": RATE,
    })


add("tanh", "tanh", 1)
add("gru", "gru", 1)
add("gru of two layers", "gru", 2)
add("lstm", "lstm", 1)
add("lstm of two layers", "lstm", 2)
add("lstm of single tokens", "lstm", 1, length=1)

save_file(tensors, sys.argv[1], {"cases": json.dumps(descriptions)})
print(f"{sys.argv[1]}: {len(descriptions)} cases, {len(tensors)} tensors")
