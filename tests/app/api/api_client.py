"""What tests of the service share: how it is asked, how another one is started, and what every problem looks like."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any, Self

from httpx import Client, Response
from prometheus_client.parser import text_string_to_metric_families

from tests import servers

PREDICT = "/api/v1/predict"
BATCH = "/api/v1/predict/batch"
FEEDBACK = "/api/v1/feedback"


@contextmanager
def another_service(**settings: object) -> Iterator[Client]:
    """Run a second service with `settings` until the block ends."""
    with another_server(**settings) as server, Client(base_url=server.url, trust_env=False) as client:
        yield client


@contextmanager
def another_server(**settings: object) -> Iterator[servers.Server]:
    """Run a second service with `settings` until the block ends; for tests of the process itself."""
    texts = {name: str(value) for name, value in settings.items()}
    with servers.running(servers.service(servers.free_port(), ready="/health/live", **texts)) as server:
        yield server


def send(client: Client, data: bytes, path: str = PREDICT, **parameters: object) -> Response:
    """Send a picture in a form."""
    texts = {name: str(value).lower() for name, value in parameters.items()}
    return client.post(path, files={"file": ("digit.png", data, "image/png")}, params=texts)


def send_batch(client: Client, *pictures: bytes, **parameters: object) -> Response:
    """Send several pictures in a form."""
    files = [("files", ("digit.png", data, "image/png")) for data in pictures]
    texts = {name: str(value).lower() for name, value in parameters.items()}
    return client.post(BATCH, files=files, params=texts)


def assert_problem(answer: Response, name: str) -> None:
    """Check that an answer is the problem `name`, with a sentence that says something."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert_is_problem(answer.json(), name, answer.status_code)
    assert answer.headers["x-content-type-options"] == "nosniff"


def assert_is_problem(body: dict[str, Any], name: str, status: int) -> None:
    """Check the same of a problem's body."""
    assert body["type"] == f"/problems/{name}"
    assert body["status"] == status
    assert len(body["detail"].split()) > 4
    assert body["detail"].endswith((".", "…"))


def counts(client: Client) -> dict[tuple[str, ...], float]:
    """Return what /metrics says: a number for each name with its labels' values."""
    text = client.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples}


def log_lines(server: servers.Server) -> list[dict[str, Any]]:
    """Return what the service has logged; every line is an object."""
    return [json.loads(line) for line in server.log.splitlines()]


def until(true: Callable[[], bool], limit_s: float = 30) -> None:
    """Return once `true()` holds."""
    deadline = monotonic() + limit_s
    while not true():
        assert monotonic() < deadline
        sleep(0.02)


class RawClient:
    """A client that sends just the bytes it is told to, when it is told to."""

    def __init__(self, server: servers.Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self._socket.sendall(data)

    def begin(self, picture: bytes, sent: int) -> None:
        """Send a request with a raw picture, but only `sent` bytes of it."""
        self.send(b"POST /api/v1/predict HTTP/1.1\r\nHost: digits\r\nContent-Type: image/png\r\n")
        self.send(b"Content-Length: %d\r\n\r\n" % len(picture) + picture[:sent])

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of the next answer."""
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return response.status, json.loads(response.read())

    def rest(self) -> bytes:
        """Return what comes until the service closes the connection."""
        received = b""
        with suppress(ConnectionResetError):
            while data := self._socket.recv(65_536):
                received += data
        return received
