import os
from pathlib import Path

import pytest

from src.model.cores import count_cores


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("max 100000\n", 8),
        ("400000 100000\n", 4),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("1600000 100000\n", 8),
        ("rubbish", 8),
    ],
)
def test_limit_of_the_container_counts(limit: str, cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    file = tmp_path / "cpu.max"
    file.write_text(limit)
    assert count_cores(file) == cores


def test_without_a_limit_all_cores_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    assert count_cores(tmp_path / "missing") == 8
