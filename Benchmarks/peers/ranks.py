"""Starting the ranks of a PyTorch program: by itself, or found where a launcher started them."""

import os

import torch.distributed as dist
import torch.multiprocessing as mp


def add_arguments(parser):
    parser.add_argument("--processes", type=int, default=2, help="ranks over gloo; 1: no group")
    parser.add_argument(
        "--rendezvous", metavar="ADDRESS", help="a launcher started the ranks; rank 0's address")
    parser.add_argument("--interface", default="lo", help="what gloo sends through")
    parser.add_argument("--port", type=int, default=29517)


def join(rank, options):
    """Makes the group of all ranks."""
    os.environ["MASTER_ADDR"] = options.rendezvous or "127.0.0.1"
    os.environ["MASTER_PORT"] = str(options.port)
    os.environ["GLOO_SOCKET_IFNAME"] = options.interface
    dist.init_process_group("gloo", rank=rank, world_size=options.processes)


def start(work, options):
    """Runs `work(rank, options)` on all ranks."""
    if options.rendezvous:
        rank, size = (
            next(int(os.environ[name]) for name in names if name in os.environ)
            for names in [("OMPI_COMM_WORLD_RANK", "SLURM_PROCID"),
                          ("OMPI_COMM_WORLD_SIZE", "SLURM_NTASKS")])
        options.processes = size
        work(rank, options)
    elif options.processes == 1:
        work(0, options)
    else:
        mp.spawn(work, args=(options,), nprocs=options.processes)
