"""Every pod of every overlay may do no more than it must, and can't take more than its share."""

from typing import Final

import pytest

from tests.deploy.manifests import RENDERED, SHARED, Manifest, containers, pods, quantity

PODS: Final = [(name, component) for name in RENDERED for component in pods(name)]
CONTAINERS: Final = [
    (name, component, number) for name, component in PODS for number, _ in enumerate(containers(pods(name)[component]))
]

each_pod = pytest.mark.parametrize(("name", "component"), PODS)
each_container = pytest.mark.parametrize(("name", "component", "number"), CONTAINERS)


def container_of(name: str, component: str, number: int) -> Manifest:
    """Return one container of a pod."""
    return containers(pods(name)[component])[number]


def test_all_pods_are_tested() -> None:
    assert {component for _, component in PODS} == {"api", "page", "retrain", "score"}


@each_pod
def test_a_pod_is_an_ordinary_user_under_the_default_filter_of_system_calls(name: str, component: str) -> None:
    pod = pods(name)[component]
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == context["runAsGroup"] == 10001  # as the images' USER
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & pod.keys()


@each_pod
def test_a_pod_can_not_call_the_cluster(name: str, component: str) -> None:
    assert pods(name)[component]["automountServiceAccountToken"] is False


@each_pod
def test_kubernetes_adds_no_settings_of_its_own(name: str, component: str) -> None:
    # for a service `digits-api` it would set DIGITS_API_PORT to an address
    assert pods(name)[component]["enableServiceLinks"] is False


@each_container
def test_a_container_gains_no_rights(name: str, component: str, number: int) -> None:
    context = container_of(name, component, number)["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@each_container
def test_a_container_writes_to_bounded_folders_and_claimed_volumes_only(name: str, component: str, number: int) -> None:
    volumes = {volume["name"]: volume for volume in pods(name)[component]["volumes"]}
    for volume in volumes.values():
        assert "persistentVolumeClaim" in volume or "sizeLimit" in volume["emptyDir"]
    assert {mount["name"] for mount in container_of(name, component, number)["volumeMounts"]} <= volumes.keys()


@each_pod
def test_a_pod_can_write_temporary_files(name: str, component: str) -> None:
    for container in pods(name)[component]["containers"]:
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}  # noqa: S108 - HOME of the images


@each_container
def test_a_container_asks_for_what_it_needs_and_has_a_limit(name: str, component: str, number: int) -> None:
    resources = container_of(name, component, number)["resources"]
    wanted = {"cpu", "memory", "ephemeral-storage"}
    assert resources["requests"].keys() == resources["limits"].keys() == wanted
    assert all(quantity(resources["requests"][one]) <= quantity(resources["limits"][one]) for one in wanted)


@each_container
def test_an_image_is_one_that_was_tested(name: str, component: str, number: int) -> None:
    container = container_of(name, component, number)
    image = container["image"]
    if name == "local":  # built on this machine and never pushed, so it has no digest
        assert image.endswith(":local")
        assert container["imagePullPolicy"] == "Never"
    else:
        registry_and_name, _, digest = image.partition("@sha256:")
        assert len(digest) == 64
        assert int(digest, 16) >= 0
        assert ":" not in registry_and_name.rpartition("/")[2]


@pytest.mark.parametrize("name", SHARED)
def test_all_pods_that_prepare_or_serve_have_the_same_image(name: str) -> None:
    for component in pods(name):
        assert len({container["image"] for container in containers(pods(name)[component])}) == 1
