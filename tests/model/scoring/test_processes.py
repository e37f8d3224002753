"""Killed workers and killed drivers lose no row and repeat none."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import psutil
import pytest

from src.model.errors import ScoringError
from src.model.scoring.manifest import Options, prepare
from src.model.scoring.processes import run_in_processes
from src.settings import ROOT
from tests.app.api.api_client import until
from tests.model.scoring.runs import MODEL, command, make_job, read_rows, run, write_parquet
from tests.pictures import encoded, mnist

COUNT = 600
SIZE = 25


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    digits = [encoded(mnist(digit, number)) for digit in range(10) for number in range(10)]
    return write_parquet(tmp_path_factory.mktemp("in") / "a.parquet", digits * (COUNT // 100))


@pytest.fixture
def driver(source: Path, tmp_path: Path) -> Iterator[psutil.Popen]:
    """Start the command; it is at work when the first shard is done."""
    arguments = command(source, "--out", tmp_path / "out", "--workers", "2", "--shard-size", str(SIZE))
    process = psutil.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until(lambda: bool(list((tmp_path / "out").glob("shards/shard-*"))) or process.poll() is not None)
    yield process
    with suppress(psutil.NoSuchProcess):
        process.kill()
    if not process.stdout.closed:
        process.communicate()


def workers(driver: psutil.Process) -> list[psutil.Process]:
    """Return the driver's worker processes."""
    found = []
    for child in driver.children():
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def require_every_row_once(output: Path) -> None:
    assert [row["path"] for row in read_rows(output)] == [f"a.parquet#{row}" for row in range(COUNT)]
    assert not list(output.rglob(".*"))


def test_killed_worker_is_replaced(driver: psutil.Popen, tmp_path: Path) -> None:
    victim = workers(driver)[0]
    victim.kill()
    output = driver.communicate()[0]
    assert driver.returncode == 0, output
    require_every_row_once(tmp_path / "out")


def test_killed_driver_leaves_no_process_and_can_be_started_again(
    driver: psutil.Popen, source: Path, tmp_path: Path
) -> None:
    left = workers(driver)
    assert left
    driver.kill()
    assert psutil.wait_procs(left, timeout=60)[1] == []
    done = len(list((tmp_path / "out").glob("shards/shard-*")))
    assert 0 < done < COUNT / SIZE

    assert run(source, "--out", tmp_path / "out", "--workers", "2", "--shard-size", str(SIZE)).returncode == 0

    require_every_row_once(tmp_path / "out")


def test_shard_that_kills_its_process_every_time_ends_the_run(source: Path, tmp_path: Path) -> None:
    job = make_job(source, tmp_path / "out")
    prepare(job, Options(shard_size=SIZE), MODEL)
    with (
        kill_all_workers(psutil.Process()),
        pytest.raises(ScoringError, match=r"Shard 0 ended its process 3 times \(SIGKILL\)"),
    ):
        list(run_in_processes(job, [0, 1], workers=1))


@contextmanager
def kill_all_workers(driver: psutil.Process) -> Iterator[None]:
    """Kill every worker as soon as it exists."""
    ended = Event()

    def kill() -> None:
        while not ended.wait(0.01):
            for worker in workers(driver):
                worker.kill()

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        try:
            yield
        finally:
            ended.set()
    killing.result()
