"""The report on MNIST's official test digits: intervals, groups, and that the saved one is about the released files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data.download import SHA256
from src.model.data.mnist import Digits, Mnist, load_mnist, read_test_writers
from src.model.evaluation import official_test
from src.model.evaluation.official_test import OfficialTest, count, group_by_writer, load_official_test, score
from src.model.evaluation.report import evaluation_path, load_evaluation
from src.model.inference.artefact import describe
from src.settings import RESULTS_DIR, ROOT, get_settings
from tests import released

SAVED = [path.stem.removeprefix("official-test-") for path in sorted(RESULTS_DIR.glob("official-test-*.json"))]
each_saved = pytest.mark.parametrize("version", SAVED)

# four writers of 2, 3, 4 and 1 digits; the second and the third misread one and three of theirs
WRITERS = np.array([7, 7, 20, 20, 20, 31, 31, 31, 31, 5])
SERIES = np.array([0, 0, 4, 4, 4, 4, 4, 4, 4, 0])
CORRECT = np.array([1, 1, 0, 1, 1, 0, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("correct", "pictures", "interval"),
    [
        (81, 263, (0.2553, 0.3662)),  # Newcombe, "Two-sided confidence intervals for the single proportion" (1998)
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0000, 0.1611)),
        (29, 29, (0.8830, 1.0000)),
    ],
)
def test_interval_is_wilsons(correct: int, pictures: int, interval: tuple[float, float]) -> None:
    assert count(correct, pictures).wilson == pytest.approx(interval, abs=6e-5)


def test_writers_with_most_errors_come_first() -> None:
    found = group_by_writer(CORRECT, WRITERS, SERIES)
    assert (found.writers, found.with_errors) == (4, 2)
    assert [(row.writer, row.series, row.errors, row.pictures) for row in found.worst[:2]] == [
        (31, 4, 3, 4),
        (20, 4, 1, 3),
    ]
    assert found.worst_tenth == 0.75  # a tenth of four writers is one


def test_writers_with_errors_by_chance_are_counted_from_all_ways_to_place_the_errors() -> None:
    correct = np.array([0, 1, 1, 1])  # of two writers of one and three digits, one error
    found = group_by_writer(correct, np.array([1, 2, 2, 2]), np.zeros(4, np.int64))
    assert found.expected_with_errors == 1  # wherever it falls, it has one writer
    both = group_by_writer(np.array([0, 1, 1, 0]), np.array([1, 2, 2, 2]), np.zeros(4, np.int64))
    assert both.expected_with_errors == 1.5  # half of the six pairs of digits have both writers


def test_errors_of_one_writer_say_less_than_as_many_of_many_writers() -> None:
    writers = np.repeat(np.arange(100), 20)
    spread, together = np.ones((2, 2000), np.int64)
    spread[np.arange(0, 2000, 100)] = 0  # one error of each of twenty writers
    together[:20] = 0  # all digits of one writer
    assert spread.sum() == together.sum()
    scores = score(spread, writers), score(together, writers)
    assert scores[0].wilson == scores[1].wilson
    assert scores[0].standard_error == pytest.approx(0.002, rel=0.1)  # 0.05 * sqrt(0.2 * 0.8 / 100)
    assert scores[1].standard_error == pytest.approx(0.00995, rel=0.1)  # sqrt(0.01 * 0.99 / 100)
    low, high = scores[1].by_writer
    assert low < scores[0].by_writer[0] < 0.99 < high


def test_score_is_the_same_every_time() -> None:
    assert score(CORRECT, WRITERS) == score(CORRECT, WRITERS)


def test_several_versions_of_a_digit_count_as_pictures_of_its_writer() -> None:
    found = score(3 * CORRECT, WRITERS, versions=3)
    once = score(CORRECT, WRITERS)
    assert (found.correct, found.pictures) == (18, 30)
    assert (found.standard_error, found.by_writer) == (once.standard_error, once.by_writer)
    spread = group_by_writer(3 * CORRECT, WRITERS, SERIES, versions=3)
    assert [(row.errors, row.pictures) for row in spread.worst[:2]] == [(9, 12), (3, 9)]


def test_perfect_score_has_no_spread() -> None:
    found = score(np.ones(10, np.int64), WRITERS)
    assert (found.standard_error, found.by_writer) == (0, (1, 1))
    assert group_by_writer(np.ones(10, np.int64), WRITERS, SERIES).worst_tenth == 0


def test_groups_and_totals_of_a_report_add_up(few_digits: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    true = few_digits.test[:10]
    wrong = Digits(true.images, torch.where(torch.from_numpy(CORRECT == 1), true.labels, (true.labels + 1) % 10))
    monkeypatch.setattr(official_test, "read_test_writers", lambda: (WRITERS, SERIES))
    monkeypatch.setattr(official_test, "DISPUTED", (2, 3))
    report = official_test.measure(released.PATH, wrong, corruptions=("translate", "brightness"))
    assert (report.plain.correct, report.plain.pictures) == (6, 10)
    assert (report.undisputed.correct, report.undisputed.pictures) == (5, 8)
    assert {series: (one.correct, one.pictures) for series, one in report.series.items()} == {0: (3, 3), 4: (3, 7)}
    assert (report.corrupted.correct, report.corrupted.pictures) == (12, 20)
    check_totals(report)


def check_totals(report: OfficialTest) -> None:
    """Check that groups and totals of a report are about the same pictures."""
    for total, parts in ((report.plain, report.series), (report.corrupted, report.corruptions)):
        assert total.correct == sum(part.correct for part in parts.values())
        assert total.pictures == sum(part.pictures for part in parts.values())
    assert 0 <= report.plain.errors - report.undisputed.errors <= report.plain.pictures - report.undisputed.pictures
    for score_, writers in ((report.plain, report.writers), (report.corrupted, report.corrupted_writers)):
        assert sum(row.errors for row in writers.worst) <= score_.errors
        assert writers.with_errors <= min(writers.writers, score_.errors)


def test_writers_of_all_test_digits_are_known_and_each_has_one_series() -> None:
    writers, series = read_test_writers()
    assert len(writers) == len(series) == 10_000
    assert dict(zip(*np.unique(series, return_counts=True), strict=True)) == {0: 4_999, 4: 5_001}
    assert len(np.unique(writers)) == len(np.unique(np.stack([writers, series]), axis=1).T) == 297


def test_reports_are_saved() -> None:
    assert released.VERSION in SAVED


@each_saved
def test_saved_report_is_about_the_released_weights_and_their_evaluation(version: str) -> None:
    report, evaluation = load_official_test(version), load_evaluation(evaluation_path(version))
    assert report.sha256 == evaluation.sha256 == describe(ROOT / "model" / f"mnist-{version}.json").sha256["onnx"]
    assert report.data_sha256.items() <= SHA256.items()
    assert len(report.data_sha256) == 2
    assert evaluation.test
    assert report.plain.correct == sum(evaluation.test.correct)
    assert report.plain.pictures == sum(evaluation.test.pictures) == 10_000
    assert report.undisputed.pictures == 9_985
    assert len(report.corruptions) == 15


@each_saved
def test_groups_and_totals_of_a_saved_report_add_up(version: str) -> None:
    check_totals(load_official_test(version))


@pytest.mark.mnist
def test_saved_report_is_what_the_test_digits_say_today() -> None:
    report = official_test.measure(released.PATH, load_mnist(get_settings().data_dir).test, corruptions=("translate",))
    saved = load_official_test(released.VERSION)
    for field in ("version", "sha256", "data_sha256", "plain", "undisputed", "series", "writers"):
        assert getattr(report, field) == getattr(saved, field)
    assert report.corruptions["translate"] == saved.corruptions["translate"]


def test_command_prints_the_tables_and_saves_the_report(
    tmp_path: Path, few_digits: Mnist, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = load_official_test(released.VERSION)
    monkeypatch.setattr(official_test, "load_mnist", lambda _: few_digits)
    monkeypatch.setattr(official_test, "measure", lambda *_: report)
    assert official_test.main(["--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    tables = (official_test.format_scores, official_test.format_corruptions, official_test.format_writers)
    assert all(table(report) in printed for table in tables)
    saved = official_test.official_test_path(released.VERSION, tmp_path)
    assert saved.read_text() == official_test.official_test_path(released.VERSION).read_text()


def test_command_reports_a_missing_network_without_a_traceback(
    tmp_path: Path, few_digits: Mnist, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official_test, "load_mnist", lambda _: few_digits)
    assert official_test.main(["--model", str(tmp_path / "mnist-9.9.9.json"), "--out", str(tmp_path)]) == 1
    assert "can't be read" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
