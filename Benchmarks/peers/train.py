"""Trains a model with PyTorch and prints examples per second as one line of JSON.

The step is the one that Lockstep takes: forward, backward, the mean over ranks, clipping by the
global norm, fused Adam, and the projection of every kernel's rows onto a ball. Batches are slices
of data that already lie in memory, so that no loader is measured; the images are made as Lockstep's
benchmarks make theirs, so that both learn them as fast and their gradients vanish alike.

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
from models import MODELS, build
from projection import project


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=sorted(MODELS), required=True)
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
    model, shape = build(options.model, channels_last)
    kernels = [p for p in model.parameters() if p.dim() > 1]
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
    inputs, labels = images(batches * local, shape)
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
        loss = F.cross_entropy(output.float(), labels[at:at + local])
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
    if rank == 0:
        report = {
            "program": "PyTorch " + torch.__version__,
            "model": options.model,
            "batch": options.batch,
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
            report["proportionalMemory"] = proportional_memory()
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
