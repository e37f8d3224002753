"""Which networks there have been, and which one is in production: MLflow's registry, by aliases.

`candidate` is the newest that passed the gate, `production` the one that serves. Each knows which one it replaced.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from src.model.errors import DigitError
from src.model.files import atomic_path, write_text_atomically
from src.model.inference.artefact import describe, get_paths
from src.model.pipeline.tracking import connect

NAME: Final = "digits"
PRODUCTION: Final = "production"
CANDIDATE: Final = "candidate"


class RegistryError(DigitError):
    """The registry has no such network."""


@dataclass(frozen=True)
class Registered:
    """A network in the registry."""

    number: str  # the registry's own
    version: str  # as in its artefact
    replaces: str  # the version in production when it was made; empty for the first
    run_id: str


def find(alias: str) -> Registered | None:
    """Return the network that has an alias."""
    try:
        return _registered(_client().get_model_version_by_alias(NAME, alias))
    except MlflowException:
        return None


def find_version(version: str) -> Registered:
    """Return the network of a version. Raises `RegistryError`."""
    for each in all_registered():
        if each.version == version:
            return each
    raise RegistryError(f"The registry holds no network {version}.")


def all_registered() -> list[Registered]:
    """Return all networks, newest first."""
    found = [_registered(each) for each in _client().search_model_versions(f"name='{NAME}'")]
    return sorted(found, key=lambda each: -int(each.number))


def register(artefact: Path, run_id: str, replaces: str, alias: str) -> Registered:
    """Keep an artefact and the figures beside it with the run `run_id`, under an alias. Raises `ArtefactError`."""
    version = describe(artefact).version
    client = _client()
    for path in [*get_paths(artefact.parent, version).values(), *figures_of(version, artefact.parent)]:
        client.log_artifact(run_id, str(path), f"model/{version}")
    source = f"{client.get_run(run_id).info.artifact_uri}/model/{version}"
    tags = {"version": version, "replaces": replaces}
    made = client.create_model_version(NAME, source, run_id, tags=tags)
    client.set_registered_model_alias(NAME, alias, made.version)
    return _registered(made, tags)


def figures_of(version: str, folder: Path) -> list[Path]:
    """Return what lies in `folder` about a network: how good it is, and what drift is told against."""
    beside = [folder / f"{kind}-{version}.json" for kind in ("evaluation", "reference")]
    return [path for path in beside if path.exists()]


def name(alias: str, registered: Registered) -> None:
    """Give a network an alias, which the one that had it loses."""
    _client().set_registered_model_alias(NAME, alias, registered.number)


def fetch(registered: Registered, folder: Path, results: Path) -> Path:
    """Put a network's three files into `folder`, the .json last, unless they are there, and its figures into `results`.

    Raises `DigitError`.
    """
    targets = get_paths(folder, registered.version)
    if targets["json"].exists():
        return targets["json"]
    with tempfile.TemporaryDirectory() as scratch:
        source = mlflow.artifacts.download_artifacts(
            run_id=registered.run_id, artifact_path=f"model/{registered.version}", dst_path=scratch
        )
        made = get_paths(Path(source), registered.version)
        describe(made["json"])
        for path in figures_of(registered.version, Path(source)):
            write_text_atomically(results / path.name, path.read_text())
        for kind in ("pt", "onnx", "json"):
            with atomic_path(targets[kind]) as part:
                shutil.copyfile(made[kind], part)
    return targets["json"]


def _client() -> mlflow.MlflowClient:
    connect()
    client = mlflow.MlflowClient()
    try:
        client.get_registered_model(NAME)
    except MlflowException:
        client.create_registered_model(NAME)
    return client


def _registered(found: ModelVersion, tags: dict[str, str] | None = None) -> Registered:
    said = tags or found.tags
    return Registered(str(found.version), said["version"], said["replaces"], str(found.run_id))
