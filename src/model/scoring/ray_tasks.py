"""The launcher for a Ray cluster: a task for each shard. Ray repeats the tasks of workers and nodes that die."""

import os
import socket
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final

from src.model.errors import DigitError, ScoringError
from src.model.scoring.manifest import Job
from src.model.scoring.score_shard import Done, attempt_shard
from src.settings import ROOT

ATTEMPTS: Final = 5  # at a shard whose worker or node dies
WAITING: Final = 2  # tasks for each core of the cluster: one runs, one waits, so that no core waits for the driver
FEWEST: Final = 8  # tasks, for a cluster that has just begun to grow
CONNECT_S: Final = 5.0
MEMORY: Final = 400_000_000  # bytes: no more tasks run on a node than have room


def run_on_ray(job: Job, shards: Sequence[int], address: str) -> Generator[Done, None, None]:
    """Score shards as tasks of the Ray cluster at `address`; yield each when it is done. Raises `ScoringError`."""
    ray = _connect(address)
    try:
        yield from _run_tasks(ray, job, iter(shards))
    finally:
        ray.shutdown()


def _connect(address: str) -> Any:
    """Return the module `ray`, connected. The cluster's machines get this code, but must have its packages."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ScoringError("Ray is not installed: pip install -r requirements/scale.txt") from error
    _require_listener(address)
    environment = {"py_modules": [str(ROOT / "src")], "env_vars": {"OMP_NUM_THREADS": "1"}}
    try:
        ray.init(address=address, runtime_env=environment, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ScoringError(f"There is no Ray cluster at {address}: {error}") from error
    return ray


def _require_listener(address: str) -> None:
    """Raise `ScoringError` if nothing listens at `host:port`: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
        except OSError as error:
            raise ScoringError(f"There is no Ray cluster at {address}: {error.strerror or error}.") from error


def _run_tasks(ray: Any, job: Job, shards: Iterator[int]) -> Iterator[Done]:
    task = ray.remote(num_cpus=1, memory=MEMORY, max_retries=ATTEMPTS - 1)(attempt_shard)
    pending: set[Any] = set()
    while True:
        room = max(FEWEST, WAITING * int(ray.cluster_resources().get("CPU", 0))) - len(pending)
        pending |= {task.remote(job, shard) for _, shard in zip(range(room), shards, strict=False)}
        if not pending:
            return
        ready, _ = ray.wait(list(pending), num_returns=1)
        for reference in ready:
            pending.remove(reference)
            yield _take(ray, reference)


def _take(ray: Any, reference: Any) -> Done:
    try:
        answer: Done | DigitError = ray.get(reference)
    except ray.exceptions.RayError as error:
        raise ScoringError(
            f"A shard can't be scored on the cluster: {error}\nStart again when that is mended: what is done is kept."
        ) from error
    if isinstance(answer, DigitError):
        raise answer
    return answer
