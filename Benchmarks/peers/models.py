"""The models of the comparison, layer for layer those of Lockstep's presets."""

import torch
from torch import nn
from torch.nn import functional as F


def mlp():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 1024), nn.ReLU(),
        nn.Linear(1024, 1024), nn.ReLU(),
        nn.Linear(1024, 10),
    )


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut without parameters (option A of He et al.)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.missing = stride, outputs - inputs

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.missing:
            before = self.missing // 2
            x = x[:, :, :: self.stride, :: self.stride]
            x = F.pad(x, (0, 0, 0, 0, before, self.missing - before))
        return F.relu(y + x, inplace=True)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        widths = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
        self.blocks = nn.Sequential(*[
            Block(a if i == 0 else b, b, s if i == 0 else 1) for a, b, s in widths for i in range(3)
        ])
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn1(self.conv1(x)), inplace=True))
        return self.linear(x.mean((2, 3)))


VOCABULARY = 65


class CharacterLSTM(nn.Module):
    def __init__(self, positions, embedding=128, hidden=512):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.head = nn.Linear(hidden, VOCABULARY)

    def forward(self, tokens):
        return self.head(self.lstm(self.embedding(tokens))[0])


class GPTBlock(nn.Module):
    def __init__(self, width, heads, bias, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.ln_1, self.ln_2 = nn.LayerNorm(width, bias=bias), nn.LayerNorm(width, bias=bias)
        self.c_attn = nn.Linear(width, 3 * width, bias=bias)
        self.attn_proj = nn.Linear(width, width, bias=bias)
        self.c_fc = nn.Linear(width, 4 * width, bias=bias)
        self.mlp_proj = nn.Linear(4 * width, width, bias=bias)

    def forward(self, x):
        n, positions, width = x.shape
        q, k, v = (
            part.view(n, positions, self.heads, width // self.heads).transpose(1, 2)
            for part in self.c_attn(self.ln_1(x)).split(width, dim=2))
        dropout = self.dropout if self.training else 0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        y = self.attn_proj(y.transpose(1, 2).reshape(n, positions, width))
        x = x + F.dropout(y, dropout)
        return x + F.dropout(self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x)))), dropout)


class GPT(nn.Module):
    """nanoGPT: its names are shortened, its draws of initial weights kept."""

    def __init__(self, positions, width, layers, heads, bias=False, dropout=0.0):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCABULARY, width), nn.Embedding(positions, width)
        self.blocks = nn.Sequential(*[
            GPTBlock(width, heads, bias, dropout) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width, bias=bias)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                residual = name.endswith("_proj.weight")
                nn.init.normal_(parameter, std=0.02 / (2 * layers) ** 0.5 if residual else 0.02)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe.weight[:tokens.shape[1]]
        return F.linear(self.ln_f(self.blocks(x)), self.wte.weight)


# Models of images: how to make them, and an image's shape.
IMAGE_MODELS = {
    "mlp": (mlp, (1, 28, 28)),
    "cnn": (cnn, (1, 28, 28)),
    "resnet20": (ResNet20, (3, 32, 32)),
}

# Models of tokens: how to make them for a number of positions, and that number where no other is asked for.
TOKEN_MODELS = {
    "lstm": (CharacterLSTM, 64),
    "gpt": (lambda positions: GPT(positions, 128, 4, 4), 64),
    "gpt-wide": (lambda positions: GPT(positions, 384, 6, 6), 256),
}

MODELS = [*IMAGE_MODELS, *TOKEN_MODELS]


def build(name, channels_last=False, positions=None):
    """A model and the shape of an example."""
    if name in TOKEN_MODELS:
        make, usual = TOKEN_MODELS[name]
        return make(positions or usual).train(), (positions or usual,)
    make, shape = IMAGE_MODELS[name]
    model = make().train()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    return model, shape
