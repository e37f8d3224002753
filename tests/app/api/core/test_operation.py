"""What operators see: ids, log lines and metrics, with one worker and with several."""

import json
import logging
import os
import signal
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import Client, TransportError

from src.app.api.core import logs
from src.launcher import Program
from tests import released
from tests.app.api.api_client import (
    PREDICT,
    LocalService,
    RawClient,
    another_server,
    assert_problem,
    connect,
    log_lines,
    read_metrics,
    send,
    send_batch,
    until,
    worker_processes,
)
from tests.pictures import drawn, encoded, mnist
from tests.released import copy_release
from tests.servers import Server, free_port, service

FOUR = encoded(mnist(4))
LOADED = "serves from now on."  # logged by each worker


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a service whose log and metrics hold only the requests of this module."""
    with another_server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with connect(server) as client:
        yield client


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder from which `two_workers` serves."""
    folder = tmp_path_factory.mktemp("releases")
    copy_release(folder, "0.9.0")
    return folder


@pytest.fixture(scope="module")
def metrics_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which `two_workers` share their metrics."""
    return tmp_path_factory.mktemp("metrics")


@pytest.fixture(scope="module")
def two_workers(releases: Path, metrics_dir: Path) -> Iterator[Server]:
    """Yield a service with two workers that looks for new networks only on SIGHUP."""
    settings = {"DIGITS_MODEL_DIR": releases, "DIGITS_METRICS_DIR": metrics_dir, "DIGITS_RELOAD_S": 3600}
    with another_server(DIGITS_WORKERS=2, **settings) as server:
        until(lambda: server.log.count(LOADED) == 2)
        yield server


@contextmanager
def worker_replaced(server: Server) -> Iterator[None]:
    """Kill a worker, run the block, and return when another worker has loaded a network."""
    loads = server.log.count(LOADED)
    killed = worker_processes(server)[0]
    killed.kill()
    yield
    until(lambda: server.log.count(LOADED) > loads)
    assert len({*worker_processes(server)} - {killed}) == 2


def is_answered(server: Server) -> bool:
    """Send a four over a new connection; return False if the connection broke."""
    try:
        with connect(server) as client:
            answer = send(client, FOUR)
    except TransportError:
        return False
    assert answer.json() == {"prediction": 4}
    return True


def request_log(server: Server, request_id: str) -> dict[str, Any]:
    """Return the log line of a request; it is written after the response."""
    until(lambda: request_id in server.log)
    [line] = [
        line for line in log_lines(server) if line.get("request_id") == request_id and line["message"] == "request"
    ]
    return line


@pytest.mark.uvicorn
def test_a_request_id_of_the_client_is_returned_and_logged(server: Server, client: Client) -> None:
    answer = client.post(PREDICT, files={"file": FOUR}, headers={"X-Request-ID": "trace-4.2_b"})
    assert answer.headers["x-request-id"] == "trace-4.2_b"
    line = request_log(server, "trace-4.2_b")
    assert (line["method"], line["route"], line["status"], line["level"]) == ("POST", PREDICT, 200, "info")


@pytest.mark.parametrize("given", [None, b"", b"a" * 65, b'a", "b": "', "ä".encode(), b"two words"])
def test_a_missing_or_invalid_request_id_is_replaced(client: Client, given: bytes | None) -> None:
    headers = [(b"X-Request-ID", given)] if given is not None else []
    first, second = (client.get("/health/live", headers=headers).headers["x-request-id"] for _ in range(2))
    assert first != second
    assert len(first) == len(second) == 16
    assert first.isalnum()


@pytest.mark.uvicorn
def test_problems_are_logged_but_unknown_addresses_are_not(server: Server, client: Client) -> None:
    ids = [send(client, b"a four").headers["x-request-id"], client.get("/secret/path").headers["x-request-id"]]
    assert request_log(server, ids[0])["problem"] == "unsupported-format"
    assert request_log(server, ids[1])["problem"] == "not-found"
    assert "secret" not in server.log


@pytest.mark.uvicorn
def test_a_client_that_disconnects_is_logged_but_not_as_an_error(server: Server) -> None:
    with RawClient(server) as leaving:
        leaving.start_request(FOUR, sent=10)
    until(lambda: any(line.get("status") == 499 for line in log_lines(server)))
    assert [line for line in log_lines(server) if line["level"] == "error"] == []


@pytest.mark.uvicorn
def test_a_broken_picture_is_not_logged_as_an_error(server: Server, client: Client) -> None:
    samples_per_pixel = struct.pack("<HHI", 277, 3, 1)  # the tag of a TIFF with one short number
    broken = encoded(mnist(4).convert("RGB"), "TIFF").replace(
        samples_per_pixel + b"\3\0", samples_per_pixel + b"\xff\x2b"
    )
    answer = send(client, broken)
    assert_problem(answer, "unsupported-format")  # Pillow logs an error as well
    request_log(server, answer.headers["x-request-id"])
    assert [line for line in log_lines(server) if line["level"] == "error"] == []


@pytest.mark.uvicorn
def test_the_log_holds_nothing_of_clients_or_pictures(server: Server, client: Client) -> None:
    answer = client.post(
        PREDICT,
        params={"model": "from-the-query"},
        files={"file": ("private-name.png", FOUR, "image/png")},
        headers={"User-Agent": "my-browser", "Cookie": "session=1", "X-Forwarded-For": "192.0.2.7"},
    )
    request_log(server, answer.headers["x-request-id"])
    log = server.log.replace(f"Uvicorn running on {server.url}", "")
    for private in ("private-name", "from-the-query", "my-browser", "session=1", "192.0.2.7", "127.0.0.1", "PNG"):
        assert private not in log


def test_requests_problems_and_predictions_are_counted(client: Client) -> None:
    before = read_metrics(client)
    for _ in range(3):
        send(client, FOUR)
    send(client, b"a four")
    send_batch(client, FOUR, b"a four", encoded(drawn(7)))
    client.get("/nothing")
    after = read_metrics(client)

    def increase(*key: str) -> float:
        return after[key] - before.get(key, 0)

    assert increase("digits_requests_total", PREDICT, "200") == 3
    assert increase("digits_requests_total", PREDICT, "415") == 1
    assert increase("digits_requests_total", "none", "404") == 1
    assert increase("digits_request_seconds_count", PREDICT) == 4
    assert increase("digits_problems_total", "unsupported-format") == 2
    assert increase("digits_answers_total", "4", released.VERSION, "production") == 4
    assert increase("digits_answers_total", "7", released.VERSION, "production") == 1
    for name in (
        "confidence",
        "digit_score",
        "seen",
        "ink",
        "stroke_width_pixels",
        "box_width_pixels",
        "box_height_pixels",
    ):
        assert increase(f"digits_{name}_count", released.VERSION, "production") == 5
    assert after[("digits_model_loads_total", "loaded")] == 1
    assert after[("digits_requests_in_hand",)] == 1  # the request for /metrics


@pytest.mark.uvicorn
def test_workers_count_together_and_a_killed_one_takes_no_counts_with_it(
    two_workers: Server, metrics_dir: Path
) -> None:
    def fours() -> float:
        with connect(two_workers) as client:
            return sum(value for key, value in read_metrics(client).items() if key[:2] == ("digits_answers_total", "4"))

    before = fours()
    assert sum(is_answered(two_workers) for _ in range(40)) == 40
    assert fours() == before + 40
    with worker_replaced(two_workers):
        pass
    assert sum(is_answered(two_workers) for _ in range(20)) == 20
    assert fours() == before + 60
    assert len(list(metrics_dir.glob("counter_*.db"))) == 2  # the new worker continues the file of the killed one


@pytest.mark.uvicorn
def test_a_killed_worker_loses_only_its_open_requests_and_is_replaced(two_workers: Server) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(is_answered, two_workers) for _ in range(200)]
        until(lambda: any(answer.done() for answer in answers))
        with worker_replaced(two_workers):
            lost = [answer.result() for answer in answers].count(False)
    assert lost <= 8  # one for each open connection
    assert all(is_answered(two_workers) for _ in range(20))


@pytest.mark.uvicorn
def test_sighup_makes_all_workers_load_a_new_network_without_a_restart(two_workers: Server, releases: Path) -> None:
    before = {worker.pid for worker in worker_processes(two_workers)}
    copy_release(releases, "0.10.0")
    os.kill(two_workers.pid, signal.SIGHUP)
    until(lambda: two_workers.log.count("Network 0.10.0 serves") == 2)
    assert all(is_answered(two_workers) for _ in range(20))
    assert {worker.pid for worker in worker_processes(two_workers)} == before


@pytest.mark.uvicorn
def test_sighup_during_the_start_waits_until_the_service_has_started(tmp_path: Path) -> None:
    copy_release(tmp_path, "0.9.0")
    server = service(free_port(), DIGITS_MODEL_DIR=str(tmp_path), DIGITS_RELOAD_S="3600")
    try:
        Program.start(server)  # returns before it is healthy
        until(lambda: "Network 0.9.0 serves" in server.log)
        copy_release(tmp_path, "0.10.0")
        os.kill(server.pid, signal.SIGHUP)
        until(lambda: "Network 0.10.0 serves" in server.log)
    finally:
        server.stop()


@pytest.mark.uvicorn
def test_an_invalid_setting_stops_the_start_and_is_named() -> None:
    with pytest.raises(RuntimeError, match="DIGITS_WORKERS: Input should be greater than or equal to 1"):
        another_server(DIGITS_WORKERS=0).__enter__()


def test_an_unexpected_error_is_answered_with_a_problem_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the service")

    client = LocalService()
    monkeypatch.setattr(client.state.executor, "preprocess", fail)
    answer = client.post(PREDICT, files={"file": FOUR}, headers={"X-Request-ID": "broken-1"})
    assert answer.status_code == 500
    assert_problem(answer, "internal-error")
    assert answer.headers["x-request-id"] == "broken-1"
    assert "secret" not in answer.text
    assert "a secret of the service" in caplog.text


@pytest.mark.parametrize(
    ("created", "time"), [(0.25, "1970-01-01T00:00:00.250"), (1e9 + 0.5, "2001-09-09T01:46:40.500")]
)
def test_a_line_has_its_time_in_utc_to_the_millisecond(created: float, time: str) -> None:
    attributes = {"created": created, "msecs": created % 1 * 1000, "levelname": "INFO", "msg": "four"}
    line = json.loads(logs.JsonLines().format(logging.makeLogRecord(attributes)))
    assert line["time"] == f"{time}+00:00"


def test_an_exception_is_logged_in_one_line() -> None:
    token = logs.request_id.set("four")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("src", logging.ERROR, "", 0, "It %s.", ("failed",), sys.exc_info())
    record.fields = {"status": 500}
    line = logs.JsonLines().format(record)
    logs.request_id.reset(token)
    assert "\n" not in line
    entry = json.loads(line)
    assert (entry["message"], entry["level"]) == ("It failed.", "error")
    assert (entry["request_id"], entry["status"]) == ("four", 500)
    assert "two\nlines" in entry["exception"]
