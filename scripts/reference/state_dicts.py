"""State dictionaries of PyTorch's layers as `save_file` leaves them, and what the layers compute.

    python scripts/reference/state_dicts.py Tests/LockstepTestSupport/Data/state-dicts

`NAME.safetensors` has a layer's weights in float32 under the names of its `state_dict`. `outputs.safetensors` has
an input and the output of each layer in float64.
"""

import json
import sys

import torch
from safetensors.torch import save_file
from torch import nn

from cases import Values

torch.manual_seed(5)
torch.set_default_dtype(torch.float32)
values = Values(41)
tensors, names = {}, []


class Attention(nn.MultiheadAttention):
    def forward(self, x):
        return super().forward(x, x, x, need_weights=False)[0]


class First:
    """A recurrent layer's output, without the last states."""

    def __init__(self, layer):
        self.layer = layer

    def __call__(self, x):
        return self.layer(x)[0]


def add(name, layer, x, call=None):
    layer.eval()
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.3 * torch.randn(parameter.shape))
    save_file(
        {key: tensor.contiguous().clone() for key, tensor in layer.state_dict().items()},
        f"{sys.argv[1]}/{name}.safetensors", metadata={"format": "pt"})
    with torch.no_grad():
        layer.double()
        output = (call or layer)(x.double() if x.is_floating_point() else x)
    tensors[f"{name}/input"] = x.double()
    tensors[f"{name}/output"] = output.double().contiguous()
    names.append({"name": name})


def recurrent(name, layer):
    add(name, layer, values.normal(1, 5, 4).double(), First(layer))


recurrent("rnn", nn.RNN(4, 6, 2, batch_first=True))
recurrent("gru", nn.GRU(4, 5, bidirectional=True, batch_first=True))
recurrent("lstm", nn.LSTM(4, 6, 2, bidirectional=True, batch_first=True))
add("attention", Attention(8, 2, batch_first=True), values.normal(1, 5, 8))
layer = nn.TransformerEncoderLayer(8, 2, 12, activation="gelu", batch_first=True)
add("encoder", nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), enable_nested_tensor=False),
    values.normal(1, 5, 8))
add("embedding", nn.Embedding(9, 4), values.labels(9, 1, 7))

save_file(tensors, f"{sys.argv[1]}/outputs.safetensors", metadata={"cases": json.dumps(names)})
print(f"{sys.argv[1]}: {len(names)} layers")
