"""Training many small networks at once: one process for each core, one core for each network.

A network of a few thousand numbers uses one core better than two, and its bits don't depend on how many there are.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

import torch
from tqdm import tqdm

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_parallel(function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Yield `function(task)` for all tasks as they are done, and show how many are.

    `function` must be importable, tasks and results must pickle. The first error ends it all.
    """
    waiting = list(tasks)
    context = get_context("spawn")  # a forked torch may hold a lock that nobody will release
    with ProcessPoolExecutor(max(1, min(cores(), len(waiting))), context, _start) as pool:
        futures = [pool.submit(function, task) for task in waiting]
        try:
            for future in tqdm(as_completed(futures), total=len(futures), unit="run"):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
