"""Runs the scoring command as users do, and watches its processes."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from pyarrow import compute, parquet

from src.launcher import clean_environment
from src.settings import ROOT
from tools.bench_score.digits import FOLDER

INTERVAL_S: Final = 0.5
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

BARE_EVERY_S: Final = 60.0  # of a run, which pauses for a bare loop: a machine's speed changes by the minute

Find = Callable[[psutil.Process], dict[str, list[psutil.Process]]]  # the processes to watch by role, of a driver
Bare = Callable[[], list[dict[str, float]]]  # runs the bare loop and returns its seconds


@dataclass
class Run:
    """What a run of the command took."""

    pictures: int
    workers: int
    shards: int
    wall_s: float = 0.0  # without the pauses
    bare: list[dict[str, float]] = field(default_factory=list)  # the bare loops to compare with
    cpu_s: dict[str, float] = field(default_factory=dict)  # processor seconds by role, of all its processes together
    peak_mb: dict[str, float] = field(default_factory=dict)  # of the largest process of each role
    seconds: list[float] = field(default_factory=list)  # when the memory was measured
    memory_mb: dict[str, list[float]] = field(default_factory=dict)  # of the largest process of each role

    @property
    def per_second_and_core(self) -> float:
        """Pictures per second and worker, from the command's start to its end."""
        return self.pictures / self.wall_s / self.workers


def run_bare(folder: Path, count: int, processes: int = 1) -> list[dict[str, float]]:
    """Return the seconds of the bare loop, run in so many processes at once."""
    command = [sys.executable, "-m", "tools.bench_score.bare", str(folder), str(count)]
    environment = clean_environment(**ONE_THREAD)
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(processes)
    ]
    return [json.loads(process.communicate()[0]) for process in running]


def run_score(source: Path, workers: int, arguments: Iterable[str], find: Find, bare: Bare | None = None) -> Run:
    """Score all of `source` into a new folder and return what it took. Raises RuntimeError if a row is missing.

    Each minute the workers pause for a loop of `bare`, so that both see the machine equally fast.
    """
    output = FOLDER / "out"
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "src.model.score", str(source), "--out", str(output)]
    command += ["--workers", str(workers), *arguments]
    start = time.perf_counter()
    run = Run(pictures=0, workers=workers, shards=0)
    cpu: dict[str, dict[int, float]] = {}
    paused = 0.0
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.DEVNULL) as process:  # noqa: S603
        driver = psutil.Process(process.pid)
        before = {role: _read(found, {}) for role, found in find(driver).items()}
        while process.poll() is None:
            now = time.perf_counter() - start - paused
            _sample(run, cpu, find(driver), now)
            if bare and now > BARE_EVERY_S * (len(run.bare) + 1):
                pause = time.perf_counter()
                with _suspended(find(driver)["worker"]):
                    run.bare += bare()
                paused += time.perf_counter() - pause
            with suppress(subprocess.TimeoutExpired):
                process.wait(INTERVAL_S)
        run.wall_s = time.perf_counter() - start - paused
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}.")
    run.cpu_s = {
        role: sum(times.values()) - sum(value for pid, value in before.get(role, {}).items() if pid in times)
        for role, times in cpu.items()
    }
    run.pictures, run.shards = _count_rows(output)
    return run


@contextmanager
def _suspended(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Suspend processes inside the block. Those that have ended meanwhile are left out."""
    for process in processes:
        with suppress(psutil.Error):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.Error):
                process.resume()


def _sample(run: Run, cpu: dict[str, dict[int, float]], found: dict[str, list[psutil.Process]], now: float) -> None:
    run.seconds.append(round(now, 1))
    for role, processes in found.items():
        _read(processes, cpu.setdefault(role, {}))
        sizes = [0.0]
        for process in processes:
            with suppress(psutil.Error):
                sizes.append(process.memory_info().rss / 2**20)
        # a process that has just been forked to start another program still shares its parent's memory
        series = run.memory_mb.setdefault(role, [0.0] * (len(run.seconds) - 1))
        series.append(round(max(sizes), 1))
        run.peak_mb[role] = max(run.peak_mb.get(role, 0.0), *sizes)


def _read(processes: Iterable[psutil.Process], times: dict[int, float]) -> dict[int, float]:
    """Write the processor seconds of each process into `times`, and return it."""
    for process in processes:
        with suppress(psutil.Error):
            spent = process.cpu_times()
            times[process.pid] = spent.user + spent.system
    return times


def _count_rows(output: Path) -> tuple[int, int]:
    """Return the number of rows and of shards. Raises RuntimeError unless each picture has one row."""
    shards = sorted((output / "shards").glob("*.parquet"))
    table = parquet.read_table(shards, columns=["path"])
    if (distinct := compute.count_distinct(table["path"]).as_py()) != table.num_rows:
        raise RuntimeError(f"{output} has {table.num_rows} rows for {distinct} pictures.")
    return table.num_rows, len(shards)


def find_processes(driver: psutil.Process) -> dict[str, list[psutil.Process]]:
    """Return the driver and its worker processes."""
    workers = []
    with suppress(psutil.Error):
        workers = [child for child in driver.children() if "spawn_main" in _name(child)]
    return {"driver": [driver], "worker": workers}


def find_on_ray(driver: psutil.Process) -> dict[str, list[psutil.Process]]:
    """Return the driver and the processes of the cluster that this process has started."""
    roles: dict[str, list[psutil.Process]] = {"driver": [driver], "worker": [], "gcs": [], "raylet": []}
    for process in psutil.Process().children(recursive=True):
        name = _name(process)
        if name.startswith(("ray::attempt_shard", "ray::IDLE")):
            roles["worker"].append(process)
        elif "gcs_server " in name:
            roles["gcs"].append(process)
        elif "raylet/raylet " in name:
            roles["raylet"].append(process)
    return roles


def _name(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
