"""Damaged pictures of every format are read or refused as documented, in bounded time and memory."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Client, Response

from tests.app.api.api_client import PREDICT, another_server, assert_problem, connect
from tests.app.api.process_tree import Worst, cpu_s, watch_memory
from tests.fuzzing import FORMATS, fuzzed_files
from tests.servers import Server

REFUSALS = {
    400: ("empty-file", "damaged-picture"),
    413: ("too-many-pixels",),
    415: ("unsupported-format",),
    422: ("blank-picture", "too-little-ink", "too-complex"),
}
LIMIT_MB = 400
# Processor time for one picture, in seconds. The service's own process has other requests to answer. A picture that is
# too complex uses up its time, maybe twice (as a small and as a large one), and a new process is then started.
MAIN_S, MAIN_S_PER_MB = 0.03, 0.02
READ_S, TOO_COMPLEX_S = 1.2, 4.5


def check(answer: Response) -> None:
    """Check that a picture was read or refused as documented."""
    if answer.status_code == 200:
        assert answer.json()["prediction"] in range(10)
    else:
        name = answer.json()["type"].removeprefix("/problems/")
        assert name in REFUSALS[answer.status_code]
        assert_problem(answer, name)


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_pictures_are_read_or_refused(client: Client, kind: str) -> None:
    for data in fuzzed_files(kind, 150):
        check(client.post(PREDICT, content=data, headers={"Content-Type": "image/png"}))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with another_server(DIGITS_LOG_LEVEL="error") as server:
        yield server


@pytest.mark.load
@pytest.mark.parametrize("kind", FORMATS)
def test_thousands_of_damaged_pictures_take_little_time_and_memory(server: Server, kind: str, worst: Worst) -> None:
    with connect(server, timeout=60) as client, watch_memory(server) as memory:
        for data in fuzzed_files(kind, 3000, seed=1):
            main_limit = MAIN_S + MAIN_S_PER_MB * len(data) / 1e6
            for _ in range(3):  # again if it was slow: a process may have been started, or memory collected
                main, tree = main_s(server), cpu_s(server)
                answer = client.post(PREDICT, content=data, headers={"Content-Type": "image/png"})
                main, tree = main_s(server) - main, cpu_s(server) - tree
                tree_limit = TOO_COMPLEX_S if "too-complex" in answer.text else READ_S
                check(answer)
                if main < main_limit and tree < tree_limit:
                    break
            worst.note("processor time of a picture in the service's own process, ms", main * 1000)
            worst.note("processor time of a picture in all processes, ms", tree * 1000)
            assert main < main_limit
            assert tree < tree_limit
    worst.note("memory with damaged pictures, MiB", memory.mb)
    assert memory.mb < LIMIT_MB
    own_lines = [line for line in server.log.splitlines() if line.startswith("{")]  # C libraries write others
    assert own_lines == []


def main_s(server: Server) -> float:
    """Return the processor time of the thread that answers the requests, in seconds."""
    nanoseconds = re.match(r"\d+", Path(f"/proc/{server.pid}/schedstat").read_text())
    assert nanoseconds
    return int(nanoseconds[0]) / 1e9
