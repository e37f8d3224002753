"""Run the service and the page together, as `make run` does: start both, say where they are, stop both.

Each is a child in a session of its own, so that a terminal's Ctrl-C reaches only this process, which then stops the
two. Whatever goes wrong ends in one sentence on stderr and exit code 1.
"""

import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import FrameType

from src.settings import ROOT, Settings, read_settings

READY_S = 60.0  # from the start until both answer
GRACE_S = 5.0  # from SIGTERM until SIGKILL
POLL_S = 0.1
UNLESS_SET = {"DIGITS_LOG_LEVEL": "warning", "DIGITS_GRACE_S": "3"}


@dataclass(frozen=True)
class Service:
    """What is started, and how it shows that it's up: `health` answers 200 with `healthy` in its body."""

    name: str
    host: str
    port: int
    setting: str
    arguments: tuple[str, ...]
    health: str
    healthy: bytes = b""
    opens: str = ""

    @property
    def address(self) -> str:
        """Under which this machine finds it: an address that stands for all of them can't be asked."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound

    @property
    def url(self) -> str:
        """Where it is found, for example `http://127.0.0.1:8000`."""
        return f"http://{f'[{self.address}]' if ':' in self.address else self.address}:{self.port}"

    def answers(self) -> bool:
        """Return whether it says that it's up; asked directly, never through a proxy."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=1)
        try:
            connection.request("GET", self.health)
            response = connection.getresponse()
            return response.status == http.HTTPStatus.OK and self.healthy in response.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


Running = dict[Service, subprocess.Popen[bytes]]


class StopRequest:
    """Remembers that a signal asked to stop; a handler that does no more can't break off a start halfway."""

    made = False

    def listen(self) -> None:
        """Take the signals that end a command, from here on."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # under nohup, a hang-up is no reason to stop
            signal.signal(signal.SIGHUP, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.made = True


def api(settings: Settings) -> Service:
    """Return the service."""
    arguments = ("src.app.serve",)
    return Service(
        "API", settings.host, settings.api_port, "DIGITS_API_PORT", arguments, health="/health/ready", opens="/docs"
    )


def page(settings: Settings) -> Service:
    """Return the page; it says nothing but warnings and errors. The rest of its settings is in .streamlit/."""
    where = (f"--server.address={settings.host}", f"--server.port={settings.page_port}")
    how = ("--logger.hideWelcomeMessage=true", "--logger.level=warning")
    arguments = ("streamlit", "run", "src/app/front.py", *where, *how)
    health = "/_stcore/health"  # any path answers 200 here, so the body tells
    return Service("Page", settings.host, settings.page_port, "DIGITS_PAGE_PORT", arguments, health, healthy=b"ok")


def require_free_ports(services: list[Service]) -> None:
    """Raise SystemExit with a sentence unless all can listen at once; two on the same port can't."""
    with ExitStack() as held:
        for service in services:
            try:
                family, *_, address = socket.getaddrinfo(service.host, service.port, type=socket.SOCK_STREAM)[0]
                held.enter_context(socket.create_server(address[:2], family=family))
            except OSError as error:
                raise SystemExit(_why_not(service, error)) from error


def _why_not(service: Service, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {service.port} is taken: {service.setting}=… moves the {service.name} to another."
    where = f"{service.host}, port {service.port}"
    return f"The {service.name} can't listen on {where}: {error.strerror} (set by DIGITS_HOST and {service.setting})."


def start(service: Service, api_url: str) -> subprocess.Popen[bytes]:
    """Start a service in a session of its own, told where the API is."""
    return subprocess.Popen(  # noqa: S603 - the arguments are ours
        (sys.executable, "-m", *service.arguments),
        cwd=ROOT,
        env=UNLESS_SET | os.environ | {"DIGITS_API_URL": api_url},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def supervise(running: Running, stop: StopRequest) -> None:
    """Announce each service when it answers, until somebody asks to stop.

    Raises SystemExit with a sentence when a service ends by itself, or doesn't answer in time.
    """
    deadline = time.monotonic() + READY_S
    awaited = list(running)
    while not stop.made:
        for service, child in running.items():
            if (code := child.poll()) is not None:
                raise SystemExit(f"The {service.name} ended by itself with exit code {code}, so all was stopped.")
        for service in [service for service in awaited if service.answers()]:
            awaited.remove(service)
            print(f"{service.name:<4}  {service.url}{service.opens}", flush=True)
        if awaited and time.monotonic() > deadline:
            raise SystemExit(f"The {awaited[0].name} was not ready within {READY_S:.0f} s, so all was stopped.")
        time.sleep(POLL_S)


def stop_all(running: Running) -> None:
    """Ask every service to stop, give them the time of grace together, then end what is left of them."""
    for child in running.values():
        _signal_group(child, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    for child in running.values():
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0, deadline - time.monotonic()))
        _signal_group(child, signal.SIGKILL)
        child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nothing is left of it; macOS calls that a lack of permission
        os.killpg(child.pid, number)


def main() -> None:
    """Run both until a signal asks to stop."""
    settings = read_settings()
    services = [api(settings), page(settings)]
    require_free_ports(services)
    stop = StopRequest()
    stop.listen()
    running: Running = {}
    try:
        for service in services:
            running[service] = start(service, services[0].url)
        supervise(running, stop)
    finally:
        stop_all(running)


if __name__ == "__main__":
    main()
