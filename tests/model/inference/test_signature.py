"""Signatures cover the three files of one version; what is loaded are the bytes that were signed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sigstore

from src.model.errors import ArtefactError, SignatureError
from src.model.inference import artefact
from src.model.inference.predictor import open_predictor
from src.model.inference.signature import Trust, sign
from src.settings import ROOT, Settings
from tests.pictures import encoded, mnist
from tests.released import copy_release
from tests.signing import KeyPair, copy_signed_release, make_key

MAX_PIXELS = 1_000_000


@pytest.fixture
def key(tmp_path: Path) -> KeyPair:
    return make_key(tmp_path)


@pytest.fixture
def trust(key: KeyPair) -> Trust:
    return Trust(Settings(trusted_key=key.public))


@pytest.fixture
def signed(tmp_path: Path, key: KeyPair) -> Path:
    """Return the .json of a signed artefact, beside which lie other files."""
    folder = tmp_path / "model"
    folder.mkdir()
    copy_release(folder, "0.8.0")
    return copy_signed_release(folder, "0.9.0", key)


def test_signature_is_of_the_three_files_and_nothing_else(signed: Path, trust: Trust) -> None:
    assert open_predictor(signed, MAX_PIXELS, trust.verify(signed)).predict(encoded(mnist(4))).prediction == 4
    copy_release(signed.parent, "1.0.0")
    (signed.parent / "mnist-0.8.0.json").unlink()
    assert trust.verify(signed) == trust.verify(signed.with_suffix(".pt"))


def test_signature_can_be_checked_with_the_librarys_own_command(signed: Path, key: KeyPair) -> None:
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(signed.parent), "--ignore_unsigned_files"]
    files = ["--signature", str(signed.with_suffix(".sig")), "--public_key", str(key.public)]
    check = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


def test_artefact_keeps_its_signature_in_another_folder(signed: Path, trust: Trust, tmp_path: Path) -> None:
    for file in artefact.list_files(signed):
        shutil.copy(file, tmp_path)
    assert trust.verify(tmp_path / signed.name) == trust.verify(signed)


def test_links_are_followed_as_kubernetes_mounts_files(signed: Path, trust: Trust, tmp_path: Path) -> None:
    for file in artefact.list_files(signed):
        (tmp_path / file.name).symlink_to(file)
    assert trust.verify(tmp_path / signed.name) == trust.verify(signed)


def test_json_that_is_exchanged_after_the_check_is_not_loaded(signed: Path, trust: Trust) -> None:
    digest = trust.verify(signed)
    signed.write_text(json.dumps(json.loads(signed.read_bytes()) | {"git_commit": "0" * 40}))
    with pytest.raises(ArtefactError, match=r"mnist-0\.9\.0\.json has changed"):
        open_predictor(signed, MAX_PIXELS, digest)


@pytest.mark.parametrize("kind", ["onnx", "pt"])
def test_weights_that_are_exchanged_after_the_check_are_not_loaded(
    signed: Path, trust: Trust, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(path: Path, digest: str | None) -> artefact.Description:
        description = artefact.describe(path, digest)
        shutil.copy(ROOT / "model" / f"mnist-0.0.1.{kind}", signed.with_suffix(f".{kind}"))
        return description

    monkeypatch.setattr("src.model.inference.predictor.describe", describe)
    with pytest.raises(ArtefactError, match=rf"mnist-0\.9\.0\.{kind} has changed"):
        open_predictor(signed.with_suffix(f".{kind}"), MAX_PIXELS, trust.verify(signed))


@pytest.mark.parametrize("suffix", [".pt", ".onnx", ".json"])
def test_missing_file_is_named(signed: Path, trust: Trust, suffix: str) -> None:
    signed.with_suffix(suffix).unlink()
    with pytest.raises(ArtefactError, match=rf"mnist-0\.9\.0\{suffix} "):
        trust.verify(signed)


@pytest.mark.parametrize("suffix", [".pt", ".onnx", ".json", ".sig"])
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_refused_unread(
    signed: Path, trust: Trust, suffix: str, make: Callable[[Path], None]
) -> None:
    file = signed.with_suffix(suffix)
    file.unlink()
    make(file)
    with pytest.raises(ArtefactError, match=rf"mnist-0\.9\.0\{suffix} can't be read: it is not a regular file"):
        trust.verify(signed)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"verificationMaterial": {}}', '{"verificationMaterial": {"publicKey": {}}}', "\0"]
)
def test_file_that_is_no_signature_is_refused(signed: Path, trust: Trust, content: str) -> None:
    signed.with_suffix(".sig").write_text(content)
    with pytest.raises(SignatureError, match="is no valid signature by the key"):
        trust.verify(signed)


def test_signature_by_another_key_that_claims_to_be_ours_is_refused(signed: Path, trust: Trust, tmp_path: Path) -> None:
    """A signature names its key, and an attacker can write any name."""
    hint = json.loads(signed.with_suffix(".sig").read_bytes())["verificationMaterial"]["publicKey"]["hint"]
    sign(signed, make_key(tmp_path, "other").private)
    forged = json.loads(signed.with_suffix(".sig").read_bytes())
    forged["verificationMaterial"]["publicKey"]["hint"] = hint
    signed.with_suffix(".sig").write_text(json.dumps(forged))
    with pytest.raises(SignatureError, match="InvalidSignature"):
        trust.verify(signed)


def test_signed_list_that_was_changed_is_refused(signed: Path, trust: Trust) -> None:
    signature = json.loads(signed.with_suffix(".sig").read_bytes())
    payload = signature["dsseEnvelope"]["payload"]
    signature["dsseEnvelope"]["payload"] = payload[:-8] + payload[-4:] + payload[-8:-4]
    signed.with_suffix(".sig").write_text(json.dumps(signature))
    with pytest.raises(SignatureError, match="is no valid signature"):
        trust.verify(signed)


def test_damaged_artefact_is_not_signed(signed: Path, key: KeyPair) -> None:
    signed.with_suffix(".sig").unlink()
    signed.with_suffix(".onnx").write_bytes(b"not a network")
    with pytest.raises(ArtefactError, match="is not the file that"):
        sign(signed, key.private)
    assert not signed.with_suffix(".sig").exists()


def test_failed_signing_leaves_the_old_signature(signed: Path, trust: Trust, key: KeyPair) -> None:
    before = {file.name for file in signed.parent.iterdir()}
    with pytest.raises(SignatureError, match=r"mnist-0\.9\.0\.json can't be signed: "):
        sign(signed, key.public)
    trust.verify(signed)
    assert {file.name for file in signed.parent.iterdir()} == before


def test_trust_in_nobody_is_refused() -> None:
    with pytest.raises(SignatureError, match="set DIGITS_TRUSTED_KEY, or DIGITS_TRUSTED_IDENTITY"):
        Trust(Settings())


def test_identity_is_checked_offline_with_a_file_of_sigstores_keys(signed: Path, tmp_path: Path) -> None:
    """The package `sigstore` ships them. No certificate can be had here, so only the refusal is tested."""
    (store,) = (Path(sigstore.__file__).parent / "_store").glob("*tuf-repo-cdn.sigstore.dev")
    parts = {"trustedRoot": "trusted_root.json", "signingConfig": "signing_config.v0.2.json"}
    config = {name: json.loads((store / file).read_bytes()) for name, file in parts.items()}
    config["mediaType"] = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
    root = tmp_path / "root.json"
    root.write_text(json.dumps(config))
    settings = Settings(trusted_identity="me@example.org", trusted_issuer="https://example.org", trusted_root=root)
    with pytest.raises(SignatureError, match=r"is no valid signature by me@example\.org: expected certificate"):
        Trust(settings).verify(signed)


@pytest.mark.parametrize("content", ["", "{}"])
def test_damaged_file_of_sigstores_keys_is_reported(tmp_path: Path, content: str) -> None:
    root = tmp_path / "root.json"
    root.write_text(content)
    settings = Settings(trusted_identity="me@example.org", trusted_issuer="https://example.org", trusted_root=root)
    with pytest.raises(SignatureError, match=r"Signatures by me@example\.org can't be checked"):
        Trust(settings)
