"""Reference outputs and gradients of layers for sequences, from PyTorch in float64.

    python scripts/reference/sequence_models.py Tests/LockstepTestSupport/Data/sequence-models.safetensors

Every model gets random weights. `input` is what it is called with, `lengths` the number of positions that are
seen, where there is one; `output` is its result, `gradient/<name>` the gradients of sum(output * cotangent),
`gradient/input` that by the input. `state/<name>` are the weights, and `after/<name>` those after a step of SGD
with a learning rate of 0.05.
"""

import json
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

from cases import Values, f32

EPSILON = f32(1e-5)
values = Values(29)
tensors, descriptions = {}, []


def padded(lengths, count):
    """PyTorch's key_padding_mask: true for what is not seen."""
    return None if lengths is None else torch.arange(count) >= lengths[:, None]


def later(count, causal):
    return torch.ones(count, count, dtype=torch.bool).triu(1) if causal else None


class Attention(nn.MultiheadAttention):
    def __init__(self, width, heads, causal=False, bias=True):
        super().__init__(width, heads, bias=bias, batch_first=True)
        self.causal = causal

    def forward(self, x, lengths=None, key=None):
        key = x if key is None else key
        return super().forward(
            x, key, key, key_padding_mask=padded(lengths, key.shape[1]), need_weights=False,
            attn_mask=later(x.shape[1], self.causal))[0]


class Encoder(nn.TransformerEncoderLayer):
    def __init__(self, *arguments, causal=False, **options):
        super().__init__(
            *arguments, dropout=0.0, batch_first=True, layer_norm_eps=EPSILON, **options)
        self.causal = causal

    def forward(self, x, lengths=None):
        return super().forward(
            x, src_mask=later(x.shape[1], self.causal),
            src_key_padding_mask=padded(lengths, x.shape[1]))


class Stack(nn.TransformerEncoder):
    def __init__(self):
        layer = nn.TransformerEncoderLayer(
            6, 2, 10, 0.0, "gelu", EPSILON, batch_first=True, norm_first=True)
        super().__init__(layer, 2, nn.LayerNorm(6, EPSILON), enable_nested_tensor=False)

    def forward(self, x, lengths=None):
        return super().forward(x, src_key_padding_mask=padded(lengths, x.shape[1]))


class Block(nn.Module):
    """A block of nanoGPT's."""

    def __init__(self, width, heads, bias):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, EPSILON, bias=bias)
        self.attn = nn.ModuleDict({
            "c_attn": nn.Linear(width, 3 * width, bias), "c_proj": nn.Linear(width, width, bias)})
        self.ln_2 = nn.LayerNorm(width, EPSILON, bias=bias)
        self.mlp = nn.ModuleDict({
            "c_fc": nn.Linear(width, 4 * width, bias), "c_proj": nn.Linear(4 * width, width, bias)})
        self.heads = heads

    def forward(self, x, approximate):
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.attn["c_attn"](self.ln_1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + self.attn["c_proj"](y)
        hidden = F.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate=approximate)
        return x + self.mlp["c_proj"](hidden)


class GPT(nn.Module):
    """nanoGPT's model, with its names."""

    def __init__(self, vocabulary, context, width, layers, heads, bias, approximate):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(vocabulary, width), "wpe": nn.Embedding(context, width),
            "h": nn.ModuleList([Block(width, heads, bias) for _ in range(layers)]),
            "ln_f": nn.LayerNorm(width, EPSILON, bias=bias)})
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight
        self.approximate = approximate

    def forward(self, tokens):
        parts = self.transformer
        x = parts["wte"](tokens) + parts["wpe"](torch.arange(tokens.shape[1]))
        for block in parts["h"]:
            x = block(x, self.approximate)
        return self.lm_head(parts["ln_f"](x))


def add(name, model, inputs, lengths=None, key=None):
    with torch.no_grad():
        for parameter in model.parameters():
            fan = parameter[0].numel() if parameter.dim() > 1 else 4
            parameter.copy_(values.normal(*parameter.shape) / fan**0.5 + (parameter.dim() == 1) * 0.5)
    put = lambda key, tensor: tensors.__setitem__(
        f"{name}/{key}", tensor.detach().double().contiguous().clone())
    x = inputs.clone().requires_grad_(inputs.is_floating_point())
    options = {}
    if lengths is not None:
        options["lengths"] = torch.tensor(lengths)
        put("lengths", options["lengths"])
    if key is not None:
        options["key"] = key
        put("key", key)
    put("input", x)
    output = model(x, **options)
    cotangent = values.normal(*output.shape)
    put("output", output)
    put("cotangent", cotangent)
    (output * cotangent).sum().backward()
    if x.grad is not None:
        put("gradient/input", x.grad)
    for parameter_name, parameter in model.named_parameters():
        put(f"state/{parameter_name}", parameter)
        put(f"gradient/{parameter_name}", parameter.grad)
    if list(model.parameters()):
        torch.optim.SGD(model.parameters(), f32(0.05)).step()
    for parameter_name, parameter in model.named_parameters():
        put(f"after/{parameter_name}", parameter)
    descriptions.append({"name": name, "parameters": [key for key, _ in model.named_parameters()]})


add("attention", Attention(6, 2), values.normal(2, 5, 6))
add("attention of one head without bias", Attention(4, 1, bias=False), values.normal(3, 4, 4))
add("causal attention with lengths", Attention(6, 3, True), values.normal(3, 4, 6), [4, 1, 2])
add("attention to another sequence", Attention(6, 2), values.normal(2, 3, 6), [5, 2],
    values.normal(2, 5, 6))
add("encoder layer", Encoder(6, 2, 9), values.normal(3, 4, 6), [4, 1, 3])
add("encoder layer, norm first, gelu",
    Encoder(6, 3, 8, activation="gelu", norm_first=True, causal=True), values.normal(2, 5, 6))
add("encoder layer without bias", Encoder(4, 2, 7, bias=False), values.normal(2, 1, 4))
add("encoder", Stack(), values.normal(2, 4, 6), [2, 4])
add("gpt", GPT(11, 6, 8, 2, 2, True, "none"), values.labels(11, 3, 5))
add("gpt of gpt-2's gelu, without bias", GPT(9, 4, 6, 1, 3, False, "tanh"), values.labels(9, 2, 4))
add("conv1d", nn.Conv1d(3, 4, 3), values.normal(2, 3, 9))
add("conv1d with everything", nn.Conv1d(4, 6, 3, 2, 3, 2, 2), values.normal(2, 4, 8))
add("conv1d same without bias", nn.Conv1d(2, 3, 4, padding="same", bias=False), values.normal(2, 2, 7))
add("max_pool1d", nn.MaxPool1d(3, 2, 1), values.distinct(2, 2, 8))
add("avg_pool1d", nn.AvgPool1d(3, padding=1), values.normal(2, 2, 9))
add("avg_pool1d without padding", nn.AvgPool1d(4, 3, 2, count_include_pad=False),
    values.normal(2, 2, 9))
add("conv_transpose2d", nn.ConvTranspose2d(3, 4, (3, 2), (2, 1), (1, 0), (1, 0), 1, True, 1),
    values.normal(2, 3, 4, 5))
add("conv_transpose2d of groups", nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, False, 1),
    values.normal(1, 4, 3, 3))
for name, size, length in [("of unequal windows", 4, 9), ("of equal windows", 3, 9), ("to more", 8, 5)]:
    add(f"adaptive_avg_pool1d {name}", nn.AdaptiveAvgPool1d(size), values.normal(2, 3, length))

save_file(tensors, sys.argv[1], {"cases": json.dumps(descriptions)})
print(f"{sys.argv[1]}: {len(descriptions)} models, {len(tensors)} tensors")
