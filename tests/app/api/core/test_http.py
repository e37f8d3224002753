"""HTTP as attackers write it: smuggled and doubled headers, broken bodies, pipelining, and peers that do not read."""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from unittest.mock import Mock

import psutil
import pytest
from httpx import Client, Response

from src.app.api.core.protocol import MAX_CONNECTIONS, MAX_PIPELINED, MAX_UNSENT, PipelineFlow
from tests.app.api.api_client import (
    PREDICT,
    RawClient,
    another_server,
    assert_common_headers,
    assert_problem,
    connect,
    log_lines,
    open_requests,
    read_metrics,
    until,
)
from tests.pictures import encoded, mnist
from tests.servers import Server

FOUR = encoded(mnist(4))
KEY = "the-only-key-there-is"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: digits\r\n"
CLOSE = b"Connection: close\r\n\r\n"
START = b"POST /api/v1/predict HTTP/1.1\r\nHost: digits\r\nContent-Type: image/png\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n"
BUNDLE = "/docs/assets/swagger-ui-bundle.js"  # the largest answer there is
GET_BUNDLE = f"GET {BUNDLE} HTTP/1.1\r\nHost: digits\r\n\r\n".encode()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """Yield a service that requires a key."""
    with another_server(DIGITS_API_KEYS=KEY) as server:
        yield server


def exchange(server: Server, data: bytes) -> list[Response]:
    """Send bytes over a new connection, and return the responses until the service closes it."""
    with RawClient(server) as client:
        client.send(data)
        return client.read_responses()


def authorization(key: str) -> bytes:
    return f"Authorization: Bearer {key}\r\n".encode()


def in_chunks(body: bytes, trailers: bytes = b"") -> bytes:
    return b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailers)


def test_trailers_never_become_headers(guarded: Server) -> None:
    right, wrong = authorization(KEY), authorization("another-key-of-them")
    for key, trailers, status in ((b"", right, 401), (wrong, right, 401), (right, wrong, 200)):
        body = in_chunks(FOUR, trailers + b"Content-Type: text/plain\r\nX-Request-ID: from-a-trailer\r\n")
        [answer] = exchange(guarded, CHUNKED + key + CLOSE + body)
        assert answer.status_code == status
        assert answer.headers["x-request-id"] != "from-a-trailer"


@pytest.mark.parametrize(
    "doubled", ["Authorization: Bearer " + KEY, "Host: other", "Content-Type: image/png", "Content-Length: 3"]
)
def test_a_header_that_must_be_single_is_refused_if_it_is_sent_twice(guarded: Server, doubled: str) -> None:
    start = START + authorization(KEY) + b"Content-Length: 3\r\n"
    [answer] = exchange(guarded, start + doubled.encode() + b"\r\n" + CLOSE + b"abc")
    assert answer.status_code == 400
    assert_problem(answer, "bad-request")


def test_only_http_1_0_may_leave_out_the_host(running_service: Server) -> None:
    [old] = exchange(running_service, b"GET /health/live HTTP/1.0\r\n\r\n")
    assert old.status_code == 200
    [answer] = exchange(running_service, b"GET /health/live HTTP/1.1\r\nX-Request-ID: no-host\r\n" + CLOSE)
    assert answer.status_code == 400
    assert_problem(answer, "bad-request")
    assert answer.headers["x-request-id"] == "no-host"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"-1\r\nabc\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"f" * 17 + b"\r\nabc\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"3\r\nabcdef\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: gzip\r\n", b"abc"),
        (b"Transfer-Encoding: identity\r\n", b"abc"),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked, gzip\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"Content-Length: 3, 3\r\n", b"abc"),
        (b"Content-Length: +3\r\n", b"abc"),
    ],
)
def test_a_body_of_unclear_length_is_refused(running_service: Server, headers: bytes, body: bytes) -> None:
    [answer] = exchange(running_service, START + headers + CLOSE + body)
    assert answer.status_code == 400
    assert_problem(answer, "bad-request")
    assert_common_headers(answer)


def test_chunks_in_http_1_0_are_refused(running_service: Server) -> None:
    [answer] = exchange(running_service, CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n" + in_chunks(FOUR))
    assert answer.status_code == 400
    assert_problem(answer, "bad-request")


@pytest.mark.uvicorn
def test_a_body_that_breaks_off_into_nonsense_is_answered(running_service: Server) -> None:
    with RawClient(running_service) as sender, connect(running_service) as client:
        sender.send(CHUNKED + b"\r\n3\r\nabc\r\n")
        until(lambda: open_requests(client) == 1)
        sender.send(b"nonsense\r\n")
        [answer] = sender.read_responses()
    assert answer.status_code == 400
    assert_problem(answer, "bad-request")


def test_of_too_many_pipelined_requests_the_first_are_answered(running_service: Server) -> None:
    answers = exchange(running_service, (LIVE + b"\r\n") * 40)
    assert [answer.status_code for answer in answers] == [200] * (1 + MAX_PIPELINED) + [400]
    assert_problem(answers[-1], "bad-request")


def test_pipelined_requests_before_nonsense_are_answered(running_service: Server) -> None:
    answers = exchange(running_service, (LIVE + b"\r\n") * 3 + b"nonsense\r\n\r\n")
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400]


def test_a_request_after_one_that_asks_for_an_upgrade_is_answered(running_service: Server) -> None:
    upgrade = LIVE + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    answers = exchange(running_service, upgrade + LIVE + CLOSE)
    assert [answer.status_code for answer in answers] == [200, 200]


def assert_recorded(server: Server, before: dict[tuple[str, ...], float], answer: Response, problem: str) -> None:
    """Check that an answer was logged and counted once, and has the headers of every other."""
    assert_common_headers(answer)
    request_id = answer.headers["x-request-id"]
    until(lambda: request_id in server.log)
    [line] = [line for line in log_lines(server) if line.get("request_id") == request_id]
    assert (line["message"], line["status"], line["problem"]) == ("request", answer.status_code, problem)
    with connect(server) as client:
        after = read_metrics(client)
    for key in (("digits_problems_total", problem), ("digits_requests_total", "none", str(answer.status_code))):
        assert after[key] - before.get(key, 0) == 1


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    """Yield a service that waits half a second for a peer."""
    with another_server(DIGITS_REQUEST_TIMEOUT_S=0.5) as server:
        yield server


@pytest.mark.uvicorn
@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"hello\r\n\r\n", "bad-request"),
        (b"GET /health/live HTTP/1.1\r\nX-Request-ID: mine\r\nX: " + b"x" * 100_000, "headers-too-large"),
        (LIVE + b"X: " + b"x" * 100_000 + b"\r\n\r\n", "headers-too-large"),
        (CHUNKED + b"\r\nzz\r\n", "bad-request"),
    ],
)
def test_answers_to_broken_requests_are_like_all_others(running_service: Server, sent: bytes, problem: str) -> None:
    with connect(running_service) as client:
        before = read_metrics(client)
    [answer] = exchange(running_service, sent)
    assert_problem(answer, problem)
    assert_recorded(running_service, before, answer, problem)
    if b"X-Request-ID: mine" in sent:
        assert answer.headers["x-request-id"] == "mine"


@pytest.mark.uvicorn
def test_an_answer_to_headers_that_do_not_come_is_like_all_others() -> None:
    with another_server(DIGITS_HEADER_TIMEOUT_S=0.5) as server:
        with connect(server) as client:
            before = read_metrics(client)
        [answer] = exchange(server, b"GET /health/live HTTP/1.1\r\n")
        assert_problem(answer, "request-timeout")
        assert_recorded(server, before, answer, "request-timeout")


@pytest.mark.uvicorn
def test_a_connection_over_the_limit_is_answered_like_all_others() -> None:
    with another_server() as server, ExitStack() as stack, connect(server) as client:
        before = read_metrics(client)
        for _ in range(MAX_CONNECTIONS - 1):
            stack.enter_context(RawClient(server))
        [answer] = stack.enter_context(RawClient(server)).read_responses()
        assert answer.status_code == 503
        assert_problem(answer, "too-busy")
        assert int(answer.headers["retry-after"]) > 0
        stack.close()
        assert_recorded(server, before, answer, "too-busy")


def test_nothing_more_is_read_while_requests_wait() -> None:
    transport, waiting = Mock(), deque(["a request"])
    flow = PipelineFlow(transport, waiting)
    flow.pause_reading()
    flow.resume_reading()
    transport.resume_reading.assert_not_called()
    waiting.clear()
    flow.resume_reading()
    transport.resume_reading.assert_called_once()


def undelivered(server: Server) -> list[int]:
    """Return the bytes that the kernel keeps for the peer of each connection, also of those the service has closed."""
    port = f":{int(server.url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    done = ("05", "06", "0A")  # FIN_WAIT2 and TIME_WAIT have nothing to send, LISTEN is no connection
    open_rows = [row for row in rows if row[1].endswith(port) and row[3] not in done]
    return [int(row[4].partition(":")[0], 16) for row in open_rows]


@pytest.mark.uvicorn
def test_a_peer_that_does_not_read_is_disconnected(impatient: Server) -> None:
    earlier = len(log_lines(impatient))  # of other tests, some of whose peers were disconnected too
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(RawClient(impatient, receive_buffer=16_384)).send(GET_BUNDLE * 16)
        until(lambda: sum(MAX_UNSENT <= size < 3 * MAX_UNSENT for size in undelivered(impatient)) == 20)
        until(lambda: undelivered(impatient) == [], limit_s=10)
    until(lambda: sum(line.get("status") == 499 for line in log_lines(impatient)[earlier:]) == 20)
    assert {line["level"] for line in log_lines(impatient)} == {"info"}


def test_a_peer_that_reads_slowly_gets_everything(impatient: Server, client: Client) -> None:
    expected = client.get(BUNDLE).content
    received = b""
    with RawClient(impatient, receive_buffer=16_384) as slow:
        slow.send(GET_BUNDLE)
        while len(received) < len(expected):
            part = slow.read(32_768)
            assert part
            received += part
            sleep(0.05)  # slow on purpose: several times the timeout in all
    assert received.endswith(expected[-10_000:])


@pytest.mark.uvicorn
def test_a_peer_that_reads_a_little_now_and_then_is_cut_off(impatient: Server) -> None:
    with RawClient(impatient, receive_buffer=4096) as slow, connect(impatient) as client:
        slow.send(GET_BUNDLE)
        until(lambda: open_requests(client) == 1)

        def is_cut_off() -> bool:
            slow.read(256)
            sleep(0.1)  # slow on purpose
            return open_requests(client) == 0

        until(is_cut_off)
    assert {line["level"] for line in log_lines(impatient)} == {"info"}


@pytest.mark.load
def test_waves_of_peers_that_do_not_read_leave_nothing_behind() -> None:
    with another_server(DIGITS_REQUEST_TIMEOUT_S=5) as server, connect(server) as client:
        for _ in range(4):
            with ExitStack() as stack:
                for _ in range(300):
                    stack.enter_context(RawClient(server, receive_buffer=16_384)).send(GET_BUNDLE * 16)
                until(lambda: sum(size > 0 for size in undelivered(server)) > 250)  # others get a short 503
                assert client.get("/health/live").status_code == 200
                sizes = undelivered(server)
                until(lambda: len(undelivered(server)) <= 1, limit_s=30)  # the client's own connection
                until(lambda: open_requests(client) == 0)
                assert max(sizes) < 3 * MAX_UNSENT
        assert psutil.Process(server.pid).memory_info().rss < 300e6
        answer = client.post(PREDICT, content=FOUR, headers={"Content-Type": "image/png"})
        assert answer.json() == {"prediction": 4}
