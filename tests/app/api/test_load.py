"""Two hundred clients at once for half a minute: none is lost and every answer is right, whatever happens meanwhile."""

import asyncio
import os
import signal
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import psutil
import pytest
from httpx import AsyncClient, HTTPError, Timeout

from tests.app.api.api_client import PREDICT, RawClient, another_server, until
from tests.app.api.test_models import OLD, release
from tests.app.api.test_operation import workers
from tests.pictures import drawn, encoded, mnist
from tests.servers import Server

pytestmark = pytest.mark.load

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # shared: reading the machine's certificates two hundred times is slow
CLIENTS = 200
SECONDS = 30
PICTURES = [
    *((digit, encoded(mnist(digit))) for digit in (0, 4, 7)),
    *((digit, encoded(drawn(digit))) for digit in (3, 8)),
]


async def ask(url: str, until_s: float, seen: Counter[str]) -> None:
    """Send pictures over one connection until the time is up, and count what comes of each."""
    async with AsyncClient(base_url=url, timeout=Timeout(60), verify=NO_TLS, trust_env=False) as client:
        number = 0
        while monotonic() < until_s:
            number += 1
            digit, picture = PICTURES[number % len(PICTURES)]
            try:
                answer = await client.post(PREDICT, content=picture, headers={"Content-Type": "image/png"})
            except HTTPError:
                seen["lost"] += 1
                continue
            right = answer.status_code == 200 and answer.json() == {"prediction": digit}
            seen["right" if right else f"{answer.status_code}: {answer.text}"] += 1


def load(server: Server, meanwhile: Callable[[], Awaitable[None]] | None = None) -> Counter[str]:
    """Return what all clients saw; `meanwhile` runs beside them."""
    seen: Counter[str] = Counter()

    async def all_of_them() -> None:
        end = monotonic() + SECONDS
        beside = [meanwhile()] if meanwhile else []
        await asyncio.gather(*(ask(server.url, end, seen) for _ in range(CLIENTS)), *beside)

    asyncio.run(all_of_them())
    assert seen["right"] > CLIENTS
    return seen


@pytest.mark.parametrize("processes", [1, 2])
def test_no_request_is_lost_and_every_answer_is_right(processes: int) -> None:
    with another_server(DIGITS_WORKERS=processes, DIGITS_LOG_LEVEL="error") as server:
        assert set(load(server)) == {"right"}
        assert server.log == ""


def test_a_killed_worker_takes_only_what_was_in_its_hands_with_it() -> None:
    with another_server(DIGITS_WORKERS=2) as server:
        until(lambda: len(workers(server)) == 2)
        killed: list[psutil.Process] = []

        async def kill_some() -> None:
            for _ in range(3):
                await asyncio.sleep(SECONDS / 5)
                killed.append(workers(server)[0])
                killed[-1].kill()

        seen = load(server, kill_some)
        until(lambda: len({*workers(server)} - {*killed}) == 2)
    assert set(seen) <= {"right", "lost"}
    assert seen["lost"] <= 3 * CLIENTS  # one for each connection at the most


def test_new_releases_are_picked_up_without_a_lost_request(tmp_path: Path) -> None:
    release(tmp_path, OLD)
    with another_server(DIGITS_WORKERS=2, DIGITS_MODEL_DIR=tmp_path, DIGITS_RELOAD_S=1) as server:

        async def release_some() -> None:
            for number in range(10, 15):
                await asyncio.sleep(SECONDS / 6)
                release(tmp_path, f"0.{number}.0", broken=number == 12)
                os.kill(server.pid, signal.SIGHUP)

        assert set(load(server, release_some)) == {"right"}
        until(lambda: server.log.count("Network 0.14.0 serves from now on.") == 2)


def test_hundreds_of_slow_clients_hold_up_nobody() -> None:
    with another_server(DIGITS_LOG_LEVEL="error", DIGITS_MAX_REQUESTS=1000) as server, ExitStack() as stack:

        async def dribble() -> None:
            slow = [stack.enter_context(RawClient(server)) for _ in range(400)]
            for each in slow[::2]:
                each.begin(PICTURES[0][1], sent=5)
            for each in slow[1::2]:
                each.send(b"POST /api/v1/predict HTTP/1.1\r\n")

        assert set(load(server, dribble)) == {"right"}
