"""A service that requires signatures: what it serves, what it refuses while the current network goes on, and why."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from src.launcher import clean_environment
from src.model.inference.signature import sign
from src.settings import ROOT, Settings
from tests.app.api.api_client import LocalService, another_server, assert_problem, connect, log_lines, send, until
from tests.pictures import encoded, mnist
from tests.released import copy_release
from tests.signing import KeyPair, copy_signed_release, deliver, make_key

FOUR: Final = encoded(mnist(4))
MODELS: Final = "/api/v1/models"
OLD, NEW, NEWEST = "0.9.0", "0.10.0", "0.11.0"
OTHER: Final = ROOT / "model" / "mnist-0.0.1.json"  # the files of another network


@pytest.fixture
def key(tmp_path: Path) -> KeyPair:
    return make_key(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, key: KeyPair) -> Path:
    """Return a folder with one release, `OLD`, which is signed."""
    folder = tmp_path / "model"
    folder.mkdir()
    copy_signed_release(folder, OLD, key)
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a folder in which releases are prepared."""
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


def trusting(folder: Path, key: KeyPair, **settings: Any) -> LocalService:
    return LocalService(model_dir=folder, require_signature=True, trusted_key=key.public, **settings)


def serving_version(client: Any) -> str:
    return str(send(client, FOUR, details=True).json()["model"])


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))


def replace_weights(path: Path, suffix: str) -> None:
    """Put another network's weights into an artefact, and their digest into its .json: the files still agree."""
    weights = path.with_suffix(suffix)
    shutil.copy(OTHER.with_suffix(suffix), weights)
    digest = sha256(weights.read_bytes()).hexdigest()
    rewrite(path, sha256=json.loads(path.read_bytes())["sha256"] | {suffix[1:]: digest})


def sign_with_another_key(path: Path) -> None:
    copy_signed_release(path.parent, NEW, make_key(path.parent, "other"))


def rename(path: Path) -> None:
    """Give the files of an older, signed release a newer version, as an attacker would who wants it back."""
    for suffix in (".pt", ".onnx", ".sig", ".json"):
        path.with_suffix(suffix).unlink()
    copy_release(path.parent, NEW)
    shutil.copy(path.parent.parent / "model" / f"mnist-{OLD}.sig", path.with_suffix(".sig"))


def link_to_device(path: Path) -> None:
    path.with_suffix(".sig").unlink()
    path.with_suffix(".sig").symlink_to("/dev/zero")


ATTACKS: Final[dict[str, Callable[[Path], object]]] = {
    "another .onnx": lambda path: shutil.copy(OTHER.with_suffix(".onnx"), path.with_suffix(".onnx")),
    "another .pt": lambda path: shutil.copy(OTHER.with_suffix(".pt"), path.with_suffix(".pt")),
    "another .onnx that agrees with the .json": lambda path: replace_weights(path, ".onnx"),
    "another .pt that agrees with the .json": lambda path: replace_weights(path, ".pt"),
    "another .json": lambda path: rewrite(path, git_commit="0" * 40),
    "no signature": lambda path: path.with_suffix(".sig").unlink(),
    "a signature with another key": sign_with_another_key,
    "a signature of another version": rename,
    "a signature that is none": lambda path: path.with_suffix(".sig").write_text('{"verificationMaterial": {}}'),
    "a signature that is too large": lambda path: path.with_suffix(".sig").write_bytes(bytes(200_000)),
    "a signature that is a device": link_to_device,
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_network_that_is_not_as_signed_is_refused_and_the_current_one_goes_on(
    attack: Callable[[Path], object], folder: Path, made: Path, key: KeyPair, caplog: pytest.LogCaptureFixture
) -> None:
    client = trusting(folder, key)
    path = copy_signed_release(made, NEW, key)
    attack(path)
    deliver(path, folder)
    for _ in range(2):
        client.state.refresh()
    assert serving_version(client) == OLD
    answer = send(client, FOUR, model=NEW)
    assert_problem(answer, "not-ready")
    assert "mnist-" not in answer.text
    assert [model["version"] for model in client.get(MODELS).json()["models"]] == [OLD]
    (error,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert f"mnist-{NEW}" in error


@pytest.mark.uvicorn
def test_running_service_takes_signed_networks_only_and_logs_why(folder: Path, made: Path, key: KeyPair) -> None:
    settings = {"DIGITS_REQUIRE_SIGNATURE": "true", "DIGITS_TRUSTED_KEY": key.public}
    with another_server(DIGITS_MODEL_DIR=folder, DIGITS_RELOAD_S=0.05, **settings) as server, connect(server) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        assert serving_version(client) == OLD
        deliver(copy_signed_release(made, NEW, key), folder)
        until(lambda: serving_version(client) == NEW)

        path = copy_signed_release(made, NEWEST, key)
        replace_weights(path, ".onnx")  # which a service without this setting would load
        deliver(path, folder)
        until(lambda: f"mnist-{NEWEST}" in server.log)
        assert serving_version(client) == NEW
        detail = send(client, FOUR, model=NEWEST).json()["detail"]
        assert detail == f"Network {NEWEST} has no signature that this service trusts. The service's log says more."
        errors = [line["message"] for line in log_lines(server) if line["level"] == "error"]
    assert len(errors) == 1
    assert f"mnist-{NEWEST}.sig is no valid signature by the key {key.public}" in errors[0]
    assert f"mnist-{NEWEST}.onnx" in errors[0]


def test_network_that_is_signed_later_is_served_then(folder: Path, made: Path, key: KeyPair) -> None:
    client = trusting(folder, key)
    signature = copy_signed_release(made, NEW, key).with_suffix(".sig")
    copy_release(folder, NEW)
    client.state.refresh()
    assert serving_version(client) == OLD
    signature.rename(folder / signature.name)
    client.state.refresh()
    assert serving_version(client) == NEW
    assert [model["version"] for model in client.get(MODELS).json()["models"]] == [NEW, OLD]


def test_description_is_refused_once_its_signature_is_gone(folder: Path, key: KeyPair) -> None:
    client = trusting(folder, key)
    copy_signed_release(folder, "0.8.0", key)
    assert client.get(f"{MODELS}/0.8.0").status_code == 200
    (folder / "mnist-0.8.0.sig").unlink()
    assert_problem(client.get(f"{MODELS}/0.8.0"), "not-ready")


def test_layers_are_those_of_the_network_that_was_checked(folder: Path, key: KeyPair) -> None:
    for suffix in (".pt", ".onnx", ".json"):
        shutil.copy(OTHER.with_suffix(suffix), folder)
    sign(folder / OTHER.name, key.private)
    client = trusting(folder, key)
    assert send(client, FOUR, model="0.0.1").json() == {"prediction": 4}
    shutil.copy(ROOT / "model" / "mnist-micro-1.0.0.onnx", folder / "mnist-0.0.1.onnx")
    layers = send(client, FOUR, model="0.0.1", activations=True).json()["activations"]
    assert [layer["kind"] for layer in layers].count("linear") == 2  # the other network has one


def test_without_a_signed_network_the_service_is_not_ready(
    made: Path, key: KeyPair, caplog: pytest.LogCaptureFixture
) -> None:
    copy_release(made, OLD)
    client = trusting(made, key)
    answer = client.get("/health/ready")
    assert_problem(answer, "not-ready")
    assert "not signed" in answer.json()["detail"]
    assert f"mnist-{OLD}.json is not signed: there is no mnist-{OLD}.sig." in caplog.text
    copy_signed_release(made, OLD, key)
    client.state.refresh()
    assert client.get("/health/ready").status_code == 200


def test_unsigned_networks_are_served_unless_signatures_are_required(made: Path, key: KeyPair) -> None:
    copy_release(made, OLD)
    assert serving_version(LocalService(model_dir=made, trusted_key=key.public)) == OLD


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"trusted_identity": "https://github.com/a/b/.github/workflows/train.yml@refs/heads/main"},
        {"trusted_issuer": "https://token.actions.githubusercontent.com"},
        {"trusted_key": "", "trusted_identity": "", "trusted_issuer": ""},
        {
            "trusted_key": ROOT / "LICENSE",
            "trusted_identity": "me@example.org",
            "trusted_issuer": "https://example.org",
        },
    ],
)
def test_signature_is_not_required_of_nobody_in_particular(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="set either DIGITS_TRUSTED_KEY, or DIGITS_TRUSTED_IDENTITY and"):
        Settings(require_signature=True, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "DIGITS_REQUIRE_SIGNATURE: Value error, set either DIGITS_TRUSTED_KEY, or"),
        ({"DIGITS_TRUSTED_KEY": "/missing.pub"}, "DIGITS_TRUSTED_KEY: Path does not point to a file."),
        ({"DIGITS_TRUSTED_KEY": str(ROOT / "LICENSE")}, "LICENSE can't be checked"),
    ],
)
@pytest.mark.uvicorn
def test_start_is_refused_with_a_sentence_if_signatures_can_not_be_checked(
    settings: dict[str, str], message: str
) -> None:
    start = subprocess.run(
        [sys.executable, "-m", "src.app.serve"],
        env=clean_environment(DIGITS_REQUIRE_SIGNATURE="true", **settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert start.returncode == 1
    assert message in start.stderr
    assert len(start.stderr.splitlines()) == 1


def test_missing_package_is_named_with_the_file_that_installs_it(
    folder: Path, key: KeyPair, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "src.model.inference.signature")
    monkeypatch.setitem(sys.modules, "model_signing", None)
    client = trusting(folder, key)
    assert client.get("/health/ready").status_code == 503
    assert "install requirements/signing.txt" in caplog.text
