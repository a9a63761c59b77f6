"""Trains a model with PyTorch and prints examples per second as one line of JSON.

The step is the one that Lockstep takes: forward, backward, the mean over ranks, clipping by the
global norm, fused Adam, and for images the projection of every kernel's rows onto a ball. Batches are
slices of data that already lie in memory, so that no loader is measured; the images and tokens are made
as Lockstep's benchmarks make theirs, so that both learn them as fast and their gradients vanish alike.

  python peers/train.py --model cnn --processes 2 --threads 1 --variant eager

With --rendezvous a launcher (mpirun, srun) has started one process a rank, maybe on several hosts:

  mpirun -n 2 python peers/train.py --model cnn --rendezvous 10.0.0.1 --interface eth0
"""

import argparse
import contextlib
import json
import os
import statistics
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

import ranks
from models import MODELS, TOKEN_MODELS, VOCABULARY, build
from projection import project


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--sequence", type=int, help="the positions of an example, for tokens")
    parser.add_argument("--batch", type=int, default=128, help="the global batch size")
    ranks.add_arguments(parser)
    parser.add_argument("--threads", type=int, default=1, help="threads a process")
    parser.add_argument("--variant", choices=["eager", "channels-last", "compile"], default="eager")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32",
                        help="bfloat16: autocast")
    parser.add_argument("--bf16-wire", action="store_true", help="DDP's bf16 compression hook")
    parser.add_argument("--max-norm", type=float, default=3.0)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--windows", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="the length of a window")
    parser.add_argument("--memory", action="store_true", help="report the proportional memory too")
    return parser.parse_args()


def images(count, shape, classes=10):
    """Random grey values, brighter where their class's own random pattern is."""
    patterns = torch.randint(128, (classes, *shape), generator=torch.Generator().manual_seed(1))
    labels = torch.arange(count) % classes
    return (patterns[labels] + torch.randint(128, (count, *shape))) / 255, labels


def tokens(count, length):
    """Windows of tokens: of four, three follow from the one before, and the fourth is any."""
    result, token = [], 0
    total = count * length + 1
    kinds = torch.randint(4, (total,)).tolist()
    others = torch.randint(VOCABULARY, (total,)).tolist()
    for kind, other in zip(kinds, others):
        token = other if kind == 0 else (7 * token + 3) % VOCABULARY
        result.append(token)
    stream = torch.tensor(result)
    return stream[:-1].view(count, length), stream[1:].view(count, length)


def proportional_memory():
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))


def sent_bytes():
    """What the interfaces of this host, or of this network namespace, have sent."""
    with open("/proc/self/net/dev") as file:
        lines = [line.split(":") for line in file.readlines()[2:]]
    return sum(int(counts.split()[8]) for name, counts in lines if name.strip() != "lo")


def work(rank, options):
    started = time.perf_counter()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    parallel = options.processes > 1
    if parallel:
        ranks.join(rank, options)

    channels_last = options.variant == "channels-last"
    of_tokens = options.model in TOKEN_MODELS
    model, shape = build(options.model, channels_last, options.sequence)
    kernels = [] if of_tokens else [p for p in model.parameters() if p.dim() > 1]
    parameters = list(model.parameters())
    trained = model
    if parallel:
        trained = nn.parallel.DistributedDataParallel(
            model, broadcast_buffers=False, gradient_as_bucket_view=True, static_graph=True)
        if options.bf16_wire:
            from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import bf16_compress_hook
            trained.register_comm_hook(None, bf16_compress_hook)
    if options.variant == "compile":
        trained = torch.compile(trained)
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)

    local = options.batch // options.processes
    batches = 16
    torch.manual_seed(2 + rank)
    inputs, labels = (
        tokens(batches * local, *shape) if of_tokens else images(batches * local, shape))
    if channels_last:
        inputs = inputs.to(memory_format=torch.channels_last)
    precision = (
        torch.autocast("cpu", dtype=torch.bfloat16) if options.precision == "bfloat16"
        else contextlib.nullcontext())

    def step(number):
        at = number % batches * local
        optimizer.zero_grad(set_to_none=True)
        with precision:
            output = trained(inputs[at:at + local])
        wanted = labels[at:at + local]
        if of_tokens:
            output, wanted = output.flatten(0, 1), wanted.flatten()
        loss = F.cross_entropy(output.float(), wanted)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, options.clip)
        optimizer.step()
        project(kernels, options.max_norm)
        return loss

    sent_before = sent_bytes()
    number = 0
    first = step(number).item()
    launched = time.perf_counter() - started
    warm = time.perf_counter()
    count = 0
    while True:  # at least ten steps and one second, the same number on all ranks
        number += 1
        count += 1
        step(number)
        going = torch.tensor(float(count < 10 or time.perf_counter() - warm < 1.0))
        if parallel:
            dist.broadcast(going, 0)
        if going == 0:
            break
    pace = (time.perf_counter() - warm) / count
    steps = torch.tensor(max(int(options.seconds / pace), 5))
    if parallel:
        dist.broadcast(steps, 0)
    rates = []
    for _ in range(options.windows):
        if parallel:
            dist.barrier()
        begin = time.perf_counter()
        for _ in range(int(steps)):
            number += 1
            last = step(number)
        last.item()
        if parallel:
            dist.barrier()
        rates.append(int(steps) * options.batch / (time.perf_counter() - begin))
    if options.memory:
        memory = torch.tensor(float(proportional_memory()), dtype=torch.float64)
        if parallel:
            dist.all_reduce(memory)
    if rank == 0:
        report = {
            "program": "PyTorch " + torch.__version__,
            "model": options.model,
            "batch": options.batch,
            "sequence": shape[0] if of_tokens else None,
            "processes": options.processes,
            "threads": options.threads,
            "variant": options.variant,
            "precision": options.precision,
            "examplesPerSecond": statistics.median(rates),
            "slowest": min(rates),
            "fastest": max(rates),
            "firstLoss": first,
            "lastLoss": last.item(),
            "secondsPerStep": options.batch / statistics.median(rates),
            "networkBytesPerStep": (sent_bytes() - sent_before) / (number + 1),
            "secondsToFirstStep": launched,
        }
        if options.memory:
            report["proportionalMemory"] = memory.item() / options.processes
        print(json.dumps(report), flush=True)
    if parallel:
        dist.barrier()
        dist.destroy_process_group()


def main():
    options = arguments()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    ranks.start(work, options)


if __name__ == "__main__":
    main()
