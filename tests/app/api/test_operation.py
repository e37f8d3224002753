"""What those who run the service see: ids, log lines and counts, with one worker and with several."""

import asyncio
import dataclasses
import json
import logging
import os
import signal
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psutil
import pytest
from httpx import ASGITransport, AsyncClient, Client, RemoteProtocolError, Response

from src.app.api.core import logs
from src.app.main import create_app
from src.settings import Settings
from tests import released
from tests.app.api.api_client import (
    PREDICT,
    RawClient,
    another_server,
    assert_problem,
    counts,
    log_lines,
    send,
    send_batch,
    until,
)
from tests.pictures import drawn, encoded, mnist
from tests.servers import Server

FOUR = encoded(mnist(4))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with another_server() as server:
        yield server


@pytest.fixture
def asker(server: Server) -> Iterator[Client]:
    with Client(base_url=server.url) as client:
        yield client


def logged(server: Server, request_id: str) -> dict[str, Any]:
    """Return the line of a request, once it is there: it is written after the answer."""
    until(lambda: request_id in server.log)
    [line] = [
        line for line in log_lines(server) if line.get("request_id") == request_id and line["message"] == "request"
    ]
    return line


def test_a_request_keeps_the_id_that_it_came_with_in_the_answer_and_in_the_log(server: Server, asker: Client) -> None:
    answer = asker.post(PREDICT, files={"file": FOUR}, headers={"X-Request-ID": "trace-4.2_b"})
    assert answer.headers["x-request-id"] == "trace-4.2_b"
    line = logged(server, "trace-4.2_b")
    assert (line["method"], line["route"], line["status"], line["level"]) == ("POST", PREDICT, 200, "info")


@pytest.mark.parametrize("given", [None, b"", b"a" * 65, b'a", "b": "', "ä".encode(), b"two words"])
def test_a_request_without_an_id_or_with_a_bad_one_gets_one(asker: Client, given: bytes | None) -> None:
    headers = [(b"X-Request-ID", given)] if given is not None else []
    first, second = (asker.get("/health/live", headers=headers).headers["x-request-id"] for _ in range(2))
    assert first != second
    assert len(first) == len(second) == 16
    assert first.isalnum()


def test_a_refused_request_is_logged_with_its_problem_and_an_unknown_address_without_it(
    server: Server, asker: Client
) -> None:
    ids = [send(asker, b"a four").headers["x-request-id"], asker.get("/secret/path").headers["x-request-id"]]
    assert logged(server, ids[0])["problem"] == "unsupported-format"
    assert logged(server, ids[1])["problem"] == "not-found"
    assert "secret" not in server.log


def test_a_client_that_leaves_is_no_error(server: Server) -> None:
    with RawClient(server) as client:
        client.begin(FOUR, sent=10)
    until(lambda: any(line.get("status") == 499 for line in log_lines(server)))
    assert [line for line in log_lines(server) if line["level"] == "error"] == []


def test_a_broken_picture_is_no_error(server: Server, asker: Client) -> None:
    many = struct.pack("<HHI", 277, 3, 1)  # the tag for samples per pixel, one short number
    broken = encoded(mnist(4).convert("RGB"), "TIFF").replace(many + b"\3\0", many + b"\xff\x2b")
    answer = send(asker, broken)
    assert_problem(answer, "unsupported-format")  # Pillow complains to its logger, too
    logged(server, answer.headers["x-request-id"])
    assert [line for line in log_lines(server) if line["level"] == "error"] == []


def test_the_log_holds_nothing_of_clients_or_pictures(server: Server, asker: Client) -> None:
    answer = asker.post(
        PREDICT,
        params={"model": "from-the-query"},
        files={"file": ("private-name.png", FOUR, "image/png")},
        headers={"User-Agent": "my-browser", "Cookie": "session=1", "X-Forwarded-For": "192.0.2.7"},
    )
    logged(server, answer.headers["x-request-id"])
    log = server.log.replace(f"Uvicorn running on {server.url}", "")
    for private in ("private-name", "from-the-query", "my-browser", "session=1", "192.0.2.7", "127.0.0.1", "PNG"):
        assert private not in log


def test_answers_problems_and_times_are_counted(asker: Client) -> None:
    before = counts(asker)
    for _ in range(3):
        send(asker, FOUR)
    send(asker, b"a four")
    send_batch(asker, FOUR, b"a four", encoded(drawn(7)))
    asker.get("/nothing")
    after = counts(asker)

    def more(*key: str) -> float:
        return after[key] - before.get(key, 0)

    assert more("digits_requests_total", PREDICT, "200") == 3
    assert more("digits_requests_total", PREDICT, "415") == 1
    assert more("digits_requests_total", "none", "404") == 1
    assert more("digits_request_seconds_count", PREDICT) == 4
    assert more("digits_problems_total", "unsupported-format") == 2
    assert more("digits_answers_total", "4", released.VERSION) == 4
    assert more("digits_answers_total", "7", released.VERSION) == 1
    for name in (
        "confidence",
        "digit_score",
        "seen",
        "ink",
        "stroke_width_pixels",
        "box_width_pixels",
        "box_height_pixels",
    ):
        assert more(f"digits_{name}_count", released.VERSION) == 5
    assert after[("digits_model_loads_total", "loaded")] == 1
    assert after[("digits_requests_in_hand",)] == 1  # the one that asks


def workers(server: Server) -> list[psutil.Process]:
    """Return the processes that serve; one of Python's own is beside them."""
    living = []
    for child in psutil.Process(server.pid).children():
        with suppress(psutil.NoSuchProcess):  # nor is one that was killed and not yet missed
            if "spawn_main" in " ".join(child.cmdline()):
                living.append(child)
    return living


def test_several_workers_count_together_and_lose_no_count_when_one_is_killed() -> None:
    with another_server(DIGITS_WORKERS=2) as server:
        until(lambda: len(workers(server)) == 2)
        ask(server, 40)
        with Client(base_url=server.url) as client:
            until(lambda: counts(client)[("digits_model_loads_total", "loaded")] == 2)
            assert counts(client)[("digits_answers_total", "4", released.VERSION)] == 40
        killed = workers(server)[0]
        killed.send_signal(signal.SIGKILL)
        until(lambda: len({*workers(server)} - {killed}) == 2)
        ask(server, 20)
        with Client(base_url=server.url) as client:
            until(lambda: counts(client)[("digits_model_loads_total", "loaded")] == 3)
            assert counts(client)[("digits_answers_total", "4", released.VERSION)] == 60
            assert counts(client)[("digits_requests_in_hand",)] == 1


def ask(server: Server, times: int) -> None:
    """Send a four as often as it takes to get so many answers, each over a connection of its own."""
    for _ in range(times):
        while True:
            with suppress(RemoteProtocolError, OSError), Client(base_url=server.url) as client:
                assert send(client, FOUR).json() == {"prediction": 4}
                break


def test_a_killed_worker_is_replaced_and_only_requests_in_its_hands_are_lost() -> None:
    with another_server(DIGITS_WORKERS=2) as server, ThreadPoolExecutor(8) as threads:
        until(lambda: len(workers(server)) == 2)
        answers = [threads.submit(answered, server) for _ in range(200)]
        killed = workers(server)[0]
        killed.kill()
        lost = [answer.result() for answer in answers].count(False)
        until(lambda: len({*workers(server)} - {killed}) == 2)
        assert all(answered(server) for _ in range(20))
    assert lost <= 8  # one for each connection that was open


def answered(server: Server) -> bool:
    """Return whether a four was read; False where the connection broke."""
    try:
        with Client(base_url=server.url) as client:
            answer = send(client, FOUR)
    except (RemoteProtocolError, OSError):
        return False
    assert answer.json() == {"prediction": 4}
    return True


def test_a_new_network_reaches_all_workers_on_sighup_without_a_new_process() -> None:
    with another_server(DIGITS_WORKERS=2, DIGITS_RELOAD_S=3600) as server:
        until(lambda: len(workers(server)) == 2)
        before = {worker.pid for worker in workers(server)}
        os.kill(server.pid, signal.SIGHUP)
        assert all(answered(server) for _ in range(20))
        assert {worker.pid for worker in workers(server)} == before


def test_a_setting_that_makes_no_sense_is_named_when_the_service_starts() -> None:
    with pytest.raises(RuntimeError, match="DIGITS_WORKERS: Input should be greater than or equal to 1"):
        another_server(DIGITS_WORKERS=0).__enter__()


class BrokenExecutor:
    async def run(self, *_: object, **__: object) -> None:
        raise RuntimeError("a secret of the service")


def test_an_error_in_the_service_is_a_problem_with_the_id_under_which_it_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = create_app(Settings())
    app.state.service.repository.refresh()
    app.state.service = dataclasses.replace(app.state.service, executor=BrokenExecutor())

    async def ask() -> Response:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://here") as client:
            return await client.post(PREDICT, files={"file": FOUR}, headers={"X-Request-ID": "broken-1"})

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert_problem(answer, "internal-error")
    assert answer.headers["x-request-id"] == "broken-1"
    assert "secret" not in answer.text
    assert "a secret of the service" in caplog.text


def test_an_exception_and_what_belongs_to_it_make_one_line() -> None:
    logs.request_id.set("four")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("src", logging.ERROR, "", 0, "It %s.", ("failed",), sys.exc_info())
    record.fields = {"status": 500}
    line = logs.JsonLines().format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["message"], said["level"], said["request_id"], said["status"]) == ("It failed.", "error", "four", 500)
    assert "two\nlines" in said["exception"]
