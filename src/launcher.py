"""Start the project's servers as processes, wait until they are healthy, and stop them.

For `make run`, the pipeline's serving check and the tests. It uses only the standard library and imports nothing else
of the project: whoever starts a server needs none of what the server imports.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
POLL_S = 0.05
GRACE_S = 15.0  # from SIGTERM until SIGKILL


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def clean_environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with its settings of the service and the page replaced by `settings`."""
    names = ("DIGITS_", "STREAMLIT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(names)} | settings


def local_address(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def server_url(host: str, port: int) -> str:
    """Return where this machine reaches a server, for example `http://127.0.0.1:8000`."""
    address = local_address(host)
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"


@dataclass(eq=False, kw_only=True)
class Program:
    """A Python program that listens on a port.

    It runs in a session of its own, so a terminal's Ctrl-C does not reach it. It is healthy when `health` answers 200
    with `expected` in its body. It can be started again after it was stopped.
    """

    name: str
    arguments: tuple[str, ...]  # of Python, for example ("-m", "src.app.serve")
    port: int
    host: str = "127.0.0.1"
    health: str = "/health/ready"
    expected: bytes = b""
    environment: Mapping[str, str] = field(default_factory=clean_environment)
    python: str = sys.executable
    captures: bool = True  # keeps what the program writes in `log`; otherwise it goes where this process writes

    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _file: IO[bytes] | None = field(default=None, init=False)
    _log: str = field(default="", init=False)

    @property
    def url(self) -> str:
        """Where this machine reaches the program."""
        return server_url(self.host, self.port)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process. Raises RuntimeError before `start` and after `stop`."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running.")
        return self._process

    @property
    def log(self) -> str:
        """Standard output and error since the last start."""
        if self._file:
            number = self._file.fileno()
            # pread leaves the file's position, which the program shares, where it is
            self._log = os.pread(number, os.fstat(number).st_size, 0).decode()
        return self._log

    def start(self) -> None:
        """Start the program; returns before it is healthy."""
        self._file = tempfile.TemporaryFile() if self.captures else None  # noqa: SIM115 - `stop` closes it
        self._process = subprocess.Popen(  # noqa: S603 - the arguments are ours
            (self.python, *self.arguments),
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT if self._file else None,
            start_new_session=True,
        )

    def is_healthy(self) -> bool:
        """Return whether the program says that it is healthy. Asks it directly, not through a proxy."""
        connection = http.client.HTTPConnection(local_address(self.host), self.port, timeout=1)
        try:
            connection.request("GET", self.health)
            response = connection.getresponse()
            return response.status == http.HTTPStatus.OK and self.expected in response.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_until_healthy(self, timeout_s: float) -> bool:
        """Return True once the program is healthy, False if it exits or takes longer than `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        while not self.is_healthy():
            with suppress(subprocess.TimeoutExpired):  # still running
                self.process.wait(POLL_S)
                return False
            if time.monotonic() > deadline:
                return False
        return True

    def terminate(self) -> None:
        """Ask the program to stop (SIGTERM)."""
        if self._process:
            self._process.terminate()

    def finish(self, grace_s: float) -> int | None:
        """Wait at most `grace_s` seconds for the program to exit, then kill whatever is left of it.

        Returns the exit code; None if the program was not running.
        """
        if self._process is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, grace_s))
        with suppress(ProcessLookupError, PermissionError):  # nothing is left; macOS reports missing permission then
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self._process = None
        if self._file:
            self._log = self.log
            self._file.close()
            self._file = None
        return code

    def stop(self, grace_s: float = GRACE_S) -> int | None:
        """Ask the program to stop, kill it after `grace_s` seconds, and return its exit code."""
        self.terminate()
        return self.finish(grace_s)
