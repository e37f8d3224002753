"""Renders the manifests of deploy/kubernetes as a cluster would get them, and finds their parts."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from src.settings import ROOT

OVERLAYS: Final = ("local", "staging", "production")
SHARED: Final = ("staging", "production")  # reached by others, with pushed images
FOLDERS: Final = {**{name: f"overlays/{name}" for name in OVERLAYS}, "scoring": "scoring"}
RENDERED: Final = tuple(FOLDERS)
UNITS: Final = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

Manifest = dict[str, Any]


@cache
def render(name: str) -> tuple[Manifest, ...]:
    """Return all objects of an overlay, or of `scoring`."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    kubectl = shutil.which("kubectl", path=places)
    assert kubectl, "There is no kubectl: run `make install`, or install it."
    command = [kubectl, "kustomize", str(ROOT / "deploy" / "kubernetes" / FOLDERS[name])]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(yaml.safe_load_all(text))


def of_kind(name: str, kind: str) -> dict[str, Manifest]:
    """Return the objects of a kind, by name."""
    return {manifest["metadata"]["name"]: manifest for manifest in render(name) if manifest["kind"] == kind}


def pod_templates(name: str) -> Iterator[tuple[str, Manifest]]:
    """Yield the component and the template of every pod."""
    for manifest in render(name):
        spec = manifest.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template


def pods(name: str) -> dict[str, Manifest]:
    """Return the specification of every pod, by component."""
    return {component: template["spec"] for component, template in pod_templates(name)}


def containers(pod: Manifest) -> list[Manifest]:
    """Return all containers of a pod, those that prepare it first."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def settings(name: str, component: str) -> dict[str, str]:
    """Return the environment variables with a value that a pod's containers get."""
    found: dict[str, str] = {}
    for container in containers(pods(name)[component]):
        for source in container.get("envFrom", []):
            found |= of_kind(name, "ConfigMap")[source["configMapRef"]["name"]]["data"]
        found |= {entry["name"]: entry["value"] for entry in container.get("env", []) if "value" in entry}
    return found


def quantity(text: str) -> float:
    """Return the value of a quantity such as `250m` or `512Mi`."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)
