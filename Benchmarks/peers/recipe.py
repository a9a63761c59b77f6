"""Trains a recipe of `recipes.py` with PyTorch and prints its losses and seconds as a line of JSON.

  python peers/recipe.py --text tinyshakespeare.txt --recipe gpt --seed 1

The model, the data, the steps and the schedule are those of the configuration that `recipes.py` gives
Lockstep. Windows start anywhere in the first nine tenths of the text; the loss is that of the rest, cut
into windows that do not overlap. It runs as DDP (gloo) on several ranks or as one process with several
threads, each eager or with `torch.compile`.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

import ranks
from models import VOCABULARY, build

# Model, windows a step, steps, learning rate and its end, warm-up, and what Adam is given.
RECIPES = {
    "gpt": dict(
        model="gpt", batch=12, steps=2000, rate=1e-3, last=1e-4, warmup=100, decay=0.1, beta2=0.99),
    "lstm": dict(
        model="lstm", batch=32, steps=2000, rate=2e-3, last=0.0, warmup=20, decay=0.0, beta2=0.999),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", required=True)
    parser.add_argument("--recipe", choices=sorted(RECIPES), required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=1)
    ranks.add_arguments(parser)
    parser.add_argument("--threads", type=int, default=1, help="threads a process")
    parser.add_argument("--variant", choices=["eager", "compile"], default="eager")
    return parser.parse_args()


def tokens(path):
    """The text's characters by their order among the sorted ones."""
    text = Path(path).read_text(encoding="utf-8")
    number = {character: index for index, character in enumerate(sorted(set(text)))}
    assert len(number) == VOCABULARY, f"{path} has {len(number)} different characters"
    return torch.tensor([number[character] for character in text])


def rate_at(step, recipe, steps):
    """Linear to the rate, then half a cosine."""
    if step < recipe["warmup"]:
        return recipe["rate"] * step / recipe["warmup"]
    share = (step - recipe["warmup"]) / max(steps - recipe["warmup"], 1)
    return recipe["last"] + (recipe["rate"] - recipe["last"]) * (1 + math.cos(math.pi * share)) / 2


def mean_loss(model, inputs, labels):
    return F.cross_entropy(model(inputs).flatten(0, 1), labels.flatten())


@torch.no_grad()
def loss_of(model, data, length):
    """The mean over all windows of a part of the text."""
    model.eval()
    count = (len(data) - 1) // length
    inputs = data[:count * length].view(count, length)
    labels = data[1:count * length + 1].view(count, length)
    total = 0.0
    for some, wanted in zip(inputs.split(128), labels.split(128)):
        total += mean_loss(model, some, wanted).item() * len(some)
    model.train()
    return total / count


def work(rank, options):
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    parallel = options.processes > 1
    if parallel:
        ranks.join(rank, options)
    recipe = RECIPES[options.recipe]
    steps = options.steps or recipe["steps"]
    data = tokens(options.text)
    cut = int(len(data) * (1 - 0.1))
    model, (length,) = build(recipe["model"])
    trained = model
    if parallel:
        trained = nn.parallel.DistributedDataParallel(
            model, broadcast_buffers=False, gradient_as_bucket_view=True, static_graph=True)
    if options.variant == "compile":
        trained = torch.compile(trained)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    kind = torch.optim.AdamW if recipe["decay"] else torch.optim.Adam
    optimizer = kind(
        [{"params": decayed, "weight_decay": recipe["decay"]}, {"params": others, "weight_decay": 0}],
        lr=recipe["rate"], betas=(0.9, recipe["beta2"]), fused=True)
    places = torch.Generator().manual_seed(options.seed)
    local = recipe["batch"] // options.processes
    offsets = torch.arange(length)
    begin = time.perf_counter()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, recipe, steps)
        # All ranks draw the step's windows, and take their own.
        starts = torch.randint(cut - length, (recipe["batch"],), generator=places)
        at = starts[rank * local:(rank + 1) * local, None] + offsets
        optimizer.zero_grad(set_to_none=True)
        loss = mean_loss(trained, data[at], data[at + 1])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    seconds = time.perf_counter() - begin
    if rank == 0:
        print(json.dumps({
            "program": "PyTorch " + torch.__version__, "recipe": options.recipe,
            "processes": options.processes, "threads": options.threads, "steps": steps,
            "variant": options.variant, "seed": options.seed, "seconds": seconds,
            "trainingLoss": loss.item(), "validationLoss": loss_of(model, data[cut:], length),
        }), flush=True)
    if parallel:
        dist.barrier()
        dist.destroy_process_group()


if __name__ == "__main__":
    options = arguments()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    ranks.start(work, options)
