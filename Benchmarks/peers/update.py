"""Times norm, clip, Adam and max-norm by PyTorch, every form of them in turn, as a line of JSON.

  python peers/update.py --parameters 10000000 --threads 1

The parameters are matrices of 1024 x 1024, as those of `lockstep benchmark update`.
"""

import argparse
import json
import statistics
import time

import torch

from projection import project, renormalize


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parameters", type=int, default=10_000_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--max-norm", type=float, default=3.0)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--variants", nargs="+", choices=sorted(VARIANTS), default=sorted(VARIANTS))
    return parser.parse_args()


def matrices(count):
    rows = max(count // 1024, 1)
    each = min(rows, 1024)
    result = []
    for _ in range(rows // each):
        matrix = torch.nn.Parameter((torch.rand(each, 1024) - 0.5) / 5)
        matrix.grad = torch.rand(each, 1024) - 0.5
        result.append(matrix)
    return result


# The optimizer's keywords and the projection.
VARIANTS = {
    "fused": ({"fused": True}, project),
    "fused, renorm": ({"fused": True}, renormalize),
    "foreach": ({"foreach": True}, project),
}


def make(name, options):
    keywords, projection = VARIANTS[name]
    parameters = matrices(options.parameters)
    optimizer = torch.optim.Adam(parameters, lr=1e-3, **keywords)

    def update():
        torch.nn.utils.clip_grad_norm_(parameters, options.clip)
        optimizer.step()
        projection(parameters, options.max_norm)

    return update


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    updates = {name: make(name, options) for name in options.variants}
    times = {name: [] for name in updates}
    for number in range(options.repetitions + 5):
        for name, update in updates.items():
            begin = time.perf_counter()
            update()
            if number >= 5:  # the first ones allocate the moments and warm up
                times[name].append(time.perf_counter() - begin)
    print(json.dumps({
        "program": "PyTorch " + torch.__version__,
        "parameters": sum(m.numel() for m in matrices(options.parameters)),
        "threads": options.threads,
        "seconds": {
            name: {"median": statistics.median(t), "smallest": min(t), "largest": max(t)}
            for name, t in times.items()},
    }))


if __name__ == "__main__":
    main()
