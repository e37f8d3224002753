import os
from pathlib import Path

import pytest

from src.model.files import atomic_path, write_text_atomically


def test_file_appears_only_after_the_block(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with atomic_path(path, mode=0o600) as part:
        part.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("durable", [True, False])
def test_durable_file_is_flushed_before_it_gets_its_name(
    durable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, named = tmp_path / "file.txt", []
    monkeypatch.setattr(os, "fsync", lambda _: named.append(path.exists()))
    with atomic_path(path, durable=durable) as part:
        part.touch()
    assert named == [False] * durable


def test_error_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError), atomic_path(path) as part, part.open("w", encoding="ascii") as file:
        file.writelines(["half", "é"])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
