"""The manifests agree with the code, the images and the measured results."""

import json
import re
import tomllib
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from src.app.api.core.metrics import Metrics
from src.settings import ROOT, Settings
from tests import servers
from tests.deploy.manifests import (
    OVERLAYS,
    RENDERED,
    SHARED,
    Manifest,
    containers,
    of_kind,
    pods,
    quantity,
    settings,
)
from tests.servers import Server

BENCH: Final[dict[str, Any]] = json.loads((ROOT / "docs" / "results" / "bench.json").read_text())
PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")
HAPROXY: Final = "haproxy-ingress.github.io"


def default(setting: str) -> float:
    """Return the default of a setting that is a number."""
    return float(Settings.model_fields[setting].default)


def container_of(name: str, component: str) -> Manifest:
    """Return the only container that serves in a pod."""
    (container,) = pods(name)[component]["containers"]
    return dict(container)


def probe_paths(component: str) -> set[str]:
    """Return the paths that the kubelet asks for, in all overlays."""
    return {container_of(name, component)[probe]["httpGet"]["path"] for name in OVERLAYS for probe in PROBES}


def test_the_service_answers_its_probes(running_service: Server) -> None:
    assert probe_paths("api") == {"/health/live", "/health/ready"}
    for path in probe_paths("api"):
        assert requests.get(running_service.url + path, timeout=10).ok


def test_the_page_answers_its_probes(running_page: Server) -> None:
    for path in probe_paths("page"):  # any other path is answered with 200, too, but not with this body
        assert requests.get(running_page.url + path, timeout=10).text == "ok"


def test_a_service_without_a_network_gets_no_traffic_and_is_not_restarted(tmp_path: Path) -> None:
    probes = container_of("production", "api")
    live, ready = (probes[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe"))
    assert probes["startupProbe"]["httpGet"]["path"] == live
    empty = servers.service(servers.free_port(), ready=live, DIGITS_MODEL_DIR=str(tmp_path))
    with servers.running(empty) as server:
        assert requests.get(server.url + live, timeout=10).status_code == HTTPStatus.OK
        assert requests.get(server.url + ready, timeout=10).status_code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_stopping_pod_answers_every_request_it_has_accepted(name: str) -> None:
    grace = float(settings(name, "api").get("DIGITS_GRACE_S", default("grace_s")))
    assert grace >= default("request_timeout_s")
    for component, drain in (("api", grace), ("page", 0.0)):
        pod = pods(name)[component]
        wait = container_of(name, component)["lifecycle"]["preStop"]["sleep"]["seconds"]
        readiness = container_of(name, component)["readinessProbe"]
        assert wait >= 5  # until every proxy knows
        assert pod["terminationGracePeriodSeconds"] >= wait + drain + 5
        assert readiness["periodSeconds"] * readiness["failureThreshold"] <= 10


@pytest.mark.parametrize("name", SHARED)
def test_the_edge_has_the_limits_of_the_service(name: str) -> None:
    edge = of_kind(name, "Ingress")["digits-api"]["metadata"]["annotations"]
    assert int(edge[f"{HAPROXY}/proxy-body-size"]) == default("max_body_bytes")
    assert seconds(edge[f"{HAPROXY}/timeout-http-request"]) > default("header_timeout_s")
    assert seconds(edge[f"{HAPROXY}/timeout-server"]) > default("request_timeout_s")
    assert edge[f"{HAPROXY}/ssl-redirect"] == edge[f"{HAPROXY}/hsts"] == "true"
    assert int(edge[f"{HAPROXY}/limit-connections"]) <= default("max_requests")


def seconds(text: str) -> float:
    """Return a time as HAProxy writes it, in seconds."""
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


@pytest.mark.parametrize("name", SHARED)
def test_a_session_of_the_page_stays_with_its_pod_and_its_websocket_stays_open(name: str) -> None:
    edge = of_kind(name, "Ingress")["digits-page"]["metadata"]["annotations"]
    upload = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["maxUploadSize"]
    assert float(edge[f"{HAPROXY}/proxy-body-size"].removesuffix("m")) > upload
    assert edge[f"{HAPROXY}/affinity"] == "cookie"
    assert seconds(edge[f"{HAPROXY}/timeout-tunnel"]) >= 12 * 3600
    assert of_kind(name, "Service")["digits-page"]["spec"]["sessionAffinity"] == "ClientIP"


@pytest.mark.parametrize("name", SHARED)
def test_health_and_metrics_stay_inside(running_service: Server, name: str) -> None:
    rules = of_kind(name, "Ingress")["digits-api"]["spec"]["rules"][0]["http"]["paths"]
    for address in requests.get(f"{running_service.url}/openapi.json", timeout=10).json()["paths"]:
        public = any(
            f"{address}/".startswith(f"{rule['path']}/") if rule["pathType"] == "Prefix" else address == rule["path"]
            for rule in rules
        )
        assert public == address.startswith("/api/"), address


@pytest.mark.parametrize("name", RENDERED)
def test_settings_exist_and_their_values_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"DIGITS_{field.upper()}" for field in Settings.model_fields}
    for component in pods(name):
        given = settings(name, component)
        assert {variable for variable in given if variable.startswith("DIGITS_")} <= known
        for variable, value in given.items():
            monkeypatch.setenv(variable, value)
        Settings()


@pytest.mark.parametrize("name", RENDERED)
def test_commands_exist(name: str) -> None:
    for pod in pods(name).values():
        for container in pod["containers"]:
            program, *arguments = container.get("command", ["python", "-m", "src.app.serve"])
            assert (program, arguments[0]) == ("python", "-m")
            path = ROOT / arguments[1].replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), path


@pytest.mark.parametrize(("component", "file"), [("api", "Dockerfile.api"), ("page", "Dockerfile.front")])
@pytest.mark.parametrize("name", OVERLAYS)
def test_ports_are_those_of_the_images(name: str, component: str, file: str) -> None:
    exposed = re.findall(r"^EXPOSE (\d+)$", (ROOT / file).read_text(), flags=re.MULTILINE)
    assert [str(port["containerPort"]) for port in container_of(name, component)["ports"]] == exposed
    (port,) = of_kind(name, "Service")[f"digits-{component}"]["spec"]["ports"]
    assert (str(port["port"]), port["targetPort"]) == (exposed[0], "http")
    assert settings(name, "page")["DIGITS_API_URL"] == "http://digits-api:8000"


@pytest.mark.parametrize("name", SHARED)
def test_the_autoscaler_asks_for_processor_time_and_an_existing_metric(name: str) -> None:
    cpu, in_hand = of_kind(name, "HorizontalPodAutoscaler")["digits-api"]["spec"]["metrics"]
    assert cpu["resource"]["name"] == "cpu"
    metric = in_hand["pods"]["metric"]["name"]
    assert f"# TYPE {metric} gauge\n" in Metrics(None).render().decode()
    # with the fewest at once that the benchmark knows, beside one, a worker is already at its highest rate
    fewest = min(run["connections"] for run in BENCH["runs"] if run["connections"] > 1)
    assert 1 < float(in_hand["pods"]["target"]["averageValue"]) < fewest


def test_a_pod_of_the_service_has_the_memory_and_the_time_to_start_that_were_measured() -> None:
    container = container_of("production", "api")
    memory, megabyte = container["resources"], 1e6
    assert quantity(memory["requests"]["memory"]) > max(start["resident_mb"] for start in BENCH["start"]) * megabyte
    documented = re.search(r"Allow (\d+) MB for each worker", (ROOT / "docs" / "deploy.md").read_text())
    assert documented
    assert quantity(memory["limits"]["memory"]) > default("workers") * float(documented[1]) * megabyte
    probe = container["startupProbe"]
    slowest = max(start["first_answer_s"] for start in BENCH["start"])
    assert probe["periodSeconds"] * probe["failureThreshold"] > 10 * slowest


def test_production_can_grow_to_ten_thousand_drawings_a_second() -> None:
    newest = max((run["network"] for run in BENCH["runs"]), key=lambda version: [int(n) for n in version.split(".")])
    (drawing,) = [
        run["answered"]["per_second"]
        for run in BENCH["runs"]
        if (run["server"], run["network"], run["picture"], run["connections"]) == ("predict", newest, "280x280 RGBA", 8)
    ]
    assert of_kind("production", "HorizontalPodAutoscaler")["digits-api"]["spec"]["maxReplicas"] * drawing > 10_000


def test_images_are_built_from_a_dockerfile_of_this_repository() -> None:
    text = "".join(path.read_text() for path in ROOT.glob("Dockerfile.*"))
    titles = set(re.findall(r'org\.opencontainers\.image\.title="([\w-]+)"', text))
    used = {
        re.split(r"[:@]", container["image"].rpartition("/")[2])[0]
        for name in RENDERED
        for pod in pods(name).values()
        for container in containers(pod)
    }
    assert used == titles
