"""The choice among the candidates of a picture."""

import numpy as np
import pytest
from numpy.typing import NDArray

from src.model.data.mnist import encode_png
from src.model.errors import TooLittleInk
from src.model.inference.artefact import Confidence
from src.model.inference.confidence import FIRST_CANDIDATE, choose_candidate, compute_evidence
from src.model.inference.predictor import Explanation, Predictor
from src.model.inference.steps import finish
from src.model.preprocessing.preprocess import Framed, preprocess
from tests.pictures import MAX_PIXELS, drawn, encoded, mnist

CALIBRATION = Confidence(temperature=1, score_slope=1, score_offset=-2)


def make_framed(levels: NDArray[np.float32], digits_seen: int = 1) -> Framed:
    return Framed(levels, digits_seen, {"ink": levels})


@pytest.fixture
def candidates() -> tuple[Framed, ...]:
    """The reverse of a four, and the four."""
    four = np.asarray(np.asarray(mnist(4)) / 255, np.float32)
    return make_framed(1 - four, digits_seen=3), make_framed(four, digits_seen=2)


def test_the_candidate_that_looks_like_a_digit_is_chosen(predictor: Predictor, candidates: tuple[Framed, ...]) -> None:
    prediction = predictor.predict_candidates(candidates)
    assert (prediction.prediction, prediction.digits_seen, prediction.candidates) == (4, 2, 2)
    assert np.array_equal(prediction.pixels, candidates[1].pixels)
    assert prediction.steps is candidates[1].steps


def test_the_heat_map_is_that_of_the_chosen_candidate(predictor: Predictor, candidates: tuple[Framed, ...]) -> None:
    explanations: tuple[Explanation, ...] = ("heat",)
    of_both = finish(predictor.explain(candidates, explanations)).heat
    of_four = finish(predictor.explain(candidates[1:], explanations)).heat
    assert of_both is not None
    assert of_four is not None
    np.testing.assert_allclose(of_both, of_four, atol=1e-5)


def test_a_batch_gives_the_same_as_single_pictures(predictor: Predictor, candidates: tuple[Framed, ...]) -> None:
    pictures = [candidates, preprocess(encoded(drawn(7)), MAX_PIXELS), candidates[:1]]
    batch = predictor.predict_batch(pictures)
    assert [prediction.candidates for prediction in batch] == [2, 1, 1]
    for prediction, picture in zip(batch, pictures, strict=True):
        alone = predictor.predict_candidates(picture)
        assert prediction.prediction == alone.prediction
        np.testing.assert_allclose(prediction.probabilities, alone.probabilities, atol=1e-5)


def test_the_first_candidate_wins_unless_another_is_clearly_better() -> None:
    first = [1.0] * 10
    slightly, clearly = ([1.0 + gain] * 10 for gain in (FIRST_CANDIDATE - 0.1, FIRST_CANDIDATE + 0.1))
    assert choose_candidate([first], CALIBRATION) == 0
    assert choose_candidate([first, slightly], CALIBRATION) == 0
    assert choose_candidate([first, slightly, clearly], CALIBRATION) == 2


def test_evidence_is_the_log_odds_of_the_energy() -> None:
    assert compute_evidence([0.0] * 10, CALIBRATION) == pytest.approx(np.log(10) - 2)


@pytest.mark.parametrize("pen", [10, 18, 34])
def test_a_click_is_too_little_to_read(predictor: Predictor, pen: int) -> None:
    canvas = np.full((280, 280), 255, np.uint8)
    rows, columns = np.mgrid[:280, :280]
    canvas[np.hypot(rows - 120, columns - 160) <= pen / 2] = 0
    with pytest.raises(TooLittleInk, match="too little to read"):
        predictor.predict(encode_png(canvas))
