"""Drift: what the service counts and what the pipeline counts is the same, and only a change of the pictures is one."""

from pathlib import Path

import numpy as np
import pytest

from src.app.api.core.metrics import Metrics
from src.model.inference.artefact import newest
from src.model.inference.predictor import Prediction, Predictor
from src.model.monitoring import baseline, drift
from src.model.monitoring.drift import judge, psi
from src.model.monitoring.histograms import Histograms, of_metrics, of_readings
from src.model.monitoring.picture_stats import measure_picture
from src.model.params import Triggers, read_params
from src.model.preprocessing.preprocess import Framed
from src.settings import ROOT
from tests import pictures

TRIGGERS = read_params().triggers


@pytest.fixture(scope="module")
def predictions(predictor: Predictor) -> list[Prediction]:
    """Return what the shipped network reads on a hundred digits."""
    images, _ = pictures.all_mnist()
    return predictor.predict_batch([Framed(each.astype(np.float32) / 255, 1) for each in images])


def exposed(predictions: list[Prediction], times: int = 1) -> str:
    metrics = Metrics(None)
    for _ in range(times):
        for prediction in predictions:
            metrics.answer(prediction, "0.0.1")
    metrics.answer(predictions[0], "mlp-0.0.1")
    return metrics.render().decode()


def test_the_service_counts_what_the_pipeline_counts(predictions: list[Prediction]) -> None:
    assert of_metrics(exposed(predictions), "0.0.1") == of_readings("0.0.1", predictions)


def test_a_network_that_read_nothing_has_empty_histograms(predictions: list[Prediction]) -> None:
    nothing = of_metrics(exposed(predictions), "9.9.9")
    assert nothing.pictures == 0
    assert set(nothing.counts) == set(of_readings("0.0.1", predictions).counts)


def test_only_what_came_since_is_left(predictions: list[Prediction]) -> None:
    once, twice = (of_metrics(exposed(predictions, times), "0.0.1") for times in (1, 2))
    assert twice.less(once) == once
    assert once.less(twice) == once  # the service has begun anew


def test_psi_is_what_its_definition_says() -> None:
    expected, actual = [99.5, 99.5], [49.5, 149.5]  # half a picture is added to each
    assert psi(expected, actual) == pytest.approx((0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5))
    assert psi(expected, expected) == 0


def shrunk(predictions: list[Prediction]) -> list[Prediction]:
    """Return the predictions as if their pictures had lost half of their ink."""
    return [Prediction(**{**vars(each), "pixels": each.pixels * 0.55}) for each in predictions]


def test_the_same_pictures_have_not_drifted_and_fainter_ones_have(predictions: list[Prediction]) -> None:
    known = of_readings("0.0.1", predictions * 10)
    assert not [each for each in judge(known, known, TRIGGERS) if each.drifted]
    drifted = {
        each.statistic
        for each in judge(known, of_readings("0.0.1", shrunk(predictions) * 10), TRIGGERS)
        if each.drifted
    }
    assert "digits_ink" in drifted
    assert "digits_answers" not in drifted


def test_few_answers_say_nothing(predictions: list[Prediction]) -> None:
    known = of_readings("0.0.1", predictions)
    assert judge(known, of_readings("0.0.1", shrunk(predictions)), TRIGGERS) == []


def test_every_limit_belongs_to_a_statistic(predictions: list[Prediction]) -> None:
    assert set(TRIGGERS.psi) == set(of_readings("0.0.1", predictions).counts)


def test_chance_alone_is_far_below_the_usual_limit() -> None:
    random = np.random.default_rng(0)
    known = random.multinomial(5000, [0.1] * 10)
    by_chance = [psi(list(known), list(random.multinomial(TRIGGERS.least_answers, [0.1] * 10))) for _ in range(1000)]
    assert np.mean(by_chance) == pytest.approx(9 * (1 / TRIGGERS.least_answers + 1 / 5000), rel=0.2)
    assert max(by_chance) < 0.25


def test_the_network_that_serves_has_a_reference() -> None:
    assert drift.reference_of(drift.serving()).pictures == 5000


@pytest.mark.parametrize(("fainter", "status"), [(False, 0), (True, drift.DRIFTED)])
def test_the_command_ends_with_its_verdict(
    tmp_path: Path, predictions: list[Prediction], fainter: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = of_readings("0.0.1", predictions * 10)
    monkeypatch.setattr(drift, "serving", lambda: "0.0.1")
    monkeypatch.setattr(drift, "reference_of", lambda _: known)
    (tmp_path / "metrics").write_text(exposed(shrunk(predictions) if fainter else predictions, 10))
    assert drift.main(["--metrics", str(tmp_path / "metrics")]) == status


def test_a_picture_is_measured_by_ink_strokes_and_box() -> None:
    pixels = np.zeros((28, 28), np.float32)
    pixels[4:24, 12:16] = 1
    seen = measure_picture(pixels)
    assert (seen.ink, seen.width, seen.height) == (80, 4, 20)
    assert seen.stroke_width == pytest.approx(4, rel=0.5)
    assert measure_picture(np.zeros((28, 28), np.float32)).width == 0


@pytest.mark.mnist
def test_a_reference_counts_the_held_back_digits(tmp_path: Path) -> None:
    path = baseline.write_reference(newest(ROOT / "model"), tmp_path)
    assert Histograms.model_validate_json(path.read_bytes()).pictures == 5000


def test_limits_below_zero_answers_make_no_sense() -> None:
    with pytest.raises(ValueError, match="least_answers"):
        Triggers(new_pictures=1, oldest_days=1, least_answers=0, psi={})
