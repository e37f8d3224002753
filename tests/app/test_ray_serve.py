"""The service on Ray Serve: it scales, rolls, refuses and loses requests as `src/app/ray_serve.py` says.

`make test-ray` also runs the contract suite of `tests/app/api/routes` and `core` against it.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import psutil
import pytest
from httpx import Client, HTTPError, Response

from src.launcher import clean_environment
from src.settings import ROOT
from tests import servers
from tests.app.api.api_client import PREDICT, assert_common_headers, assert_problem, connect, send, until
from tests.pictures import drawn, encoded

pytestmark = pytest.mark.ray

CLIENTS = 8
PATIENCE_S = 300.0  # until a replica runs, on a machine that is busy with other things
LOCAL = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
FOUR = encoded(drawn(4))


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    """Yield the service on a Ray cluster of its own."""
    with servers.running(servers.service(servers.free_port(), module="tests.ray_service")) as server:
        yield server


def deploy(server: servers.Server, *options: str, **settings: str) -> None:
    """Deploy the service again, as its users do, to the cluster of `server`."""
    [address] = [line for line in server.log.splitlines() if line.startswith("127.0.0.1:")]
    command = [str(Path(sys.executable).with_name("serve")), "run", "--address", address, "--non-blocking"]
    # Ray looks for the cluster's token only if it is told to
    environment = clean_environment(**settings) | {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    subprocess.run(
        [*command, "src.app.ray_serve:app", *options], cwd=ROOT, env=environment, check=True, capture_output=True
    )


def replicas(server: servers.Server) -> list[psutil.Process]:
    """Return the processes of the replicas."""
    found = []
    for process in psutil.Process(server.pid).children(recursive=True):
        try:
            if " ".join(process.cmdline()).startswith("ray::ServeReplica:default:digits"):  # and what it is doing
                found.append(process)
        except psutil.Error:  # it has just ended
            continue
    return found


class Load:
    """Clients that send pictures until the block ends, and count what they get."""

    def __init__(self, server: servers.Server, clients: int = CLIENTS) -> None:
        self.outcomes: Counter[str] = Counter()
        self._server, self._clients, self._ended = server, clients, Event()
        self._pool = ThreadPoolExecutor(clients)

    def __enter__(self) -> "Load":
        self._running = [self._pool.submit(self._send) for _ in range(self._clients)]
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        wait(self._running)
        self._pool.shutdown()
        for client in self._running:
            client.result()

    def _send(self) -> None:
        with connect(self._server, timeout=60) as client:
            while not self._ended.is_set():
                self.outcomes[self._ask(client)] += 1

    def _ask(self, client: Client) -> str:
        try:
            answer = client.post(PREDICT, content=FOUR, headers={"Content-Type": "image/png"})
        except HTTPError as error:
            return f"no answer: {error!r}"
        if answer.status_code == 503:
            assert_problem(answer, "too-busy")
            assert answer.headers["retry-after"] == "1"
            return "busy"
        return "right" if answer.status_code == 200 and answer.json() == {"prediction": 4} else answer.text

    def wait_for_more(self, count: int) -> None:
        """Return when there are `count` more right answers."""
        target = self.outcomes["right"] + count
        until(lambda: self.outcomes["right"] >= target, limit_s=PATIENCE_S)


def serving_version(client: Client) -> str:
    return str(send(client, FOUR, details=True).json()["model"])


def test_nothing_of_the_cluster_can_be_reached_from_other_machines_but_the_port_between_replicas(
    server: servers.Server,
) -> None:
    serving = {process.pid for process in replicas(server)}
    for process in psutil.Process(server.pid).children(recursive=True):
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and process.pid not in serving:
                assert connection.laddr.ip in LOCAL, process.cmdline()


def test_a_new_model_file_replaces_the_replicas_without_a_lost_request(server: servers.Server) -> None:
    deploy(server, "min_replicas=2", "max_replicas=2")
    until(lambda: len(replicas(server)) == 2, limit_s=PATIENCE_S)
    before = set(replicas(server))
    with connect(server, timeout=60) as client, Load(server) as load:
        load.wait_for_more(50)
        deploy(server, "min_replicas=2", "max_replicas=2", DIGITS_MODEL_FILE=str(ROOT / "model" / "mnist-1.1.0.json"))
        until(lambda: not before & set(replicas(server)), limit_s=PATIENCE_S)
        load.wait_for_more(50)
        assert serving_version(client) == "1.1.0"
    assert set(load.outcomes) == {"right"}


def test_a_killed_replica_loses_only_its_open_requests_and_is_replaced(server: servers.Server) -> None:
    deploy(server, "min_replicas=2", "max_replicas=2")
    until(lambda: len(replicas(server)) == 2, limit_s=PATIENCE_S)
    with Load(server) as load:
        load.wait_for_more(100)
        killed = replicas(server)[0]
        killed.kill()
        load.wait_for_more(100)
        until(lambda: len(replicas(server)) == 2 and killed not in replicas(server), limit_s=PATIENCE_S)
        load.wait_for_more(100)
    assert set(load.outcomes) <= {"right", "busy"}
    assert load.outcomes["busy"] <= CLIENTS  # what the replica had in hand


def test_requests_over_the_queue_are_refused_with_a_problem(server: servers.Server) -> None:
    deploy(server, "max_replicas=1", "max_requests=1", "max_waiting=2")
    until(lambda: len(replicas(server)) == 1, limit_s=PATIENCE_S)
    with Load(server, clients=12) as load:
        until(lambda: load.outcomes["busy"] > 20 and load.outcomes["right"] > 20, limit_s=PATIENCE_S)
    assert set(load.outcomes) == {"right", "busy"}


def test_replicas_are_added_while_requests_queue_and_removed_afterwards(server: servers.Server) -> None:
    deploy(server, "max_replicas=2", "target_requests=2", "scale_up_s=0", "scale_down_s=1")
    until(lambda: len(replicas(server)) == 1, limit_s=PATIENCE_S)
    with Load(server) as load:
        until(lambda: len(replicas(server)) == 2, limit_s=PATIENCE_S)
        load.wait_for_more(50)
    until(lambda: len(replicas(server)) == 1, limit_s=PATIENCE_S)
    assert set(load.outcomes) == {"right"}


def test_proxy_and_replica_agree_on_the_request_id(server: servers.Server) -> None:
    with connect(server) as client:
        answers: list[Response] = [
            client.get("/health/live", headers={"X-Request-ID": given}) for given in ("abc", "two words")
        ]
    for answer in answers:
        assert_common_headers(answer)
        assert len(answer.headers.get_list("x-request-id")) == 1
    assert answers[0].headers["x-request-id"] == "abc"


def test_an_invalid_option_or_setting_is_named(server: servers.Server) -> None:
    for options, settings, name in (
        (["max_replicas=0"], {}, "max_replicas"),
        ([], {"DIGITS_READERS": "0"}, "DIGITS_READERS"),
    ):
        with pytest.raises(subprocess.CalledProcessError) as caught:
            deploy(server, *options, **settings)
        assert name in (caught.value.stdout + caught.value.stderr).decode()
