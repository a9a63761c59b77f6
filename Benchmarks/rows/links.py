"""Two hosts over 1 Gbit/s, against the longer of computing and sending and against DDP."""

import os
import shutil
from argparse import Namespace

import links
from programs import progress
from rows.row import Row

RATE = "1gbit"


def rows(options):
    if os.geteuid() or not shutil.which("ip"):
        progress("links: skipped: the hosts are network namespaces, which take root and iproute2")
        return
    settings = Namespace(
        batch=128, shards=None, hosts=2, rounds=options.rounds, windows=3, seconds=0.5, limit=90,
        python=options.python, lockstep=options.lockstep, without_peers=False)
    rounds = links.measure(settings, "mlp", RATE)
    for name in ("Lockstep", "Lockstep, bf16 wire"):
        yield Row(f"mlp, 2 hosts, 1 Gbit/s, {name}, step over max(compute, bytes / bandwidth)",
                  links.over_bound(rounds, name, RATE, settings.batch), 1.1, at_least=False)
    yield Row("the same in Float32, step over max(its own work, bytes / bandwidth)",
              links.over_work(rounds, "Lockstep", RATE), 1.2, at_least=False,
              note="work: passes, products of all hosts' examples, fold, update")
    for name in ("DDP", "DDP, bf16 hook"):
        yield Row(f"mlp, 2 hosts, 1 Gbit/s, against {name}", links.over_lockstep(rounds, name), 1)
