from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from src.app.api.core.metrics import Metrics
from src.model.inference.artefact import find_newest
from src.model.inference.predictor import Prediction, Predictor
from src.model.monitoring import baseline, drift
from src.model.monitoring.drift import compute_psi, judge
from src.model.monitoring.histograms import count_predictions, parse_metrics, read_histograms
from src.model.params import Triggers, read_params
from src.model.preprocessing.preprocess import Framed
from src.settings import RESULTS_DIR, ROOT
from tests import pictures

TRIGGERS = read_params().triggers


@pytest.fixture(scope="module")
def predictions(predictor: Predictor) -> list[Prediction]:
    """Return the shipped network's predictions of a hundred digits."""
    images, _ = pictures.all_mnist()
    return predictor.predict_batch([(Framed(image.astype(np.float32) / 255, 1),) for image in images])


@pytest.fixture(scope="module")
def fainter(predictions: list[Prediction]) -> list[Prediction]:
    """Return the same predictions of pictures with about half of the ink."""
    return [replace(prediction, pixels=prediction.pixels * 0.55) for prediction in predictions]


def expose(predictions: list[Prediction], times: int = 1) -> str:
    """Return the service's /metrics after `predictions` of version 0.0.1, and one of another version."""
    metrics = Metrics(None)
    for prediction in predictions * times:
        metrics.answer(prediction, "0.0.1", "production")
    metrics.answer(predictions[0], "mlp-0.0.1", "requested")
    return metrics.render().decode()


def test_service_and_pipeline_count_alike(predictions: list[Prediction]) -> None:
    assert parse_metrics(expose(predictions), "0.0.1") == count_predictions("0.0.1", predictions)


def test_network_without_predictions_has_empty_histograms(predictions: list[Prediction]) -> None:
    empty = parse_metrics(expose(predictions), "9.9.9")
    counts = count_predictions("0.0.1", predictions).counts
    assert empty.counts == {metric: [0] * len(buckets) for metric, buckets in counts.items()}


def test_earlier_pictures_are_subtracted_unless_the_service_restarted(predictions: list[Prediction]) -> None:
    once, twice = (parse_metrics(expose(predictions, times), "0.0.1") for times in (1, 2))
    assert twice.subtract(once) == once
    assert once.subtract(twice) == once


def test_psi_follows_its_definition() -> None:
    expected, actual = [99.5, 99.5], [49.5, 149.5]  # half a picture is added to each
    assert compute_psi(expected, actual) == pytest.approx((0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5))
    assert compute_psi(expected, expected) == 0


def test_only_changed_statistics_drift(predictions: list[Prediction], fainter: list[Prediction]) -> None:
    reference, changed = (count_predictions("0.0.1", sample * 10) for sample in (predictions, fainter))
    assert not [verdict for verdict in judge(reference, reference, TRIGGERS) if verdict.drifted]
    drifted = {verdict.statistic for verdict in judge(reference, changed, TRIGGERS) if verdict.drifted}
    assert "digits_ink" in drifted
    assert "digits_answers" not in drifted


def test_too_few_answers_give_no_verdict(predictions: list[Prediction], fainter: list[Prediction]) -> None:
    reference, changed = (count_predictions("0.0.1", sample) for sample in (predictions, fainter))
    assert judge(reference, changed, TRIGGERS) == []


def test_every_statistic_has_a_limit(predictions: list[Prediction]) -> None:
    assert set(TRIGGERS.psi) == set(count_predictions("0.0.1", predictions).counts)


def test_chance_alone_stays_far_below_the_usual_limit() -> None:
    random = np.random.default_rng(0)
    reference = list(random.multinomial(5000, [0.1] * 10))
    samples = [list(random.multinomial(TRIGGERS.least_answers, [0.1] * 10)) for _ in range(1000)]
    distances = [compute_psi(reference, sample) for sample in samples]
    assert np.mean(distances) == pytest.approx(9 * (1 / TRIGGERS.least_answers + 1 / 5000), rel=0.2)
    assert max(distances) < 0.25


def test_serving_network_has_a_reference() -> None:
    assert drift.read_reference(drift.find_serving_version()).pictures == 5000


@pytest.mark.parametrize(("sample", "status"), [("predictions", 0), ("fainter", drift.DRIFTED)])
def test_exit_status_is_the_verdict(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, sample: str, status: int
) -> None:
    reference = count_predictions("0.0.1", request.getfixturevalue("predictions") * 10)
    monkeypatch.setattr(drift, "find_serving_version", lambda: "0.0.1")
    monkeypatch.setattr(drift, "read_reference", lambda _: reference)
    (tmp_path / "metrics").write_text(expose(request.getfixturevalue(sample), 10))
    assert drift.main(["--metrics", str(tmp_path / "metrics")]) == status


def test_answers_before_since_are_not_judged(
    tmp_path: Path, predictions: list[Prediction], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drift, "find_serving_version", lambda: "0.0.1")
    monkeypatch.setattr(drift, "read_reference", lambda _: count_predictions("0.0.1", predictions))
    (tmp_path / "metrics").write_text(expose(predictions, 3))
    (tmp_path / "earlier").write_text(expose(predictions, 2))
    assert drift.main(["--metrics", str(tmp_path / "metrics"), "--since", str(tmp_path / "earlier")]) == 0
    assert capsys.readouterr().out == "100 answers are too few to detect drift.\n"


@pytest.mark.mnist
def test_reference_counts_the_validation_digits(tmp_path: Path) -> None:
    path = baseline.write_reference(find_newest(ROOT / "model"), tmp_path)
    reference = read_histograms(path)
    assert reference.pictures == 5000
    assert list(reference.counts) == list(read_histograms(RESULTS_DIR / path.name).counts)


def test_zero_answers_are_no_limit() -> None:
    with pytest.raises(ValueError, match="least_answers"):
        Triggers(new_pictures=1, oldest_days=1, least_answers=0, psi={})
