"""Trains the digits' network of `time-to-accuracy.py` with PyTorch: a line of JSON an epoch.

  python peers/digits.py --digits FOLDER --seed 1

The network, the data, the batches, Adam, the schedule and the clip are those of Examples/digits-cnn.json.
It runs as DDP (gloo) on several ranks or as one process with several threads. FOLDER holds the arrays that
scripts/digits-to-files.py writes.
"""

import argparse
import json
import os
from pathlib import Path

import numpy
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

import ranks
from models import cnn


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--digits", required=True, type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    ranks.add_arguments(parser)
    parser.add_argument("--threads", type=int, default=1, help="threads a process")
    parser.add_argument(
        "--variant", choices=["eager", "channels-last", "compile"], default="eager")
    return parser.parse_args()


def part(folder, name):
    images = torch.from_numpy(numpy.load(folder / f"{name}_images.npy")).float().div_(255)
    labels = torch.from_numpy(numpy.load(folder / f"{name}_labels.npy")).long()
    return images.reshape(-1, 1, 28, 28), labels


@torch.no_grad()
def accuracy(model, images, labels, rank, options):
    """The share of right answers; each rank looks at its part of the examples."""
    model.eval()
    mine = range(rank, len(images), options.processes)
    right = torch.zeros(1)
    for some in torch.tensor(list(mine)).split(256):
        right += (model(images[some]).argmax(1) == labels[some]).sum()
    model.train()
    if options.processes > 1:
        dist.all_reduce(right)
    return right.item() / len(images)


def work(rank, options):
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    parallel = options.processes > 1
    if parallel:
        ranks.join(rank, options)
    images, labels = part(options.digits, "train")
    test_images, test_labels = part(options.digits, "test")
    model = cnn()
    if options.variant == "channels-last":
        model = model.to(memory_format=torch.channels_last)
        images, test_images = (
            each.to(memory_format=torch.channels_last) for each in (images, test_images))
    trained = model
    if parallel:
        trained = nn.parallel.DistributedDataParallel(
            model, gradient_as_bucket_view=True, static_graph=True)
    if options.variant == "compile":
        trained = torch.compile(trained)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    batches = len(images) // options.batch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.epochs * batches)
    orders = torch.Generator().manual_seed(options.seed)
    local = options.batch // options.processes
    for epoch in range(options.epochs):
        order = torch.randperm(len(images), generator=orders)
        for batch in range(batches):
            # All ranks draw the epoch's order, and take their own part of a batch.
            first = batch * options.batch + rank * local
            at = order[first:first + local]
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(trained(images[at]), labels[at]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        reached = accuracy(model, test_images, test_labels, rank, options)
        if rank == 0:
            print(json.dumps({"epoch": epoch + 1, "accuracy": reached}), flush=True)
    if parallel:
        dist.barrier()
        dist.destroy_process_group()


if __name__ == "__main__":
    options = arguments()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    ranks.start(work, options)
