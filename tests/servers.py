"""Servers that tests start on free ports: the real service, the real page, and a stand-in for the service."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from src.launcher import Program, clean_environment, free_port

__all__ = ["FakeService", "Server", "free_port", "is_ray", "page", "plain_service", "running", "service"]

START_LIMIT_S = 90.0  # a cold machine that also runs the rest of the suite


class Server(Program):
    """A program that fails the test if it does not start. The developer's own settings do not reach it."""

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self.process.pid

    def start(self) -> None:
        """Start, and return once the program is healthy. Raises RuntimeError with its output if it is not."""
        super().start()
        if not self.wait_until_healthy(START_LIMIT_S):
            self.stop()
            raise RuntimeError(f"{' '.join(self.arguments)} did not start:\n{self.log}")

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Let the program accept connections but do nothing inside the block."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Keep `server` up inside the block."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def is_ray() -> bool:
    """Return whether the tests run against Ray Serve, as `TEST_SERVICE=ray` asks."""
    return os.environ.get("TEST_SERVICE", "uvicorn") == "ray"


def service(port: int, ready: str = "/health/ready", module: str | None = None, **settings: str) -> Server:
    """Return the service, with the shipped model unless a `DIGITS_…` setting says otherwise."""
    module = module or ("tests.ray_service" if is_ray() else "src.app.serve")
    environment = clean_environment(DIGITS_API_PORT=str(port), **settings)
    return Server(name="API", arguments=("-m", module), port=port, health=ready, environment=environment)


def plain_service(port: int) -> Server:
    """Return the service as plain uvicorn runs it."""
    command = ("-m", "uvicorn", "src.app.main:app", "--host", "127.0.0.1", "--port", str(port))
    return Server(name="API", arguments=command, port=port)


def page(port: int, api_url: str) -> Server:
    """Return the page, which asks the service at `api_url`."""
    return Server(
        name="Page",
        arguments=("-m", "streamlit", "run", "src/app/front.py", "--server.port", str(port)),
        port=port,
        health="/_stcore/health",
        expected=b"ok",
        environment=clean_environment(DIGITS_API_URL=api_url),
    )


class FakeService:
    """A stand-in for the service that gives the answers a test sets, and records the requests it receives."""

    def __init__(self) -> None:
        self.status = 200
        self.content_type = "application/json"
        self.body = b"{}"
        self.headers: dict[str, str] = {}
        self.others: dict[str, bytes] = {}  # bodies of other answers, by path; GET is answered with 404 elsewhere
        self.hangs_up = False
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.paths: list[str] = []  # of POST
        self.asked: list[str] = []  # of GET
        self.received: list[bytes] = []
        self.connections = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "FakeService":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.may_answer.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def _handler(fake: FakeService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept

        def setup(self) -> None:
            super().setup()
            fake.connections += 1

        def do_POST(self) -> None:
            fake.paths.append(self.path)
            fake.received.append(self.rfile.read(int(self.headers["Content-Length"])))
            fake.may_answer.wait()
            if fake.hangs_up:
                self.close_connection = True
                return
            self.answer(fake.status, fake.others.get(self.path, fake.body))

        def do_GET(self) -> None:
            fake.asked.append(self.path)
            self.answer(200 if self.path in fake.others else 404, fake.others.get(self.path, b"{}"))

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", fake.content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in fake.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
