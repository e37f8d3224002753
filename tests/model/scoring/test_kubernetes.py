"""The pods of an Indexed Job score disjoint shares that are everything together."""

from itertools import chain
from pathlib import Path

import pytest

from src.model.errors import ScoringError
from src.model.scoring import kubernetes
from src.model.scoring.kubernetes import choose_share, prepare_share
from tests.model.scoring.runs import MODEL, make_job, make_pictures, read_rows, run, write_folder

SHARES = 3


def test_pods_score_everything_once_in_turn(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "in", make_pictures())
    arguments = (folder, "--out", tmp_path / "out", "--launcher", "kubernetes", "--workers", "1", "--shard-size", "4")
    for index in range(SHARES):
        pod = run(*arguments, JOB_COMPLETION_INDEX=str(index), SCORE_SHARES=str(SHARES))
        assert pod.returncode == 0, pod.stderr
        missing = sum(number % SHARES > index for number in range(5))
        assert (f"{missing} of 5 shards are still missing" in pod.stdout) == (missing > 0)
    assert [row["path"] for row in read_rows(tmp_path / "out")] == sorted(make_pictures())


def test_shares_are_disjoint_and_complete() -> None:
    shares = [choose_share(range(100), index, 7) for index in range(7)]
    assert sorted(chain.from_iterable(shares)) == list(range(100))
    with pytest.raises(ScoringError, match="no share 7 of 7"):
        choose_share(range(100), 7, 7)


def test_pod_without_its_index_says_what_is_missing(tmp_path: Path) -> None:
    result = run(tmp_path, "--out", tmp_path / "out", "--launcher", "kubernetes")
    assert result.returncode == 1
    assert "JOB_COMPLETION_INDEX and SCORE_SHARES" in result.stderr


def test_pod_gives_up_if_the_first_one_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "WAIT_S", -1.0)
    with pytest.raises(ScoringError, match="Pod 0 has made no"):
        prepare_share(make_job(tmp_path, tmp_path / "out"), None, MODEL, 1)
