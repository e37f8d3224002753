"""The composition: what its containers may do, and that a proxy in front of several services loses nobody."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import yaml

from src.settings import ROOT, Settings
from tests import servers
from tests.app.api.api_client import until
from tests.pictures import drawn, encoded

HAPROXY: Final = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin") or ""
FOUR: Final = encoded(drawn(4))


class Loader(yaml.SafeLoader):
    """Reads compose's own `!reset` as what follows it."""


Loader.add_constructor("!reset", lambda _, node: [] if not node.value else node.value)


def services(file: str) -> dict[str, dict[str, Any]]:
    """Return the services of a compose file."""
    found: dict[str, dict[str, Any]] = yaml.load((ROOT / file).read_text(), Loader)["services"]  # noqa: S506 - safe
    return found


@pytest.mark.parametrize(
    ("file", "service"),
    [("docker-compose.yml", "api"), ("docker-compose.yml", "page"), ("deploy/compose.scale.yml", "proxy")],
)
def test_a_container_may_do_no_more_than_it_must(file: str, service: str) -> None:
    container = services(file)[service]
    assert container["read_only"]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["restart"] == "unless-stopped"
    assert set(container["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert all(port.startswith("${DIGITS_HOST:-127.0.0.1}:") for port in container["ports"])


def test_each_waits_until_what_it_asks_is_healthy() -> None:
    plain, scaled = services("docker-compose.yml"), services("deploy/compose.scale.yml")
    assert plain["page"]["depends_on"] == {"api": {"condition": "service_healthy"}}
    assert plain["page"]["environment"]["DIGITS_API_URL"] == "http://api:8000"
    assert scaled["proxy"]["depends_on"] == {"api": {"condition": "service_healthy"}}
    assert scaled["page"]["depends_on"] == {"proxy": {"condition": "service_healthy"}}
    assert scaled["page"]["environment"]["DIGITS_API_URL"] == "http://proxy:8000"


def test_behind_the_proxy_the_services_have_no_port_of_their_own() -> None:
    assert services("deploy/compose.scale.yml")["api"]["ports"] == []


def test_a_container_gets_longer_to_stop_than_the_service_takes() -> None:
    grace = services("docker-compose.yml")["api"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > Settings.model_fields["grace_s"].default


def test_corrected_pictures_outlive_their_container_and_only_where_they_are_wanted() -> None:
    api = services("docker-compose.yml")["api"]
    assert api["volumes"] == ["feedback:/feedback"]
    assert api["environment"]["DIGITS_FEEDBACK_DIR"] is None
    assert "-o 10001 -g 10001 /feedback" in (ROOT / "Dockerfile.api").read_text()


def test_networks_that_are_delivered_reach_a_running_container_where_that_is_wanted() -> None:
    (mounted,) = services("deploy/compose.live.yml")["api"]["volumes"]
    here, there, how = mounted.split(":")
    workdir = re.search(r"^WORKDIR (/srv.*)$", (ROOT / "Dockerfile.api").read_text(), flags=re.MULTILINE)
    assert workdir
    assert ((ROOT / here).resolve(), there, how) == (ROOT / "model", f"{workdir[1]}/model", "ro")


class Proxied:
    """Two real services behind the proxy of the composition."""

    def __init__(self, folder: Path, together: ExitStack) -> None:
        self.services = [servers.service(servers.free_port()) for _ in range(2)]
        for service in self.services:
            together.enter_context(servers.running(service))
        port = servers.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.config = folder / "haproxy.cfg"
        self.config.write_text(self._with_these_services(port))

    def _with_these_services(self, port: int) -> str:
        text = (ROOT / "deploy" / "haproxy.cfg").read_text().replace("bind :8000", f"bind 127.0.0.1:{port}")
        lines = [line for line in text.splitlines() if "server-template" not in line]
        here = [f"    server s{n} {one.url.removeprefix('http://')}" for n, one in enumerate(self.services)]
        return "\n".join([*lines, *here, ""])

    def read(self) -> int:
        """Have a digit read."""
        answer = requests.post(f"{self.url}/api/v1/predict", files={"file": FOUR}, timeout=10)
        answer.raise_for_status()
        return int(answer.json()["prediction"])


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    """Yield two services behind a running proxy."""
    with ExitStack() as together:
        here = Proxied(tmp_path, together)
        proxy = subprocess.Popen([HAPROXY, "-db", "-q", "-f", str(here.config)])
        together.callback(proxy.wait)
        together.callback(proxy.terminate)
        until(lambda: _ready(here.url))
        yield here


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/ready", timeout=1).ok
    except requests.RequestException:
        return False


@pytest.mark.skipif(not HAPROXY, reason="HAProxy is not installed")
def test_the_proxy_shares_the_work_and_loses_no_request_when_a_service_dies(proxied: Proxied) -> None:
    assert [proxied.read() for _ in range(20)] == [4] * 20
    assert all(_answered(service.url) for service in proxied.services)
    proxied.services[0].stop()
    assert [proxied.read() for _ in range(20)] == [4] * 20


@pytest.mark.skipif(not HAPROXY, reason="HAProxy is not installed")
def test_the_proxy_keeps_the_counts_inside(proxied: Proxied) -> None:
    assert requests.get(f"{proxied.url}/metrics", timeout=5).status_code == 404


def _answered(url: str) -> int:
    counts = requests.get(f"{url}/metrics", timeout=5).text.splitlines()
    return sum(line.startswith("digits_answers_total{") for line in counts)


@pytest.mark.skipif(not HAPROXY, reason="HAProxy is not installed")
def test_the_proxy_takes_its_configuration_as_it_is() -> None:
    check = [HAPROXY, "-c", "-q", "-f", "deploy/haproxy.cfg"]
    assert subprocess.run(check, cwd=ROOT, check=False).returncode == 0


def test_the_dockerfiles_are_clean() -> None:
    linter = str(Path(sys.executable).with_name("hadolint"))
    check = subprocess.run([linter, *map(str, ROOT.glob("Dockerfile.*"))], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout
