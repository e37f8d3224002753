"""The networks: listed and described, requested by version, and replaced while the service runs."""

import json
import signal
from os import kill
from pathlib import Path
from typing import Any

import pytest
from httpx import Client

from src.app.api import model_repository
from src.model.inference.predictor import Predictor, open_predictor
from src.settings import ROOT
from tests import released
from tests.app.api.api_client import LocalService, another_server, assert_problem, connect, log_lines, send, until
from tests.app.page.responses import NETWORKS
from tests.pictures import encoded, mnist
from tests.released import copy_release

MODELS = "/api/v1/models"
OLD, NEW = "0.9.0", "0.10.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one release, `OLD`."""
    copy_release(tmp_path, OLD)
    return tmp_path


def serving_version(client: Client) -> str:
    version: str = send(client, encoded(mnist(4)), details=True).json()["model"]
    return version


def test_networks_are_described_as_in_their_artefacts(client: Client) -> None:
    listed = {model["version"]: model for model in client.get(MODELS).json()["models"]}
    assert {released.VERSION, "mlp-0.0.1"} <= set(listed)
    for version, model in listed.items():
        artefact = json.loads((ROOT / "model" / f"mnist-{version}.json").read_bytes())
        assert {name: model[name] for name in artefact} == artefact
        assert client.get(f"{MODELS}/{version}").json() == model
    assert [version for version in listed if listed[version]["serving"]] == [released.VERSION]


def test_any_network_can_be_requested_by_its_version(client: Client) -> None:
    for version in ("mlp-0.0.1", released.VERSION):
        answer = send(client, encoded(mnist(4)), details=True, model=version).json()
        assert (answer["prediction"], answer["model"]) == (4, version)


def test_an_unknown_version_is_refused_with_a_list_of_the_known_ones(client: Client) -> None:
    for answer in (send(client, encoded(mnist(4)), model="9.9.9"), client.get(f"{MODELS}/..%2F..%2Fetc")):
        assert answer.status_code == 404
        assert_problem(answer, "unknown-model") if "9.9.9" in answer.text else assert_problem(answer, "not-found")
    assert "mlp-0.0.1" in send(client, encoded(mnist(4)), model="9.9.9").json()["detail"]
    assert_problem(client.get(f"{MODELS}/9.9.9"), "unknown-model")


@pytest.mark.uvicorn
def test_a_new_release_replaces_the_old_one_and_a_broken_one_is_logged_once(folder: Path) -> None:
    with another_server(DIGITS_MODEL_DIR=folder, DIGITS_RELOAD_S=0.05) as server, connect(server) as client:
        assert serving_version(client) == OLD
        copy_release(folder, NEW)
        until(lambda: serving_version(client) == NEW)

        copy_release(folder, "0.11.0", broken=True)
        until(lambda: "mnist-0.11.0.onnx" in server.log)
        assert serving_version(client) == NEW
        assert_problem(send(client, encoded(mnist(4)), model="0.11.0"), "not-ready")
        assert "0.11.0" not in client.get(MODELS).text

        copy_release(folder, "0.12.0")
        until(lambda: serving_version(client) == "0.12.0")
        errors = [line["message"] for line in log_lines(server) if line["level"] == "error"]
    assert len(errors) == 1
    assert "0.11.0" in errors[0]


@pytest.mark.uvicorn
def test_sighup_makes_the_service_look_for_a_new_release(folder: Path) -> None:
    with another_server(DIGITS_MODEL_DIR=folder, DIGITS_RELOAD_S=3600) as server, connect(server) as client:
        copy_release(folder, NEW)
        assert serving_version(client) == OLD
        kill(server.pid, signal.SIGHUP)
        until(lambda: serving_version(client) == NEW)


def test_a_broken_release_is_skipped(folder: Path) -> None:
    copy_release(folder, NEW, broken=True)
    assert serving_version(LocalService(model_dir=folder)) == OLD


def test_a_serving_release_whose_files_get_damaged_keeps_serving(folder: Path) -> None:
    copy_release(folder, NEW)
    client = LocalService(model_dir=folder)
    copy_release(folder, NEW, broken=True)
    client.state.repository.refresh()
    assert serving_version(client) == NEW


def test_a_service_without_a_network_loads_the_first_that_appears(tmp_path: Path) -> None:
    client = LocalService(model_dir=tmp_path)
    assert client.get("/health/ready").status_code == 503
    assert client.get(MODELS).json() == {"models": []}
    copy_release(tmp_path, NEW)
    client.state.repository.refresh()
    assert client.get("/health/ready").status_code == 200


def test_the_release_before_replaces_one_that_is_deleted(folder: Path) -> None:
    copy_release(folder, NEW)
    client = LocalService(model_dir=folder)
    assert serving_version(client) == NEW
    (folder / f"mnist-{NEW}.json").unlink()
    client.state.repository.refresh()
    assert serving_version(client) == OLD


def test_the_five_networks_of_the_pages_experiment_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def open_counted(path: Path, *options: Any) -> Predictor:
        opened.append(path.stem)
        return open_predictor(path, *options)

    client = LocalService()
    monkeypatch.setattr(model_repository, "open_predictor", open_counted)
    models = {model["network"]: model["version"] for model in client.get(MODELS).json()["models"]}
    versions = [models[kind] for kind in NETWORKS]
    for version in versions * 3:
        assert send(client, encoded(mnist(4)), model=version).status_code == 200
    assert sorted(opened) == sorted(f"mnist-{version}" for version in versions)


def test_more_networks_than_are_kept_open_can_be_requested(tmp_path: Path) -> None:
    versions = [f"0.{number}.0" for number in range(5)]
    for version in versions:
        copy_release(tmp_path, version)
    client = LocalService(model_dir=tmp_path, open_models=2)
    for version in versions * 2:
        assert send(client, encoded(mnist(4)), details=True, model=version).json()["model"] == version
    assert len(client.state.repository._opened) == 2
