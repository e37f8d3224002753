"""Which networks there are, any of them asked by its version, and a new one picked up while the service runs."""

import json
import shutil
import signal
from os import kill
from pathlib import Path
from typing import Any

from httpx import Client

from src.model.inference.artefact import describe, find_newest
from src.settings import ROOT
from tests.app.api.api_client import another_server, another_service, assert_problem, log_lines, send, until
from tests.pictures import encoded, mnist

MODELS = "/api/v1/models"
RELEASE = find_newest(ROOT / "model")
OLD, NEW = "0.9.0", "0.10.0"


def release(folder: Path, version: str, broken: bool = False) -> None:
    """Put the shipped release into `folder` under another version, its .json last, as a training run does."""
    said: dict[str, Any] = json.loads(RELEASE.read_bytes()) | {"version": version}
    for kind in ("pt", "onnx"):
        shutil.copy(RELEASE.with_suffix(f".{kind}"), folder / f"mnist-{version}.{kind}")
    if broken:
        (folder / f"mnist-{version}.onnx").write_bytes(b"not a network")
    part = folder / "part"
    part.write_text(json.dumps(said))
    part.rename(folder / f"mnist-{version}.json")


def serving(client: Client) -> str:
    version: str = send(client, encoded(mnist(4)), details=True).json()["model"]
    return version


def test_each_network_is_described_in_the_words_of_its_artefact(client: Client) -> None:
    listed = {model["version"]: model for model in client.get(MODELS).json()["models"]}
    assert {describe(RELEASE).version, "mlp-0.0.1"} <= set(listed)
    for version, model in listed.items():
        said = json.loads((ROOT / "model" / f"mnist-{version}.json").read_bytes())
        assert {name: model[name] for name in said} == said
        assert client.get(f"{MODELS}/{version}").json() == model
    assert [version for version in listed if listed[version]["serving"]] == [describe(RELEASE).version]


def test_any_network_answers_the_same_drawing(client: Client) -> None:
    for version in ("mlp-0.0.1", describe(RELEASE).version):
        answer = send(client, encoded(mnist(4)), details=True, model=version).json()
        assert (answer["prediction"], answer["model"]) == (4, version)


def test_an_unknown_version_is_told_which_there_are(client: Client) -> None:
    for answer in (send(client, encoded(mnist(4)), model="9.9.9"), client.get(f"{MODELS}/..%2F..%2Fetc")):
        assert answer.status_code == 404
        assert_problem(answer, "unknown-model") if "9.9.9" in answer.text else assert_problem(answer, "not-found")
    assert "mlp-0.0.1" in send(client, encoded(mnist(4)), model="9.9.9").json()["detail"]
    assert_problem(client.get(f"{MODELS}/9.9.9"), "unknown-model")


def test_a_new_release_serves_and_a_broken_one_is_logged_while_the_old_one_goes_on(tmp_path: Path) -> None:
    release(tmp_path, OLD)
    with (
        another_server(DIGITS_MODEL_DIR=tmp_path, DIGITS_RELOAD_S=0.05) as server,
        Client(base_url=server.url) as client,
    ):
        assert serving(client) == OLD
        release(tmp_path, NEW)
        until(lambda: serving(client) == NEW)

        release(tmp_path, "0.11.0", broken=True)
        until(lambda: "mnist-0.11.0.onnx" in server.log)
        assert serving(client) == NEW
        answer = send(client, encoded(mnist(4)), model="0.11.0")
        assert_problem(answer, "not-ready")
        assert "0.11.0" not in client.get(MODELS).text

        release(tmp_path, "0.12.0")
        until(lambda: serving(client) == "0.12.0")
        errors = [line["message"] for line in log_lines(server) if line["level"] == "error"]
    assert len(errors) == 1
    assert "0.11.0" in errors[0]


def test_sighup_has_the_folder_looked_at_now(tmp_path: Path) -> None:
    release(tmp_path, OLD)
    with (
        another_server(DIGITS_MODEL_DIR=tmp_path, DIGITS_RELOAD_S=3600) as server,
        Client(base_url=server.url) as client,
    ):
        release(tmp_path, NEW)
        assert serving(client) == OLD
        kill(server.pid, signal.SIGHUP)
        until(lambda: serving(client) == NEW)


def test_a_service_that_starts_beside_a_broken_release_serves_the_one_before(tmp_path: Path) -> None:
    release(tmp_path, OLD)
    release(tmp_path, NEW, broken=True)
    with another_service(DIGITS_MODEL_DIR=tmp_path) as client:
        assert serving(client) == OLD


def test_a_service_without_a_network_takes_the_first_that_comes(tmp_path: Path) -> None:
    with another_service(DIGITS_MODEL_DIR=tmp_path, DIGITS_RELOAD_S=0.05) as client:
        assert client.get("/health/ready").status_code == 503
        assert client.get(MODELS).json() == {"models": []}
        release(tmp_path, NEW)
        until(lambda: client.get("/health/ready").status_code == 200)


def test_a_release_that_is_taken_away_gives_way_to_the_one_before(tmp_path: Path) -> None:
    release(tmp_path, OLD)
    release(tmp_path, NEW)
    with another_service(DIGITS_MODEL_DIR=tmp_path, DIGITS_RELOAD_S=0.05) as client:
        assert serving(client) == NEW
        (tmp_path / f"mnist-{NEW}.json").unlink()
        until(lambda: serving(client) == OLD)


def test_only_so_many_networks_are_kept_open_and_all_of_them_answer(tmp_path: Path) -> None:
    versions = [f"0.{number}.0" for number in range(5)]
    for version in versions:
        release(tmp_path, version)
    with another_service(DIGITS_MODEL_DIR=tmp_path, DIGITS_OPEN_MODELS=2) as client:
        for version in versions * 2:
            assert send(client, encoded(mnist(4)), details=True, model=version).json()["model"] == version
