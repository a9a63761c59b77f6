"""Times gloo's all_reduce, every rank having read the result, as a line of JSON.

  python peers/allreduce.py --bytes 4194304

As `lockstep benchmark fold` has it: the gradient has just been written, the slowest rank counts.
"""

import argparse
import json
import statistics
import time

import torch
import torch.distributed as dist

import ranks


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ranks.add_arguments(parser)
    parser.add_argument("--bytes", type=int, default=4 << 20)
    parser.add_argument("--repetitions", type=int, default=40)
    return parser.parse_args()


def work(rank, options):
    torch.set_num_threads(1)
    ranks.join(rank, options)
    gradient = torch.empty(options.bytes // 4)
    slowest = torch.zeros(1, dtype=torch.float64)
    times, reading = [], []
    for number in range(options.repetitions + 5):
        gradient.fill_(1)
        dist.barrier()
        begin = time.perf_counter()
        dist.all_reduce(gradient)
        reduced = time.perf_counter()
        total = gradient.sum().item()
        end = time.perf_counter()
        expected = options.processes * gradient.numel()
        assert abs(total - expected) <= 1e-3 * expected, f"{total} is not {expected}"
        slowest[0] = end - begin
        dist.all_reduce(slowest, dist.ReduceOp.MAX)
        if number >= 5:
            times.append(slowest.item())
            reading.append(end - reduced)
    if rank == 0:
        print(json.dumps({
            "program": "PyTorch " + torch.__version__,
            "bytes": options.bytes,
            "ranks": options.processes,
            "allreduce": {
                "median": statistics.median(times), "smallest": min(times), "largest": max(times)},
            "reading": statistics.median(reading),
        }), flush=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    options = arguments()
    ranks.start(work, options)
