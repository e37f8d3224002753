"""Run the service and the page together, as `make run` does: start both, print where they are, stop both.

If other machines can open the page, it also prints the address for them, in a terminal with a QR code.

Each runs in a session of its own, so that a terminal's Ctrl-C reaches only this process, which then stops the two.
Any failure ends in one sentence on stderr and exit code 1.
"""

import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType

from src.app.local_network import describe_access, is_shared
from src.launcher import Program, server_url
from src.settings import Settings, read_settings

READY_S = 60.0  # from the start until both are healthy
GRACE_S = 5.0  # from SIGTERM until SIGKILL, for both together
POLL_S = 0.1
DEFAULTS = {"DIGITS_LOG_LEVEL": "warning", "DIGITS_GRACE_S": "3"}  # unless the environment sets them
START_PAGES = {"API": "/docs", "Page": ""}


class StopRequest:
    """Remembers that a signal asked to stop. The handler does no more, so it can't interrupt a start halfway."""

    made = False

    def listen(self) -> None:
        """Handle the signals that end a command."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # under nohup, a hang-up is no reason to stop
            signal.signal(signal.SIGHUP, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.made = True


def programs(settings: Settings) -> list[Program]:
    """Return the service and the page."""
    environment = DEFAULTS | os.environ | {"DIGITS_API_URL": server_url(settings.host, settings.api_port)}
    api = Program(
        name="API",
        arguments=("-m", "src.app.serve"),
        host=settings.host,
        port=settings.api_port,
        environment=environment,
        captures=False,
    )
    # the rest of the page's configuration is in .streamlit/config.toml
    address = (f"--server.address={settings.host}", f"--server.port={settings.page_port}")
    quiet = ("--logger.hideWelcomeMessage=true", "--logger.level=warning")
    page = Program(
        name="Page",
        arguments=("-m", "streamlit", "run", "src/app/front.py", *address, *quiet),
        host=settings.host,
        port=settings.page_port,
        health="/_stcore/health",
        expected=b"ok",  # Streamlit answers 200 at any path
        environment=environment,
        captures=False,
    )
    return [api, page]


def require_free_ports(programs: Sequence[Program]) -> None:
    """Raise SystemExit with a sentence unless all can listen at once, which two on the same port can't."""
    with ExitStack() as held:
        for program in programs:
            try:
                family, *_, address = socket.getaddrinfo(program.host, program.port, type=socket.SOCK_STREAM)[0]
                held.enter_context(socket.create_server(address[:2], family=family))
            except OSError as error:
                raise SystemExit(_explain(program, error)) from error


def _explain(program: Program, error: OSError) -> str:
    setting = f"DIGITS_{program.name.upper()}_PORT"
    if error.errno == errno.EADDRINUSE:
        return f"Port {program.port} is taken: {setting}=… moves the {program.name} to another."
    where = f"{program.host}, port {program.port}"
    return f"The {program.name} can't listen on {where}: {error.strerror} (set by DIGITS_HOST and {setting})."


def supervise(programs: Sequence[Program], stop: StopRequest, when_ready: Callable[[], None] = lambda: None) -> None:
    """Announce each program once it is healthy, then call `when_ready`, and return when a signal asks to stop.

    Raises SystemExit with a sentence when a program exits by itself, or is not healthy in time.
    """
    deadline = time.monotonic() + READY_S
    awaited = list(programs)
    while not stop.made:
        for program in programs:
            if (code := program.process.poll()) is not None:
                raise SystemExit(f"The {program.name} ended by itself with exit code {code}, so all was stopped.")
        for program in [program for program in awaited if program.is_healthy()]:
            awaited.remove(program)
            print(f"{program.name:<4}  {program.url}{START_PAGES[program.name]}", flush=True)
            if not awaited:
                when_ready()
        if awaited and time.monotonic() > deadline:
            raise SystemExit(f"The {awaited[0].name} was not ready within {READY_S:.0f} s, so all was stopped.")
        time.sleep(POLL_S)


def print_access(page: Program) -> None:
    """Print where other machines open the page, if it listens to them."""
    if is_shared(page.host):
        can_show_code = sys.stdout.isatty() and sys.stdout.encoding.lower() == "utf-8"
        print(describe_access(page.host, page.port, with_code=can_show_code), flush=True)


def stop_all(programs: Sequence[Program]) -> None:
    """Ask all programs to stop, give them `GRACE_S` together, then kill what is left."""
    for program in programs:
        program.terminate()
    deadline = time.monotonic() + GRACE_S
    for program in programs:
        program.finish(deadline - time.monotonic())


def main() -> None:
    """Run both until a signal asks to stop."""
    both = programs(read_settings())
    require_free_ports(both)
    stop = StopRequest()
    stop.listen()
    try:
        for program in both:
            program.start()
        supervise(both, stop, lambda: print_access(both[1]))
    finally:
        stop_all(both)


if __name__ == "__main__":
    main()
