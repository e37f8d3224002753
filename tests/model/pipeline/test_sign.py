"""The command that signs a network, and checks its signature."""

from pathlib import Path

import pytest

from src.model.pipeline import sign
from src.settings import Settings
from tests.released import copy_release
from tests.signing import KeyPair, make_key

NETWORK = "mnist-0.9.0"


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyPair:
    """Return a key that is trusted."""
    key = make_key(tmp_path)
    monkeypatch.setattr(sign, "read_settings", lambda: Settings(trusted_key=key.public))
    return key


@pytest.fixture
def network(tmp_path: Path) -> Path:
    copy_release(tmp_path, "0.9.0")
    return tmp_path / f"{NETWORK}.json"


def test_network_is_signed_and_the_signature_checked(
    key: KeyPair, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sign.main([str(network), "--key", str(key.private)]) == 0
    assert capsys.readouterr().out == f"{network.with_suffix('.sig')}\n"
    assert sign.main([str(network), "--check"]) == 0
    assert capsys.readouterr().out == "0.9.0 is signed, and its files are those that were signed.\n"


def test_network_that_was_altered_fails_the_check(
    key: KeyPair, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sign.main([str(network), "--key", str(key.private)])
    network.with_suffix(".pt").write_bytes(b"other weights")
    assert sign.main([str(network), "--check"]) == 1
    assert f"{NETWORK}.pt" in capsys.readouterr().err


def test_key_of_the_settings_signs(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key(tmp_path)
    settings = Settings(signing_key=key.private, trusted_key=key.public)
    monkeypatch.setattr(sign, "read_settings", lambda: settings)
    assert sign.main([str(network)]) == sign.main([str(network), "--check"]) == 0


@pytest.mark.usefixtures("key")
def test_missing_key_is_reported(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign.main([str(network), "--key", "missing.key"]) == 1
    assert f"{NETWORK}.json can't be signed" in capsys.readouterr().err
    assert not network.with_suffix(".sig").exists()
