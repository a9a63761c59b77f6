"""Models of PyTorch as ONNX files of both exporters, and what PyTorch computes with them in float64.

    python scripts/reference/onnx_models.py Tests/LockstepONNXTests/Fixtures

`<model>-<export>.onnx` is the model in one of the ways in which people export it. `models.safetensors` has for each
model `state/<name>`, `input`, `output` in evaluation, `cotangent`, `training` (the output in training mode) and
`gradient/<name>`, those of sum(training * cotangent).

`scripts/peers/pytorch.py` trains the same models.
"""

import copy
import json
import math
import sys
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
torch.manual_seed(41)


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.bn1 = nn.Linear(5, 8), nn.BatchNorm1d(8)
        self.fc2, self.bn2 = nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.bn2(self.fc2(F.relu(self.bn1(self.fc1(x)))))))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.short = nn.Identity()
        if stride != 1:
            self.short = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.short(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(2, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        self.pool, self.layer1, self.layer2 = nn.MaxPool2d(2), Block(4, 4, 1), Block(4, 6, 2)
        self.average, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(6, 3)

    def forward(self, x):
        x = self.layer2(self.layer1(self.pool(F.relu(self.bn(self.conv(x))))))
        return self.fc(torch.flatten(self.average(x), 1))


class Depthwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU6(),
            nn.Conv2d(4, 4, 3, 1, 1, groups=4, bias=False), nn.BatchNorm2d(4), nn.Hardswish(),
            nn.Conv2d(4, 6, 1, bias=False), nn.BatchNorm2d(6))
        self.reduce, self.expand = nn.Conv2d(6, 2, 1), nn.Conv2d(2, 6, 1)
        self.classifier = nn.Linear(6, 3)

    def forward(self, x):
        x = self.features(x)
        share = torch.sigmoid(self.expand(F.silu(self.reduce(x.mean((2, 3), keepdim=True)))))
        return self.classifier((x * share).mean([2, 3]))


class Convolution1d(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1 = nn.Conv1d(2, 4, 5, padding=2), nn.BatchNorm1d(4)
        self.c2, self.pool = nn.Conv1d(4, 6, 3, stride=2, padding=1), nn.MaxPool1d(2)
        self.average, self.fc = nn.AdaptiveAvgPool1d(1), nn.Linear(6, 3)

    def forward(self, x):
        x = F.leaky_relu(self.c2(self.pool(F.gelu(self.b1(self.c1(x))))), 0.1)
        return self.fc(self.average(x).squeeze(-1))


class LSTMClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.lstm = nn.LSTM(4, 5, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(10, 3)

    def forward(self, x):
        _, (hidden, _) = self.lstm(self.embedding(x))
        return self.fc(torch.cat([hidden[-2], hidden[-1]], 1))


class GRUClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.fc = nn.GRU(3, 5, num_layers=2, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.fc(self.gru(x)[0][:, -1])


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.project, self.positions = nn.Linear(3, 8), nn.Parameter(torch.randn(1, 5, 8) * 0.1)
        layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.norm, self.fc = nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.norm(self.encoder(self.project(x) + self.positions)).mean(1))


class Attention(nn.Module):
    def __init__(self, width, heads, context, fused):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        mask = torch.tril(torch.ones(context, context)).view(1, 1, context, context)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x):
        n, t, c = x.size()
        q, k, v = (
            part.view(n, t, self.heads, c // self.heads).transpose(1, 2)
            for part in self.c_attn(x).split(c, dim=2))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(k.size(-1)))
            scores = scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
            y = F.softmax(scores, -1) @ v
        return self.c_proj(y.transpose(1, 2).contiguous().view(n, t, c))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads, context, fused):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads, context, fused)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({
            "c_fc": nn.Linear(width, 2 * width), "gelu": nn.GELU(approximate="tanh"),
            "c_proj": nn.Linear(2 * width, width)})

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp.c_proj(self.mlp.gelu(self.mlp.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self, fused):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(11, 8), "wpe": nn.Embedding(6, 8),
            "h": nn.ModuleList([TransformerBlock(8, 2, 6, fused) for _ in range(2)]),
            "ln_f": nn.LayerNorm(8)})
        self.lm_head = nn.Linear(8, 11, bias=False)

    def forward(self, tokens):
        places = torch.arange(tokens.size(1), device=tokens.device)
        x = self.transformer.wte(tokens) + self.transformer.wpe(places)
        for block in self.transformer.h:
            x = block(x)
        return self.lm_head(self.transformer.ln_f(x))


EXPORTS = ["script", "script-training", "script-fixed", "dynamo", "dynamo-plain", "dynamo-fixed"]


def export(model, x, path, kind):
    names = {"input_names": ["input"], "output_names": ["output"]}
    if kind.startswith("script"):
        if kind == "script-training":
            names |= {"training": torch.onnx.TrainingMode.TRAINING, "do_constant_folding": False}
        if kind != "script-fixed":
            names["dynamic_axes"] = {"input": {0: "batch"}, "output": {0: "batch"}}
        torch.onnx.export(model, (x,), path, dynamo=False, **names)
    else:
        if kind != "dynamo-fixed":
            names["dynamic_shapes"] = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(
            model, (x,), path, dynamo=True, external_data=False, verbose=False,
            optimize=kind != "dynamo-plain", **names)


def tokens(count, length, limit):
    return torch.randint(0, limit, (count, length))


MODELS = {
    "mlp": (Perceptron(), torch.randn(6, 5)),
    "resnet": (ResNet(), torch.randn(6, 2, 8, 8)),
    "depthwise": (Depthwise(), torch.randn(6, 1, 8, 8)),
    "conv1d": (Convolution1d(), torch.randn(6, 2, 12)),
    "lstm": (LSTMClassifier(), tokens(6, 5, 9)),
    "gru": (GRUClassifier(), torch.randn(6, 4, 3)),
    "encoder": (Encoder(), torch.randn(6, 5, 3)),
    "gpt": (GPT(fused=False), tokens(6, 6, 11)),
    "gpt-fused": (GPT(fused=True), tokens(6, 6, 11)),
}


def main(folder):
    tensors, descriptions = {}, []
    for name, (model, x) in MODELS.items():
        with torch.no_grad():
            for buffer_name, buffer in model.named_buffers():
                if "running" in buffer_name:
                    buffer.copy_(torch.rand_like(buffer) + 0.5)
        for kind in EXPORTS:
            copied = copy.deepcopy(model)
            copied.train(kind == "script-training")
            export(copied, x[:4], f"{folder}/{name}-{kind}.onnx", kind)
        exact = copy.deepcopy(model).double()
        state = {k: v for k, v in exact.state_dict().items() if "num_batches" not in k}
        for key, value in state.items():
            tensors[f"{name}/state/{key}"] = value.clone()
        values = x.double() if x.is_floating_point() else x
        tensors[f"{name}/input"] = x.double()
        tensors[f"{name}/output"] = exact.eval()(values).detach()
        output = exact.train()(values)
        cotangent = torch.randn(output.shape, dtype=torch.float64)
        (output * cotangent).sum().backward()
        tensors[f"{name}/cotangent"], tensors[f"{name}/training"] = cotangent, output.detach()
        for key, value in exact.named_parameters():
            tensors[f"{name}/gradient/{key}"] = value.grad.clone()
        descriptions.append({
            "name": name, "tokens": not x.is_floating_point(), "exports": EXPORTS,
            "parameters": [key for key, _ in exact.named_parameters()],
            "statistics": [key for key in state if "running" in key]})
    save_file(tensors, f"{folder}/models.safetensors", {"cases": json.dumps(descriptions)})


if __name__ == "__main__":
    main(sys.argv[1])
