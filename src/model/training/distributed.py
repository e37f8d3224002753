"""Training with several processes: each computes on its share of every batch, and the gradients are averaged (DDP).

torchrun --nproc-per-node 2 -m src.model.train_model
torchrun --nproc-per-node 2 --max-restarts 3 -m src.model.training.train_production light 1.9.0

torchrun starts the processes, and starts all of them again if one dies. Without torchrun everything here leaves a
training as it is, bit by bit. All processes draw from the same generator, so that they agree on the order of the
pictures, and each from one of its own for distortions.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Generator, Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from src.model.data.mnist import Digits
from src.model.training import scoring

TIMEOUT = timedelta(hours=1)  # the others wait while the first makes the synthetic pictures


@contextmanager
def process_group() -> Iterator[None]:
    """Join the processes that torchrun started with this one, and leave them afterwards; alone without torchrun.

    They speak through gloo on the CPU and nccl on GPUs, each process with a GPU of its own.
    """
    if not dist.is_torchelastic_launched():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    store, rank, processes = next(rendezvous("env://", timeout=TIMEOUT))
    # torchrun keeps its store when it starts all processes again: there they would find the addresses of dead ones.
    store = PrefixStore(f"attempt-{os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    dist.init_process_group(backend, timeout=TIMEOUT, store=store, rank=rank, world_size=processes)
    try:
        yield
    finally:
        dist.destroy_process_group()


def is_restarted() -> bool:
    """Return whether torchrun has started this process again, after one of them had died."""
    return dist.is_torchelastic_launched() and os.environ["TORCHELASTIC_RESTART_COUNT"] != "0"


def count_processes() -> int:
    """Return the number of processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Return whether this process is the one that writes files and shows its progress."""
    return not dist.is_initialized() or dist.get_rank() == 0


@contextmanager
def first_before_others() -> Iterator[None]:
    """Let the first process run the block before the others do, which then find the files that it has made."""
    if not is_first():
        dist.barrier()
    yield
    if dist.is_initialized() and is_first():
        dist.barrier()


def parallelise(network: nn.Module) -> nn.Module:
    """Return a network whose gradients are the averages of all processes; its weights are those of `network`.

    Batch normalisation uses the statistics of the process's own share (only GPUs could use those of all, by
    SyncBatchNorm); `average_buffers` joins them.
    """
    return DistributedDataParallel(network, forward_sync_buffers=False) if dist.is_initialized() else network


def take_share(batch: Tensor, or_all: bool = False) -> Tensor:
    """Return this process's part of a batch [N, …], which may be empty.

    With `or_all`, every process takes the whole batch if it has fewer than one for each.
    """
    processes = count_processes()
    if processes == 1 or (or_all and len(batch) < processes):
        return batch
    return batch[dist.get_rank() :: processes]


def weigh(loss: Tensor, share: int, batch: int) -> Tensor:
    """Return the mean loss of a share so that the average over all processes is the mean loss of the batch.

    `share` and `batch` are numbers of pictures. A batch that everyone has taken whole counts as it is.
    """
    processes = count_processes()
    return loss if processes == 1 or share == batch else loss * (share * processes / batch)


def fork(generator: Generator) -> Generator:
    """Return a generator for what each process draws for itself; `generator` itself if this process is alone."""
    if count_processes() == 1:
        return generator
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    return Generator(generator.device).manual_seed(seed + dist.get_rank())


def average(value: float, weight: float = 1.0) -> float:
    """Return the mean of the processes' values, weighted."""
    if count_processes() == 1:
        return value
    sums = torch.tensor([value * weight, weight], dtype=torch.float64)
    dist.all_reduce(sums)
    return float(sums[0] / sums[1])


def compute_accuracy(network: nn.Module, digits: Digits) -> float:
    """Return the share of `digits` that the network classifies correctly, 0..1; each process scores a part of them."""
    own = digits[take_share(torch.arange(len(digits)), or_all=True)] if count_processes() > 1 else digits
    return average(scoring.compute_accuracy(network, own), len(own))


def average_buffers(network: nn.Module) -> None:
    """Replace the statistics of batch normalisation by their means over all processes."""
    if count_processes() > 1:
        for buffer in network.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer.div_(count_processes())


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Return, in every process, what the first one finds at `path`; None if it finds nothing."""
    states = [torch.load(path, "cpu", weights_only=True) if is_first() and path.exists() else None]
    if count_processes() > 1:
        dist.broadcast_object_list(states)
    return states[0]
