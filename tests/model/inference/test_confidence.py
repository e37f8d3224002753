import numpy as np
import pytest
import torch

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist
from src.model.data.synthetic import make
from src.model.inference import confidence
from src.model.inference.artefact import Confidence
from src.model.inference.runtime import open_runtime
from src.model.training import calibration
from tests import released

LOGITS = [[4.0, 1, 0, 0, 0, 0, 0, 0, 0, 0], [0.5] * 10]


def test_probabilities_are_the_softmax_of_tempered_logits() -> None:
    plain = Confidence(temperature=1, score_slope=1, score_offset=0)
    found = [confidence.probabilities(row, plain) for row in LOGITS]
    assert [sum(row) for row in found] == pytest.approx([1, 1])
    np.testing.assert_allclose(found, torch.tensor(LOGITS).softmax(1).numpy(), rtol=1e-5)
    warm = confidence.probabilities(LOGITS[0], plain.model_copy(update={"temperature": 4.0}))
    assert 0.1 < warm[0] < found[0][0]


def test_huge_logits_do_not_overflow() -> None:
    honest = Confidence(temperature=0.1, score_slope=-1, score_offset=0)
    huge = [1e4 * logit for logit in LOGITS[0]]
    assert confidence.probabilities(huge, honest)[0] == 1
    assert confidence.digit_score(huge, honest) == 0


def test_the_digit_score_rises_with_what_is_recognised() -> None:
    fitted = Confidence(temperature=1, score_slope=2, score_offset=-7)
    scores = [confidence.digit_score(row, fitted) for row in LOGITS]
    assert 0 < scores[1] < 0.5 < scores[0] < 1


def test_an_overconfident_network_is_cooled_to_its_true_accuracy() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (5000,), generator=generator)
    honest = torch.nn.functional.one_hot(labels, 10) * 3.0 + torch.randn(5000, 10, generator=generator)
    assert calibration.fit_temperature(honest * 7, labels) == pytest.approx(
        7 * calibration.fit_temperature(honest, labels), rel=1e-2
    )


def test_the_score_tells_two_clouds_of_energies_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    digits, others = torch.randn(1000, generator=generator) + 12, torch.randn(1000, generator=generator) + 6
    slope, offset = calibration.fit_score(digits, others)
    assert slope > 0
    assert -offset / slope == pytest.approx(9, abs=0.3)


def test_the_released_network_scores_digits_above_what_is_none(few_digits: Mnist) -> None:
    runtime = open_runtime(released.PATH.with_suffix(".onnx"), released.DESCRIPTION.network)
    fitted = released.DESCRIPTION.confidence
    made_up = make("others", few_digits.train, 100, seed=1)
    digits, others = (
        np.mean([confidence.digit_score(row, fitted) for row in runtime.logits(each.pixels().numpy()).tolist()])
        for each in (few_digits.train, made_up)
    )
    assert digits > others + 0.4


def test_confidence_is_fitted_the_same_every_time(few_digits: Mnist) -> None:
    network = networks.seeded("cnn", 0)
    once, again = (calibration.calibrate(network, few_digits.validation, NONE, seed=3) for _ in range(2))
    assert once == again
