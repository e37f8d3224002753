"""The model registry: all networks of the pipeline, kept by MLflow, and which of them is in production.

The alias `candidate` names the newest network that passed the release gate, `production` the one that serves,
`withdrawn` the last that failed on live traffic. Each network records the version that it was made to replace.
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
from src.model.inference.artefact import describe, get_paths, list_files
from src.model.pipeline.tracking import connect

MODEL_NAME: Final = "digits"
PRODUCTION: Final = "production"
CANDIDATE: Final = "candidate"
WITHDRAWN: Final = "withdrawn"


class RegistryError(DigitError):
    """The registry lacks the network that is needed, or its aliases do not allow the change."""


@dataclass(frozen=True)
class Registered:
    """A network in the registry."""

    number: str  # MLflow's own version number
    version: str  # as in the network's artefact
    replaces: str  # the version that was in production when it was made; empty for the first
    run_id: str


def find(alias: str) -> Registered | None:
    """Return the network that has the alias."""
    try:
        return _from_mlflow(_client().get_model_version_by_alias(MODEL_NAME, alias))
    except MlflowException:
        return None


def find_version(version: str) -> Registered:
    """Return the network of the version. Raises `RegistryError` if there is none."""
    for network in list_networks():
        if network.version == version:
            return network
    raise RegistryError(f"The registry holds no network {version}.")


def list_networks() -> list[Registered]:
    """Return all networks, newest first."""
    networks = [_from_mlflow(entry) for entry in _client().search_model_versions(f"name='{MODEL_NAME}'")]
    return sorted(networks, key=lambda network: -int(network.number))


def register(artefact: Path, run_id: str, replaces: str, alias: str) -> Registered:
    """Copy an artefact, its signature and its results into the record of `run_id`, register it and give it the alias.

    Raises `ArtefactError` if the artefact is incomplete.
    """
    version = describe(artefact).version
    client = _client()
    for path in [*list_files(artefact), *find_results(version, artefact.parent)]:
        client.log_artifact(run_id, str(path), f"model/{version}")
    source = f"{client.get_run(run_id).info.artifact_uri}/model/{version}"
    tags = {"version": version, "replaces": replaces}
    entry = client.create_model_version(MODEL_NAME, source, run_id, tags=tags)
    client.set_registered_model_alias(MODEL_NAME, alias, entry.version)
    return _from_mlflow(entry, tags)


def find_results(version: str, folder: Path) -> list[Path]:
    """Return the network's evaluation and its baseline for drift, as far as `folder` holds them."""
    results = [folder / f"{kind}-{version}.json" for kind in ("evaluation", "reference")]
    return [path for path in results if path.exists()]


def set_alias(alias: str, network: Registered) -> None:
    """Give a network the alias, and take it from the one that has it."""
    _client().set_registered_model_alias(MODEL_NAME, alias, network.number)


def withdraw(candidate: Registered) -> None:
    """Give the candidate the alias `withdrawn` in place of `candidate`, so that it can't be delivered by mistake."""
    set_alias(WITHDRAWN, candidate)
    _client().delete_registered_model_alias(MODEL_NAME, CANDIDATE)


def install(network: Registered, model_dir: Path, results_dir: Path) -> Path:
    """Copy a network's files from the registry into `model_dir`, and its results into `results_dir`.

    A signature comes along. The .json comes last: the service loads a network as soon as it sees its .json. If that is
    there already, nothing is copied. Returns its path. Raises `ArtefactError` if the registry's files are damaged.
    """
    targets = get_paths(model_dir, network.version)
    if targets["json"].exists():
        return targets["json"]
    with tempfile.TemporaryDirectory() as scratch:
        downloaded = mlflow.artifacts.download_artifacts(
            run_id=network.run_id, artifact_path=f"model/{network.version}", dst_path=scratch
        )
        sources = get_paths(Path(downloaded), network.version)
        describe(sources["json"])
        for path in find_results(network.version, Path(downloaded)):
            write_text_atomically(results_dir / path.name, path.read_text())
        for source in list_files(sources["json"]):
            with atomic_path(model_dir / source.name) as part:
                shutil.copyfile(source, part)
    return targets["json"]


def _client() -> mlflow.MlflowClient:
    """Return a client of the registry, in which the model exists."""
    connect()
    client = mlflow.MlflowClient()
    try:
        client.get_registered_model(MODEL_NAME)
    except MlflowException:
        client.create_registered_model(MODEL_NAME)
    return client


def _from_mlflow(entry: ModelVersion, tags: dict[str, str] | None = None) -> Registered:
    tags = tags or entry.tags  # a new entry comes back without its tags
    return Registered(str(entry.version), tags["version"], tags["replaces"], str(entry.run_id))
