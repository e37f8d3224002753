"""The manifests: every overlay renders, is valid for the API, is complete, and keeps others out."""

import copy
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from src.settings import ROOT, Settings
from tests.deploy.manifests import OVERLAYS, RENDERED, SHARED, of_kind, pod_templates, pods, quantity, render
from tools import kubernetes_monitoring

OLDEST: Final = "1.33"  # docs/deploy.md names it
OPERATOR: Final = {"PrometheusRule", "ServiceMonitor"}  # kinds of the Prometheus operator, which the API's schemas lack
NAME: Final = "app.kubernetes.io/name"
COMPONENT: Final = "app.kubernetes.io/component"


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("name", RENDERED)
def test_every_object_is_valid_and_has_no_unknown_field(name: str, version: str) -> None:
    checked = [manifest for manifest in render(name) if manifest["kind"] not in OPERATOR]
    assert checked
    for manifest in checked:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_field_is_refused() -> None:
    broken = copy.deepcopy(of_kind("local", "Deployment")["digits-api"])
    broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(broken, OLDEST, strict=True)


def test_the_oldest_version_is_the_documented_one() -> None:
    assert f"Kubernetes {OLDEST} or newer" in (ROOT / "docs" / "deploy.md").read_text()


def test_names_occur_once() -> None:
    for name in RENDERED:
        names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in render(name)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", RENDERED)
def test_an_overlay_has_one_namespace_and_its_name_on_everything(name: str) -> None:
    namespaces = {
        manifest["metadata"]["name"] if manifest["kind"] == "Namespace" else manifest["metadata"]["namespace"]
        for manifest in render(name)
    }
    assert len(namespaces) == 1
    assert {manifest["metadata"]["labels"][NAME] for manifest in render(name)} == {"digits"}
    assert {template["metadata"]["labels"][NAME] for _, template in pod_templates(name)} == {"digits"}


def test_staging_and_production_share_neither_namespace_nor_address() -> None:
    staging, production = (set(of_kind(name, "Namespace")) | hosts(name) for name in SHARED)
    assert len(staging) == 3
    assert staging.isdisjoint(production)


def hosts(name: str) -> set[str]:
    """Return the addresses under which an overlay is reached; each must have a certificate."""
    found = set()
    for ingress in of_kind(name, "Ingress").values():
        (rule,) = ingress["spec"]["rules"]
        (tls,) = ingress["spec"]["tls"]
        assert tls["hosts"] == [rule["host"]]
        found.add(rule["host"])
    return found


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_namespace_refuses_pods_that_may_do_too_much(name: str) -> None:
    (namespace,) = of_kind(name, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", RENDERED)
def test_secrets_are_only_referred_to(name: str) -> None:
    assert not of_kind(name, "Secret")
    keys = [
        entry
        for pod in pods(name).values()
        for container in pod["containers"]
        for entry in container.get("env", [])
        if entry["name"].endswith(("KEY", "KEYS", "PASSWORD", "TOKEN"))
    ]
    assert all("secretKeyRef" in entry["valueFrom"] for entry in keys)
    assert len(keys) == (0 if name == "scoring" else 2)


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_objects_name_exists(name: str) -> None:
    deployments, services = of_kind(name, "Deployment"), of_kind(name, "Service")
    for autoscaler in of_kind(name, "HorizontalPodAutoscaler").values():
        assert autoscaler["spec"]["scaleTargetRef"]["name"] in deployments
    for ingress in of_kind(name, "Ingress").values():
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            backend = path["backend"]["service"]
            assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["spec"]["ports"]}
    for pod in pods(name).values():
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in of_kind(name, "PersistentVolumeClaim")


@pytest.mark.parametrize("name", OVERLAYS)
def test_service_and_page_are_scaled_kept_up_and_spread(name: str) -> None:
    for component in ("api", "page"):
        deployment = of_kind(name, "Deployment")[f"digits-{component}"]["spec"]
        own = {"matchLabels": {COMPONENT: component}}
        assert "replicas" not in deployment  # the autoscaler's number would be overwritten
        assert deployment["selector"] == own
        assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert of_kind(name, "Service")[f"digits-{component}"]["spec"]["selector"] == own["matchLabels"]
        assert of_kind(name, "PodDisruptionBudget")[f"digits-{component}"]["spec"]["selector"] == own
        spread = deployment["template"]["spec"]["topologySpreadConstraints"]
        assert {each["topologyKey"] for each in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        assert all(each["labelSelector"] == own for each in spread)
        scaled = of_kind(name, "HorizontalPodAutoscaler")[f"digits-{component}"]["spec"]
        assert scaled["minReplicas"] < scaled["maxReplicas"]
        assert scaled["minReplicas"] >= (2 if name in SHARED else 1)


@pytest.mark.parametrize("name", OVERLAYS)
def test_traffic_is_denied_unless_a_policy_allows_it(name: str) -> None:
    policies = of_kind(name, "NetworkPolicy")
    assert policies["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {source for source, _ in allowed(name, "ingress", "api")} - {"retrain"} == {
        "page",
        "ingress-controller",
        "monitoring",
    }
    assert allowed(name, "ingress", "page") == {("ingress-controller", "http")}
    assert allowed(name, "egress", "api") == set()
    assert allowed(name, "egress", "page") == {("api", 8000), ("kube-system/kube-dns", 53)}
    if "retrain" in pods(name):
        assert allowed(name, "ingress", "retrain") == set()
        assert allowed(name, "egress", "retrain") == {("api", 8000), ("kube-system/kube-dns", 53), ("anywhere", 443)}
        assert ("retrain", "http") in allowed(name, "ingress", "api")


def allowed(name: str, direction: str, component: str) -> set[tuple[str, str | int]]:
    """Return the peers and ports that the policies allow to the pods of a component."""
    return {
        (peer_name(peer), port["port"])
        for policy in of_kind(name, "NetworkPolicy").values()
        if policy["spec"]["podSelector"].get("matchLabels") == {COMPONENT: component}
        for rule in policy["spec"].get(direction, [])
        for peer in rule.get("from", rule.get("to", [{}]))
        for port in rule["ports"]
    }


def peer_name(peer: dict[str, Any]) -> str:
    """Return the namespace or the pods that a policy names, or both."""
    selectors = (peer.get("namespaceSelector"), peer.get("podSelector"))
    return "/".join(value for one in selectors if one for value in one["matchLabels"].values()) or "anywhere"


@pytest.mark.parametrize("name", SHARED)
def test_corrected_pictures_fit_on_a_volume_that_all_replicas_share(name: str) -> None:
    claim = of_kind(name, "PersistentVolumeClaim")["digits-feedback"]["spec"]
    assert claim["accessModes"] == ["ReadWriteMany"]
    assert quantity(claim["resources"]["requests"]["storage"]) > 2 * Settings.model_fields["feedback_max_bytes"].default


def test_monitoring_is_written_from_the_documents() -> None:
    assert kubernetes_monitoring.TARGET.read_text() == kubernetes_monitoring.render(), "Run `make manifests`."


@pytest.mark.parametrize("name", SHARED)
def test_prometheus_gets_the_documented_rules_and_finds_the_pods(name: str) -> None:
    (rule,) = of_kind(name, "PrometheusRule").values()
    alerts = yaml.safe_load((ROOT / "docs" / "monitoring" / "alerts.yml").read_text())
    assert rule["spec"] == alerts
    (monitor,) = of_kind(name, "ServiceMonitor").values()
    service = of_kind(name, "Service")["digits-api"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["path"] == "/metrics"
    assert set(monitor["spec"]) == {"selector", "endpoints"}


def test_scoring_divides_the_work_among_all_pods() -> None:
    job = of_kind("scoring", "Job")["digits-score"]["spec"]
    assert job["completionMode"] == "Indexed"
    assert job["parallelism"] <= job["completions"]
    (container,) = job["template"]["spec"]["containers"]
    assert {"name": "SCORE_SHARES", "value": str(job["completions"])} in container["env"]
    assert container["command"] == ["python", "-m", "src.model.score"]
    assert container["args"] == ["/data/input", "--out", "/data/output", "--launcher", "kubernetes", "--workers", "1"]


@pytest.mark.parametrize("name", SHARED)
def test_one_retraining_runs_at_a_time(name: str) -> None:
    (cronjob,) = of_kind(name, "CronJob").values()
    assert cronjob["spec"]["concurrencyPolicy"] == "Forbid"
    (container,) = pods(name)["retrain"]["containers"]
    assert container["command"] == ["python", "-m", "src.model.pipeline.retrain"]
    assert "--deliver" in container["args"]
    pods_of_api = of_kind(name, "Service")["digits-api-pods"]["spec"]
    assert pods_of_api["clusterIP"] == "None"  # one address for each pod
    assert pods_of_api["selector"] == of_kind(name, "Service")["digits-api"]["spec"]["selector"]
    settings = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert settings["DIGITS_SERVICE"] == "http://digits-api-pods:8000"
