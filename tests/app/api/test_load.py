"""Two hundred clients at once for half a minute: no request is lost and every answer is right, whatever happens."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import psutil
import pytest
from httpx import AsyncClient, HTTPError, Timeout

from tests.app.api.api_client import (
    NO_TLS,
    PREDICT,
    READ,
    RawClient,
    another_server,
    run_in_event_loop,
    until,
    worker_processes,
)
from tests.pictures import drawn, encoded, mnist, written
from tests.released import copy_release
from tests.servers import Server

pytestmark = pytest.mark.load

CLIENTS = 200
READING_CLIENTS = 8
LINES = ["2026", "42", "750"]
SHEET = encoded(written(*LINES))
SECONDS = 30
PICTURES = [
    *((digit, encoded(mnist(digit))) for digit in (0, 4, 7)),
    *((digit, encoded(drawn(digit))) for digit in (3, 8)),
]


async def send_sheets(url: str, end: float, outcomes: Counter[str]) -> None:
    """Send a sheet of numbers to be read, again and again until the time `end`, and count the outcomes."""
    async with AsyncClient(base_url=url, timeout=Timeout(120), verify=NO_TLS, trust_env=False) as client:
        while monotonic() < end:
            answer = await client.post(READ, content=SHEET, headers={"Content-Type": "image/png"})
            right = answer.status_code == 200 and answer.json()["lines"] == LINES
            outcomes["sheet" if right else f"{answer.status_code}: {answer.text}"] += 1


async def send_pictures(url: str, end: float, outcomes: Counter[str]) -> None:
    """Send pictures over one connection until the time `end`, and count the outcomes."""
    async with AsyncClient(base_url=url, timeout=Timeout(60), verify=NO_TLS, trust_env=False) as client:
        number = 0
        while monotonic() < end:
            number += 1
            digit, picture = PICTURES[number % len(PICTURES)]
            try:
                answer = await client.post(PREDICT, content=picture, headers={"Content-Type": "image/png"})
            except HTTPError:
                outcomes["lost"] += 1
                continue
            right = answer.status_code == 200 and answer.json() == {"prediction": digit}
            outcomes["right" if right else f"{answer.status_code}: {answer.text}"] += 1


def run_load(server: Server, disturb: Callable[[Counter[str]], Awaitable[None]] | None = None) -> Counter[str]:
    """Return the outcomes of all requests; `disturb` gets them while it runs beside the clients."""
    outcomes: Counter[str] = Counter()

    async def run_clients() -> None:
        end = monotonic() + SECONDS
        disturbances = [disturb(outcomes)] if disturb else []
        await asyncio.gather(*(send_pictures(server.url, end, outcomes) for _ in range(CLIENTS)), *disturbances)

    run_in_event_loop(run_clients)
    assert outcomes["right"] > 10 * CLIENTS
    return outcomes


async def more_answers(outcomes: Counter[str]) -> None:
    """Return when each client has got about two more answers."""
    target = outcomes["right"] + 2 * CLIENTS
    while outcomes["right"] < target:
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("processes", [1, 2])
def test_no_request_is_lost_and_every_answer_is_right(processes: int) -> None:
    with another_server(DIGITS_WORKERS=processes, DIGITS_LOG_LEVEL="error") as server:
        assert set(run_load(server)) == {"right"}
        assert server.log == ""


def test_a_killed_worker_loses_only_its_open_requests() -> None:
    with another_server(DIGITS_WORKERS=2) as server:
        until(lambda: len(worker_processes(server)) == 2)
        killed: set[psutil.Process] = set()

        async def kill_workers(outcomes: Counter[str]) -> None:
            for _ in range(3):
                await more_answers(outcomes)
                worker = next(worker for worker in worker_processes(server) if worker not in killed)
                worker.kill()
                killed.add(worker)

        outcomes = run_load(server, kill_workers)
        until(lambda: len({*worker_processes(server)} - killed) == 2)
    assert set(outcomes) <= {"right", "lost"}
    assert outcomes["lost"] <= 3 * CLIENTS  # at most one for each connection


def test_new_releases_are_loaded_without_a_lost_request(tmp_path: Path) -> None:
    copy_release(tmp_path, "0.9.0")
    with another_server(DIGITS_WORKERS=2, DIGITS_MODEL_DIR=tmp_path, DIGITS_RELOAD_S=1) as server:

        async def add_releases(outcomes: Counter[str]) -> None:
            for number in range(10, 15):
                await more_answers(outcomes)
                copy_release(tmp_path, f"0.{number}.0", broken=number == 12)
                os.kill(server.pid, signal.SIGHUP)

        assert set(run_load(server, add_releases)) == {"right"}
        until(lambda: server.log.count("Network 0.14.0 serves from now on.") == 2)


def test_sheets_are_read_beside_drawings() -> None:
    with another_server(DIGITS_LOG_LEVEL="error", DIGITS_REQUEST_TIMEOUT_S=120) as server:

        async def read_sheets(outcomes: Counter[str]) -> None:
            end = monotonic() + SECONDS
            await asyncio.gather(*(send_sheets(server.url, end, outcomes) for _ in range(READING_CLIENTS)))

        outcomes = run_load(server, read_sheets)
        assert server.log == ""
    assert set(outcomes) == {"right", "sheet"}
    assert outcomes["sheet"] >= READING_CLIENTS


def test_hundreds_of_slow_clients_do_not_delay_others() -> None:
    with another_server(DIGITS_LOG_LEVEL="error", DIGITS_MAX_REQUESTS=1000) as server, ExitStack() as stack:

        async def connect_slow_clients(_: Counter[str]) -> None:
            slow_clients = [stack.enter_context(RawClient(server)) for _ in range(400)]
            for slow in slow_clients[::2]:
                slow.start_request(PICTURES[0][1], sent=5)
            for slow in slow_clients[1::2]:
                slow.send(b"POST /api/v1/predict HTTP/1.1\r\n")

        assert set(run_load(server, connect_slow_clients)) == {"right"}
