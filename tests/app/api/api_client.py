"""What tests of the service share: how to start one, how to call it, and how to check its responses."""

import asyncio
import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from time import monotonic, sleep
from typing import Any, Self, TypeVar

import anyio
import psutil
from fastapi import FastAPI
from httpx import ASGITransport, BaseTransport, Client, Headers, Request, Response
from prometheus_client.parser import text_string_to_metric_families

from src.app.api.state import AppState
from src.app.main import create_app
from src.settings import Settings
from tests import servers

PREDICT = "/api/v1/predict"
READ = "/api/v1/read"
BATCH = "/api/v1/predict/batch"
FEEDBACK = "/api/v1/feedback"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # shared: each client would load the machine's certificates, in 20 ms


T = TypeVar("T")


def run_in_event_loop(function: Callable[[], Awaitable[T]]) -> T:
    """Run an async function to its end in a thread: Playwright's fixtures leave an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, function).result()


class InProcessTransport(BaseTransport):
    """Lets a synchronous client call an ASGI app without a server."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = ASGITransport(app)

    def handle_request(self, request: Request) -> Response:
        """Return the app's response."""

        async def call() -> Response:
            response = await self._transport.handle_async_request(request)
            return Response(response.status_code, headers=response.headers, content=await response.aread())

        return asyncio.run_coroutine_threadsafe(call(), event_loop()).result()


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that runs until the tests end: a service's child processes belong to one."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


class LocalService(Client):
    """The service in this process, with a network loaded, for tests that need neither sockets nor signals."""

    def __init__(self, **settings: Any) -> None:
        app = create_app(Settings(**settings))
        self.state: AppState = app.state.service
        self.state.refresh()
        super().__init__(transport=InProcessTransport(app), base_url="http://digits")


@contextmanager
def another_server(**settings: object) -> Iterator[servers.Server]:
    """Run a second service as a process with `settings` until the block ends."""
    environment = {name: str(value) for name, value in settings.items()}
    with servers.running(servers.service(servers.free_port(), ready="/health/live", **environment)) as server:
        yield server


def connect(server: servers.Server, timeout: float = 30) -> Client:
    """Return a client of a service."""
    return Client(base_url=server.url, timeout=timeout, verify=NO_TLS, trust_env=False)


def send(client: Client, data: bytes, path: str = PREDICT, **parameters: object) -> Response:
    """Send a picture in a form."""
    query = {name: str(value).lower() for name, value in parameters.items()}
    return client.post(path, files={"file": ("digit.png", data, "image/png")}, params=query)


def send_batch(client: Client, *pictures: bytes, **parameters: object) -> Response:
    """Send several pictures in a form."""
    files = [("files", ("digit.png", data, "image/png")) for data in pictures]
    query = {name: str(value).lower() for name, value in parameters.items()}
    return client.post(BATCH, files=files, params=query)


def assert_problem(response: Response, name: str) -> None:
    """Check that a response is the problem `name`."""
    assert response.headers["content-type"] == "application/problem+json"
    assert_problem_body(response.json(), name, response.status_code)
    assert response.headers["x-content-type-options"] == "nosniff"


def assert_problem_body(body: dict[str, Any], name: str, status: int) -> None:
    """Check that a body is the problem `name`, with a sentence as its detail."""
    assert body["type"] == f"/problems/{name}"
    assert body["status"] == status
    assert len(body["detail"].split()) > 4
    assert body["detail"].endswith((".", "…"))


def assert_common_headers(response: Response) -> None:
    """Check the headers that every response has."""
    headers = response.headers
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", headers["x-request-id"])
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def read_metrics(client: Client) -> dict[tuple[str, ...], float]:
    """Return the values of /metrics by the metric's name and the values of its labels."""
    text = client.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples}


def open_requests(client: Client) -> float:
    """Return the number of requests that the service has not answered yet, without the one that asks."""
    return read_metrics(client)[("digits_requests_in_hand",)] - 1


def log_lines(server: servers.Server) -> list[dict[str, Any]]:
    """Return what the service has logged; every line is a JSON object."""
    return [json.loads(line) for line in server.log.splitlines()]


def worker_processes(server: servers.Server) -> list[psutil.Process]:
    """Return the processes that serve, without the resource tracker that Python starts beside them."""
    workers = []
    for child in psutil.Process(server.pid).children():
        with suppress(psutil.NoSuchProcess):  # a worker that was just killed
            if "spawn_main" in " ".join(child.cmdline()):
                workers.append(child)
    return workers


def until(condition: Callable[[], T], limit_s: float = 30) -> T:
    """Return what the condition returns as soon as that is true; fail if it is not within the limit."""
    deadline = monotonic() + limit_s
    while not (value := condition()):
        assert monotonic() < deadline
        sleep(0.02)
    return value


class RawClient:
    """A connection that sends exactly the bytes it is told to."""

    def __init__(self, server: servers.Server, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(30)
        if receive_buffer:  # bytes; decided before the connection, in which the kernel announces it
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self._socket.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self._socket.sendall(data)

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none if the service has closed the connection."""
        return self._socket.recv(size)

    def start_request(self, picture: bytes, sent: int) -> None:
        """Send a request with a raw picture, but only the first `sent` bytes of the picture."""
        self.send(b"POST /api/v1/predict HTTP/1.1\r\nHost: digits\r\nContent-Type: image/png\r\n")
        self.send(b"Content-Length: %d\r\n\r\n" % len(picture) + picture[:sent])

    def read_response(self) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of the next response."""
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return response.status, json.loads(response.read())

    def read_responses(self) -> list[Response]:
        """Return all responses until the service closes the connection; each must have a content-length."""
        rest = self.read_until_closed()
        responses = []
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            status_line, *lines = head.decode().split("\r\n")
            headers = Headers([(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)])
            length = int(headers["content-length"])
            responses.append(Response(int(status_line.split()[1]), headers=headers, content=rest[:length]))
            rest = rest[length:]
        return responses

    def read_until_closed(self) -> bytes:
        """Return all bytes until the service closes the connection."""
        received = b""
        with suppress(ConnectionResetError):
            while data := self._socket.recv(65_536):
                received += data
        return received
