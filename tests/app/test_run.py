"""`python -m src.app.run` announces both programs once healthy, stops both, and reports failures in a sentence."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest
import requests
from httpx import Client

from src.app import run
from src.app.local_network import describe_access, find_addresses, render_code
from src.launcher import Program, clean_environment, free_port, server_url
from src.settings import ROOT
from tests.app.terminal_code import read_code


@pytest.fixture(autouse=True)
def accept_sighup() -> Iterator[None]:
    """Let the command receive SIGHUP even if the tests run under nohup, whose setting it would inherit."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@contextmanager
def running(
    api_port: int, page_port: int, stdout: int = subprocess.PIPE, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """Start the command, and kill whatever is left of it after the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "src.app.run"],
        cwd=ROOT,
        env=clean_environment(DIGITS_API_PORT=str(api_port), DIGITS_PAGE_PORT=str(page_port), **settings),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            with suppress(psutil.NoSuchProcess):  # it has ended, as it should
                command = psutil.Process(process.pid)
                for process_left in [*command.children(recursive=True), command]:
                    process_left.kill()


def announced(process: subprocess.Popen[str]) -> set[str]:
    """Return the two lines of output. The command itself gives up if they do not come."""
    assert process.stdout
    return {process.stdout.readline().rstrip() for _ in range(2)}


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_both_are_announced_once_healthy_and_a_signal_stops_both(number: signal.Signals) -> None:
    api_port, page_port = free_port(), free_port()
    with running(api_port, page_port) as process:
        api, page = f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{page_port}"
        assert announced(process) == {f"API   {api}/docs", f"Page  {page}"}
        assert requests.get(f"{api}/health/ready", timeout=5).ok
        assert requests.get(f"{page}/_stcore/health", timeout=5).text == "ok"
        children = psutil.Process(process.pid).children(recursive=True)

        process.send_signal(number)

        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert not any(child.is_running() for child in children)
    assert not listens(api_port)
    assert not listens(page_port)


def test_in_a_terminal_a_code_leads_others_to_the_page() -> None:
    page_port = free_port()
    terminal, output = os.openpty()
    with (
        os.fdopen(terminal, encoding="utf-8") as screen,
        running(free_port(), page_port, output, DIGITS_HOST="0.0.0.0"),  # noqa: S104 - what others can reach
    ):
        os.close(output)
        lines = [screen.readline().rstrip() for _ in range(3)]
        addresses = find_addresses("0.0.0.0")  # noqa: S104
        if not addresses:
            assert lines[2] == "This machine has no network, so no other machine can open the page."
            return
        url = server_url(addresses[0], page_port)
        assert lines[2] == f"Other machines open  {url}"
        assert read_code("".join(screen.readline() for _ in render_code(url).splitlines())) == url
        with Client(trust_env=False) as client:
            assert client.get(f"{url}/_stcore/health").text == "ok"


def test_without_a_terminal_others_get_the_address_alone() -> None:
    page_port = free_port()
    expected = describe_access("0.0.0.0", page_port, with_code=False).splitlines()  # noqa: S104
    with running(free_port(), page_port, DIGITS_HOST="0.0.0.0") as process:  # noqa: S104
        announced(process)
        assert process.stdout
        assert [process.stdout.readline().rstrip() for _ in expected] == expected
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
    assert not rest


def test_when_one_exits_by_itself_it_is_named_and_the_other_stopped() -> None:
    api_port, page_port = free_port(), free_port()
    with running(api_port, page_port) as process:
        announced(process)
        children = psutil.Process(process.pid).children(recursive=True)
        page = next(child for child in children if "streamlit" in child.cmdline())

        page.kill()

        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "The Page ended by itself with exit code -9" in errors
    assert not any(child.is_running() for child in children)
    assert not listens(api_port)


def test_a_taken_port_is_reported_with_the_setting_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with running(free_port(), taken) as process:
            output, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert not output
    assert errors == f"Port {taken} is taken: DIGITS_PAGE_PORT=… moves the Page to another.\n"


def test_two_programs_on_one_port_are_refused_before_anything_starts() -> None:
    port = free_port()
    with running(port, port) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"Port {port} is taken" in errors


def test_an_invalid_setting_is_named() -> None:
    with running(free_port(), 99999) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors.startswith("DIGITS_PAGE_PORT: ")
    assert "Traceback" not in errors


@contextmanager
def program_that_runs(code: str) -> Iterator[Program]:
    """Start Python code in the place of the service, and yield once it has written a line."""
    program = Program(name="API", arguments=("-uc", code), port=free_port())
    program.start()
    try:
        while not program.log:
            assert program.process.poll() is None
        yield program
    finally:
        program.stop(0)


def test_a_program_that_is_never_healthy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "READY_S", 0.0)
    with (
        program_that_runs("import signal; print('up'); signal.pause()") as waiting,
        pytest.raises(SystemExit, match="The API was not ready within 0 s"),
    ):
        run.supervise([waiting], run.StopRequest())


def test_a_program_that_ignores_the_request_to_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "GRACE_S", 0.1)
    code = "import signal as s; s.signal(s.SIGTERM, s.SIG_IGN); s.alarm(20); print('up'); s.pause()"
    with program_that_runs(code) as stubborn:
        process = stubborn.process
        run.stop_all([stubborn])
        assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80")])  # noqa: S104
def test_a_server_that_listens_everywhere_is_announced_at_a_local_address(host: str, url: str) -> None:
    assert server_url(host, 80) == url
