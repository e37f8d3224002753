"""Scoring on a real Ray cluster of several nodes on this machine: whatever dies, every row exists exactly once."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from src.settings import ROOT
from tests.app.api.api_client import until
from tests.model.scoring.ray_cluster import Cluster
from tests.model.scoring.runs import command, read_rows, run, write_parquet
from tests.pictures import encoded, mnist

COUNT = 3000
SIZE = 100
LIMIT_S = 240

Start = Callable[[Path], subprocess.Popen[str]]

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    digits = [encoded(mnist(digit, number)) for digit in range(10) for number in range(10)]
    return write_parquet(tmp_path_factory.mktemp("in") / "a.parquet", digits * (COUNT // 100))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Yield a cluster of a head without cores and two nodes with one core each."""
    with Cluster() as cluster:
        cluster.add_node()
        cluster.add_node()
        yield cluster


@pytest.fixture
def start(cluster: Cluster, source: Path) -> Iterator[Start]:
    """Yield a function that starts the command; it is at work when the first shard is done."""
    with ExitStack() as stack:

        def start_command(output: Path) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                ray_command(cluster, source, output),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.callback(end, process)
            wait_for_shards(process, output, 1)
            return process

        yield start_command


def end(process: subprocess.Popen[str]) -> None:
    """End what a failed test has left."""
    process.kill()
    if process.stdout and not process.stdout.closed:
        process.communicate()


def ray_command(cluster: Cluster, source: Path, output: Path) -> list[str]:
    arguments = ("--shard-size", str(SIZE), "--launcher", "ray", "--address", cluster.address)
    return command(source, "--out", output, *arguments)


def wait_for_shards(process: subprocess.Popen[str], output: Path, more: int) -> None:
    """Return when `more` shards have been done from now on, or when the process has ended."""
    wanted = count_shards(output) + more
    until(lambda: count_shards(output) >= wanted or process.poll() is not None, LIMIT_S)


def count_shards(output: Path) -> int:
    return len(list((output / "shards").glob("shard-*")))


def finish(process: subprocess.Popen[str]) -> None:
    output = process.communicate(timeout=LIMIT_S)[0]
    assert process.returncode == 0, output


def require_every_row_once(output: Path) -> None:
    assert [row["path"] for row in read_rows(output)] == [f"a.parquet#{row}" for row in range(COUNT)]
    assert {row["problem"] for row in read_rows(output)} == {None}
    assert not list(output.rglob(".*"))


def test_results_are_those_of_processes(source: Path, start: Start, tmp_path: Path) -> None:
    finish(start(tmp_path / "ray"))
    require_every_row_once(tmp_path / "ray")
    assert run(source, "--out", tmp_path / "processes", "--shard-size", str(SIZE)).returncode == 0
    assert read_rows(tmp_path / "ray") == read_rows(tmp_path / "processes")


def test_killed_worker_loses_and_repeats_nothing(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    process = start(tmp_path / "out")
    until(cluster.list_workers)[0].kill()
    assert count_shards(tmp_path / "out") < COUNT / SIZE
    finish(process)
    require_every_row_once(tmp_path / "out")


def test_node_may_go_and_another_come(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    process = start(tmp_path / "out")
    with cluster.suspend_workers(cluster.nodes[-1]):  # else they might be done before the new node has started
        cluster.kill_node()
        added = cluster.add_node()
        assert count_shards(tmp_path / "out") < COUNT / SIZE
        until(lambda: cluster.list_workers(added), LIMIT_S)
    finish(process)
    require_every_row_once(tmp_path / "out")


def test_killed_driver_can_be_started_again(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path / "out")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 0 < count_shards(tmp_path / "out") < COUNT / SIZE
    finish(start(tmp_path / "out"))
    require_every_row_once(tmp_path / "out")


def test_missing_cluster_is_named(source: Path, tmp_path: Path) -> None:
    result = run(source, "--out", tmp_path / "out", "--launcher", "ray", "--address", "127.0.0.1:1")
    assert result.returncode == 1
    assert "There is no Ray cluster at 127.0.0.1:1" in result.stderr
