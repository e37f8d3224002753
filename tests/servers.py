"""Servers that tests start on ports of their own: the real service, the real page, and a stand-in for the service."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO

import requests

from src.settings import ROOT

START_LIMIT_S = 90.0  # a cold machine that also runs the rest of the suite


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Server:
    """A program of the project that listens on a port; it can be stopped and started again there."""

    def __init__(
        self, *module: str, port: int, ready: str, settings: dict[str, str] | None = None, python: str = sys.executable
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [python, "-m", *module]
        self._ready_url = self.url + ready
        # what the developer has set for themselves doesn't reach the server
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIGITS_", "STREAMLIT_"))}
        self._environment = clean | (settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._written = ""  # by the program, before it was stopped

    @property
    def pid(self) -> int:
        """The program's process id, while it runs."""
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        """What the program has written so far, or had when it was stopped."""
        if not self._output:
            return self._written
        number = self._output.fileno()
        return os.pread(number, os.fstat(number).st_size, 0).decode()  # the place where it writes on stays where it is

    def start(self) -> None:
        """Start and return once requests are answered."""
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when the program is stopped
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, stdout=self._output, stderr=subprocess.STDOUT
        )
        if not self._comes_up(self._process):
            self.stop()
            raise RuntimeError(f"{' '.join(self._command)} did not start:\n{self.log}")

    def stop(self) -> int | None:
        """End the program and return its exit code once it is gone."""
        code = None
        if self._process:
            self._process.terminate()
            try:
                code = self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
        if self._output:
            self._written = self.log
            self._output.close()
            self._output = None
        return code

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Let the program accept connections but do nothing inside the block."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _comes_up(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_LIMIT_S
        while not self._answers():
            with contextlib.suppress(subprocess.TimeoutExpired):  # it still runs: ask again
                process.wait(0.05)
                return False
            if time.monotonic() > deadline:
                return False
        return True

    def _answers(self) -> bool:
        try:
            return requests.get(self._ready_url, timeout=1).ok
        except requests.RequestException:
            return False


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Keep `server` up inside the block."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def service(port: int, ready: str = "/health/ready", **settings: str) -> Server:
    """Return the service, with the shipped model unless a `DIGITS_…` setting says otherwise."""
    return Server("src.app.serve", port=port, ready=ready, settings={"DIGITS_API_PORT": str(port)} | settings)


def plain_service(port: int) -> Server:
    """Return the service as plain uvicorn runs it."""
    command = ("uvicorn", "src.app.main:app", "--host", "127.0.0.1", "--port", str(port))
    return Server(*command, port=port, ready="/health/ready")


def page(port: int, api_url: str) -> Server:
    """Return the page, which asks the service at `api_url`."""
    command = ("streamlit", "run", "src/app/front.py", "--server.port", str(port))
    return Server(*command, port=port, ready="/_stcore/health", settings={"DIGITS_API_URL": api_url})


class FakeService:
    """A stand-in for the service that answers every request as it is told and remembers what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.content_type = "application/json"
        self.body = b"{}"
        self.headers: dict[str, str] = {}
        self.others: dict[str, bytes] = {}  # bodies of answers to GET, by path; 404 elsewhere
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
            self.answer(fake.status, fake.body)

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
