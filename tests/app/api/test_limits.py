"""What no client can exceed: requests at once, bytes held, time to send, size of headers; and how the service stops."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from httpx import Client

from tests.app.api.api_client import (
    PREDICT,
    RawClient,
    another_server,
    assert_is_problem,
    assert_problem,
    counts,
    send,
    until,
)
from tests.pictures import drawn, encoded, mnist
from tests.servers import Server

FOUR = encoded(mnist(4))
LARGE = encoded(drawn(4, (400, 400)), "BMP")  # 160 kB


def in_hand(client: Client) -> float:
    """Return how many requests the service is busy with, the one that asks left out."""
    return counts(client)[("digits_requests_in_hand",)] - 1


def test_over_the_allowed_number_requests_are_turned_away_at_once_and_those_in_hand_are_answered() -> None:
    with another_server(DIGITS_MAX_REQUESTS=3) as server, Client(base_url=server.url) as client, ExitStack() as stack:
        slow = [stack.enter_context(RawClient(server)) for _ in range(3)]
        for each in slow:
            each.begin(FOUR, sent=10)
        until(lambda: in_hand(client) == 3)

        turned_away = send(client, FOUR)
        assert turned_away.status_code == 503
        assert_problem(turned_away, "too-busy")
        assert int(turned_away.headers["retry-after"]) > 0
        assert client.get("/health/ready").status_code == 200  # who watches it still sees it

        for each in slow:
            each.send(FOUR[10:])
            assert each.answer() == (200, {"prediction": 4})
        assert send(client, FOUR).status_code == 200


def test_while_large_bodies_take_all_room_small_ones_are_read() -> None:
    with (
        another_server(DIGITS_MAX_WAITING_BYTES=300_000) as server,
        Client(base_url=server.url) as client,
        RawClient(server) as first,
    ):
        first.begin(LARGE, sent=len(LARGE) - 1)
        until(lambda: in_hand(client) == 1)
        answer = client.post(PREDICT, content=LARGE, headers={"Content-Type": "image/bmp"})
        assert answer.status_code == 503
        assert_problem(answer, "too-busy")
        assert send(client, FOUR).json() == {"prediction": 4}
        first.send(LARGE[-1:])
        assert first.answer() == (200, {"prediction": 4})
        assert client.post(PREDICT, content=LARGE, headers={"Content-Type": "image/bmp"}).json() == {"prediction": 4}


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    with another_server(DIGITS_REQUEST_TIMEOUT_S=0.5, DIGITS_HEADER_TIMEOUT_S=0.3) as server:
        yield server


def test_a_body_that_comes_too_slowly_is_cut_off(impatient: Server) -> None:
    with RawClient(impatient) as slow:
        slow.begin(FOUR, sent=10)
        status, body = slow.answer()
        assert status == 408
        assert_is_problem(body, "request-timeout", 408)
        assert slow.rest() == b""


@pytest.mark.parametrize(
    "start", [b"", b"POST /api/v1/pre", b"POST /api/v1/predict HTTP/1.1\r\nHost: digits\r\nX-Slow: 1"]
)
def test_headers_that_come_too_slowly_are_cut_off(impatient: Server, start: bytes) -> None:
    with RawClient(impatient) as slow:
        slow.send(start)
        answer = slow.rest()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


def test_headers_that_drip_in_on_a_connection_that_is_kept_are_cut_off_too(impatient: Server) -> None:
    with RawClient(impatient) as slow:
        slow.begin(FOUR, sent=len(FOUR))
        assert slow.answer() == (200, {"prediction": 4})
        slow.send(b"GET /health/live HTTP/1.1\r\n")
        assert slow.rest().startswith(b"HTTP/1.1 408 ")


def test_slow_clients_hold_nobody_up(impatient: Server) -> None:
    with ExitStack() as stack, Client(base_url=impatient.url) as client:
        for number in range(200):
            slow = stack.enter_context(RawClient(impatient))
            slow.send(b"POST /api/v1/predict HTTP/1.1\r\n") if number % 2 else slow.begin(FOUR, sent=5)
        for _ in range(20):
            assert send(client, FOUR).json() == {"prediction": 4}


@pytest.mark.parametrize(
    "request_start",
    [
        b"GET /health/live HTTP/1.1\r\nX-Long: " + b"x" * 100_000,
        b"GET /" + b"x" * 100_000,
        b"GET /health/live HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 10_000,
    ],
)
def test_endless_headers_are_cut_off(running_service: Server, request_start: bytes) -> None:
    with RawClient(running_service) as client:
        client.send(request_start)
        answer = client.rest()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"/problems/headers-too-large" in answer


def test_endless_trailers_are_cut_off(running_service: Server) -> None:
    with RawClient(running_service) as client:
        client.send(b"POST /api/v1/predict HTTP/1.1\r\nHost: digits\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        client.send(b"X-Many: 1\r\n" * 10_000)
        client.rest()  # comes to an end


def test_what_is_no_http_is_a_problem_too(running_service: Server) -> None:
    with RawClient(running_service) as client:
        client.send(b"hello\r\n\r\n")
        answer = client.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"/problems/bad-request" in answer


def test_a_flood_of_requests_on_one_connection_is_cut_off(running_service: Server) -> None:
    with RawClient(running_service) as client:
        client.send(b"GET /health/live HTTP/1.1\r\nHost: digits\r\n\r\n" * 1000)
        assert client.rest().count(b"HTTP/1.1 200") < 1000


def test_a_few_requests_sent_ahead_are_all_answered(running_service: Server) -> None:
    with RawClient(running_service) as client:
        client.send(b"GET /health/live HTTP/1.1\r\nHost: digits\r\n\r\n" * 9)
        client.send(b"GET /health/live HTTP/1.1\r\nHost: digits\r\nConnection: close\r\n\r\n")
        assert client.rest().count(b'{"status":"live"}') == 10


@pytest.mark.parametrize("workers", [1, 2])
def test_asked_to_stop_it_takes_no_more_finishes_what_is_in_hand_and_exits_with_0(workers: int) -> None:
    with (
        another_server(DIGITS_WORKERS=workers) as server,
        RawClient(server) as slow,
        Client(base_url=server.url) as client,
    ):
        slow.begin(FOUR, sent=10)
        until(lambda: in_hand(client) == 1)
        os.kill(server.pid, signal.SIGTERM)
        until(lambda: refuses(server))
        slow.send(FOUR[10:])
        assert slow.answer() == (200, {"prediction": 4})
        assert server.stop() == 0


def test_who_never_finishes_does_not_keep_it_from_stopping() -> None:
    with another_server(DIGITS_GRACE_S=1) as server, RawClient(server) as stuck, Client(base_url=server.url) as client:
        stuck.begin(FOUR, sent=10)
        until(lambda: in_hand(client) == 1)
        assert server.stop() == 0
        status, body = stuck.answer()
        assert_is_problem(body, "too-busy", status)


def refuses(server: Server) -> bool:
    """Return whether the service takes no new connection."""
    try:
        with RawClient(server):
            return False
    except ConnectionRefusedError:
        return True
