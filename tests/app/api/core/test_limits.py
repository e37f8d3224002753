"""Limits on clients: open requests, held bytes, time to send, size of headers; and how the service stops."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.app.api.api_client import (
    PREDICT,
    RawClient,
    another_server,
    assert_problem,
    assert_problem_body,
    connect,
    open_requests,
    send,
    until,
)
from tests.pictures import drawn, encoded, mnist
from tests.servers import Server

FOUR = encoded(mnist(4))
LARGE = encoded(drawn(4, (400, 400)), "BMP")  # 160 kB


@pytest.fixture(scope="module")
def limited() -> Iterator[Server]:
    """Yield a service that takes three requests and 300 kB at once."""
    with another_server(DIGITS_MAX_REQUESTS=3, DIGITS_MAX_WAITING_BYTES=300_000) as server:
        yield server


@pytest.mark.uvicorn
def test_requests_over_the_limit_are_refused_at_once_and_open_ones_are_answered(limited: Server) -> None:
    with connect(limited) as client, ExitStack() as stack:
        slow_clients = [stack.enter_context(RawClient(limited)) for _ in range(3)]
        for slow in slow_clients:
            slow.start_request(FOUR, sent=10)
        until(lambda: open_requests(client) == 3)

        refused = send(client, FOUR)
        assert refused.status_code == 503
        assert_problem(refused, "too-busy")
        assert int(refused.headers["retry-after"]) > 0
        assert client.get("/health/ready").status_code == 200  # operators can still see it

        for slow in slow_clients:
            slow.send(FOUR[10:])
            assert slow.read_response() == (200, {"prediction": 4})
        assert send(client, FOUR).status_code == 200


@pytest.mark.uvicorn
def test_small_bodies_are_read_while_large_ones_take_all_memory(limited: Server) -> None:
    with connect(limited) as client, RawClient(limited) as first:
        first.start_request(LARGE, sent=len(LARGE) - 1)
        until(lambda: open_requests(client) == 1)
        refused = client.post(PREDICT, content=LARGE, headers={"Content-Type": "image/bmp"})
        assert refused.status_code == 503
        assert_problem(refused, "too-busy")
        assert send(client, FOUR).json() == {"prediction": 4}
        first.send(LARGE[-1:])
        assert first.read_response() == (200, {"prediction": 4})
        assert client.post(PREDICT, content=LARGE, headers={"Content-Type": "image/bmp"}).json() == {"prediction": 4}


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    """Yield a service that waits half a second for requests."""
    with another_server(DIGITS_REQUEST_TIMEOUT_S=0.5, DIGITS_HEADER_TIMEOUT_S=0.3) as server:
        yield server


def test_a_slow_body_times_out(impatient: Server) -> None:
    with RawClient(impatient) as slow:
        slow.start_request(FOUR, sent=10)
        status, body = slow.read_response()
        assert status == 408
        assert_problem_body(body, "request-timeout", 408)
        assert slow.read_until_closed() == b""


@pytest.mark.parametrize(
    "start", [b"", b"POST /api/v1/pre", b"POST /api/v1/predict HTTP/1.1\r\nHost: digits\r\nX-Slow: 1"]
)
def test_slow_headers_time_out(impatient: Server, start: bytes) -> None:
    with RawClient(impatient) as slow:
        slow.send(start)
        answer = slow.read_until_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


def test_slow_headers_on_a_kept_connection_time_out(impatient: Server) -> None:
    with RawClient(impatient) as slow:
        slow.start_request(FOUR, sent=len(FOUR))
        assert slow.read_response() == (200, {"prediction": 4})
        slow.send(b"GET /health/live HTTP/1.1\r\n")
        assert slow.read_until_closed().startswith(b"HTTP/1.1 408 ")


def test_slow_clients_do_not_delay_others(impatient: Server) -> None:
    with ExitStack() as stack, connect(impatient) as client:
        for number in range(200):
            slow = stack.enter_context(RawClient(impatient))
            slow.send(b"POST /api/v1/predict HTTP/1.1\r\n") if number % 2 else slow.start_request(FOUR, sent=5)
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
def test_endless_headers_are_refused(running_service: Server, request_start: bytes) -> None:
    with RawClient(running_service) as client:
        client.send(request_start)
        answer = client.read_until_closed()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"/problems/headers-too-large" in answer


def test_endless_trailers_close_the_connection(running_service: Server) -> None:
    with RawClient(running_service) as client:
        client.send(b"POST /api/v1/predict HTTP/1.1\r\nHost: digits\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        client.send(b"X-Many: 1\r\n" * 10_000)
        client.read_until_closed()  # would wait until the timeout if the service kept reading


def test_bytes_that_are_not_http_are_answered_with_a_problem(running_service: Server) -> None:
    with RawClient(running_service) as client:
        client.send(b"hello\r\n\r\n")
        answer = client.read_until_closed()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"/problems/bad-request" in answer


def test_a_flood_of_pipelined_requests_closes_the_connection(running_service: Server) -> None:
    with RawClient(running_service) as client:
        client.send(b"GET /health/live HTTP/1.1\r\nHost: digits\r\n\r\n" * 1000)
        assert client.read_until_closed().count(b"HTTP/1.1 200") < 1000


def test_a_few_pipelined_requests_are_all_answered(running_service: Server) -> None:
    with RawClient(running_service) as client:
        client.send(b"GET /health/live HTTP/1.1\r\nHost: digits\r\n\r\n" * 9)
        client.send(b"GET /health/live HTTP/1.1\r\nHost: digits\r\nConnection: close\r\n\r\n")
        assert client.read_until_closed().count(b'{"status":"live"}') == 10


@pytest.mark.uvicorn
@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopping_service_refuses_connections_answers_open_requests_and_exits_with_0(workers: int) -> None:
    with (
        another_server(DIGITS_WORKERS=workers) as server,
        RawClient(server) as slow,
        connect(server) as client,
    ):
        slow.start_request(FOUR, sent=10)
        until(lambda: open_requests(client) == 1)
        os.kill(server.pid, signal.SIGTERM)
        until(lambda: refuses_connections(server))
        slow.send(FOUR[10:])
        assert slow.read_response() == (200, {"prediction": 4})
        assert server.stop() == 0


@pytest.mark.uvicorn
def test_a_client_that_never_finishes_does_not_keep_the_service_from_stopping() -> None:
    with another_server(DIGITS_GRACE_S=1) as server, RawClient(server) as stuck, connect(server) as client:
        stuck.start_request(FOUR, sent=10)
        until(lambda: open_requests(client) == 1)
        assert server.stop() == 0
        status, body = stuck.read_response()
        assert_problem_body(body, "too-busy", status)


def refuses_connections(server: Server) -> bool:
    """Return whether the service refuses new connections."""
    try:
        with RawClient(server):
            return False
    except ConnectionRefusedError:
        return True
