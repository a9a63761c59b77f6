"""A small GPT-2 with random weights as its authors published it, and what it computes.

    python scripts/reference/gpt2.py Tests/LockstepTestSupport/Data

`gpt2.safetensors` has the names of Hugging Face's Transformers: linear maps as `Conv1D`, [in, out], and the masks
`attn.bias` and `attn.masked_bias` that older versions stored. `gpt2-outputs.safetensors` has tokens, and the
model's logits for them in float64.
"""

import sys

import torch
from safetensors.torch import save_file
from torch import nn

VOCABULARY, CONTEXT, WIDTH, LAYERS, HEADS = 13, 8, 12, 2, 3

torch.manual_seed(1927)
torch.set_num_threads(1)


class Conv1D(nn.Module):
    """A linear map whose weight is [in, out]."""

    def __init__(self, outputs, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) / inputs**0.5)
        self.bias = nn.Parameter(torch.randn(outputs) / 4)

    def forward(self, x):
        return x @ self.weight + self.bias


def norm():
    layer = nn.LayerNorm(WIDTH, 1e-5)
    nn.init.normal_(layer.weight, 1, 0.3)
    nn.init.normal_(layer.bias, 0, 0.3)
    return layer


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        mask = torch.tril(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool))
        self.register_buffer("bias", mask.view(1, 1, CONTEXT, CONTEXT))
        self.register_buffer("masked_bias", torch.tensor(-1e4))
        self.c_attn = Conv1D(3 * WIDTH, WIDTH)
        self.c_proj = Conv1D(WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in self.c_attn(x).chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        count = x.shape[1]
        scores = scores.masked_fill(~self.bias[:, :, :count, :count], float("-inf"))
        return self.c_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = norm()
        self.attn = Attention()
        self.ln_2 = norm()
        self.mlp = nn.ModuleDict({
            "c_fc": Conv1D(4 * WIDTH, WIDTH), "c_proj": Conv1D(WIDTH, 4 * WIDTH)})

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        hidden = nn.functional.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh")
        return x + self.mlp["c_proj"](hidden)


class GPT2(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(VOCABULARY, WIDTH), "wpe": nn.Embedding(CONTEXT, WIDTH),
            "h": nn.ModuleList([Block() for _ in range(LAYERS)]), "ln_f": norm()})
        self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight

    def forward(self, tokens):
        parts = self.transformer
        x = parts["wte"](tokens) + parts["wpe"](torch.arange(tokens.shape[1]))
        for block in parts["h"]:
            x = block(x)
        return self.lm_head(parts["ln_f"](x))


model = GPT2()
state = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
save_file(state, f"{sys.argv[1]}/gpt2.safetensors", metadata={"format": "pt"})
tokens = torch.randint(VOCABULARY, (3, CONTEXT))
with torch.no_grad():
    logits = model.double()(tokens)
save_file({"input": tokens.double(), "output": logits}, f"{sys.argv[1]}/gpt2-outputs.safetensors",
          metadata={"cases": "[]"})
