"""Running a function on many tasks at once, and torch with fixed settings.

Tasks share the cores: each process has one torch thread, which suits networks of a few thousand parameters and makes
their results independent of the number of cores.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

import torch
from tqdm import tqdm

from src.model.cores import count_cores

Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def deterministic_torch(threads: int | None = None) -> Iterator[None]:
    """Make torch use deterministic algorithms, and `threads` threads if given; restore both settings afterwards."""
    threads_before = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads_before)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


def in_parallel(function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Yield the results of `function(task)` in the order in which they are ready, with a progress bar.

    Runs one process for each core. `function` must be importable; tasks and results must be picklable. The first error
    cancels the tasks that have not started, and is raised.
    """
    pending = list(tasks)
    context = get_context("spawn")  # a forked process may inherit a lock of torch that is never released
    with ProcessPoolExecutor(max(1, min(count_cores(), len(pending))), context) as pool:
        futures = [pool.submit(_run_deterministically, function, task) for task in pending]
        try:
            for future in tqdm(as_completed(futures), total=len(futures), unit="run"):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _run_deterministically(function: Callable[[Task], Result], task: Task) -> Result:
    with deterministic_torch(threads=1):
        return function(task)
