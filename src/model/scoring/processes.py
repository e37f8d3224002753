"""The launcher for one machine: worker processes that take shards one by one.

A process that dies takes only its shard with it, which another one scores again. A worker whose parent has died ends
after its shard, because nobody takes its answer.
"""

import os
import signal
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

from src.model.errors import ScoringError
from src.model.scoring.manifest import Job
from src.model.scoring.score_shard import Done, attempt_shard

ATTEMPTS: Final = 3  # at a shard whose process dies
SMALL_PROCESS: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # other threads would only take memory


@dataclass(eq=False)
class Worker:
    """A process and the shard it is at."""

    process: BaseProcess
    connection: Connection
    shard: int


def run_in_processes(job: Job, shards: Sequence[int], workers: int) -> Generator[Done, None, None]:
    """Score shards in `workers` processes; yield each when it is done. Raises `ScoringError`."""
    waiting, deaths = deque(shards), Counter[int]()
    running: list[Worker] = []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_start(job, waiting.popleft()))
            ready = wait([worker.connection for worker in running])
            for worker in [worker for worker in running if worker.connection in ready]:
                try:
                    answer = worker.connection.recv()
                except (EOFError, ConnectionError):  # it has died
                    running.remove(worker)
                    _end(worker)
                    deaths[worker.shard] += 1
                    _require_hope(worker, deaths[worker.shard])
                    waiting.append(worker.shard)
                    continue
                if isinstance(answer, Exception):
                    raise answer
                yield answer
                if waiting:
                    worker.shard = waiting.popleft()
                    with suppress(ConnectionError):  # it has died since: the next `recv` tells
                        worker.connection.send(worker.shard)
                else:
                    running.remove(worker)
                    _end(worker)
    finally:
        for worker in running:
            worker.process.terminate()
            _end(worker)


def _require_hope(worker: Worker, deaths: int) -> None:
    if deaths >= ATTEMPTS:
        code = worker.process.exitcode or 0
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise ScoringError(
            f"Shard {worker.shard} ended its process {deaths} times ({name}): there may be too little memory. "
            "Start again with fewer --workers; what is done is kept."
        )


def _end(worker: Worker) -> None:
    worker.connection.close()  # it ends when there are no more shards
    worker.process.join()


def _start(job: Job, shard: int) -> Worker:
    context = get_context("spawn")  # a forked process may inherit a lock that is never released
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(job, theirs), daemon=True)
    with _small_process():
        process.start()
    theirs.close()
    ours.send(shard)
    return Worker(process, ours, shard)


@contextmanager
def _small_process() -> Iterator[None]:
    """Give processes that are started in the block the environment of a process with one thread."""
    before = dict(os.environ)
    os.environ.update(SMALL_PROCESS)
    try:
        yield
    finally:
        for name in SMALL_PROCESS:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


def _work(job: Job, connection: Connection) -> None:
    """Score the shards that come from the parent, and answer each with what was done or the error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C: the parent ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(EOFError, ConnectionError):  # there are no more shards
        while True:
            connection.send(attempt_shard(job, connection.recv()))
