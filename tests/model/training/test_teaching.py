from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data.augmentation import NONE, Distortion
from src.model.data.mnist import Mnist
from src.model.errors import ArtefactError
from src.model.inference.artefact import get_paths
from src.model.inference.predictor import Predictor
from src.model.training import teaching
from src.model.training.teaching import teach
from src.settings import ROOT

TEACHERS = [get_paths(ROOT / "model", version)["json"] for version in ("1.3.0", "1.4.0")]
DISTORTION = Distortion(rotation=20)


def test_teacher_answers_like_the_served_network(predictor: Predictor, few_digits: Mnist, tmp_path: Path) -> None:
    served = get_paths(ROOT / "model", predictor.description.version)["json"]
    taught = teach(few_digits.train, [served], NONE, 1, tmp_path)
    assert torch.equal(taught.images[0], few_digits.train.images)
    logits = predictor.runtime.logits(few_digits.train.pixels().numpy())
    np.testing.assert_allclose(taught.logits[0].float().numpy(), logits, rtol=1e-3, atol=1e-3)  # kept in 16 bits
    assert (taught.logits[0].argmax(1).numpy() == logits.argmax(1)).mean() > 0.99


def test_several_teachers_answer_with_the_mean_of_their_logits(few_digits: Mnist) -> None:
    teachers = [teaching.open_teacher(path) for path in TEACHERS]
    images = few_digits.test.pixels().numpy()
    alone = [teacher.logits(images) for teacher in teachers]
    np.testing.assert_allclose(teaching.answer(teachers, images), (alone[0] + alone[1]) / 2, rtol=1e-4, atol=1e-4)


def test_copies_are_distorted_differently_and_made_once(
    few_digits: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = few_digits.train[:20]
    taught = teach(digits, TEACHERS, DISTORTION, 2, tmp_path)
    assert taught.images.shape == (2, 20, 28, 28)
    assert taught.logits.shape == (2, 20, 10)
    assert not torch.equal(taught.images[0], taught.images[1])
    monkeypatch.setattr(teaching, "open_teacher", pytest.fail)
    again = teach(digits, TEACHERS, DISTORTION, 2, tmp_path)
    assert torch.equal(again.images, taught.images)
    assert torch.equal(again.logits, taught.logits)


def test_other_digits_teachers_distortions_or_copies_are_taught_anew(few_digits: Mnist, tmp_path: Path) -> None:
    digits = few_digits.train[:4]
    teach(digits, TEACHERS, DISTORTION, 1, tmp_path)
    teach(few_digits.train[1:5], TEACHERS, DISTORTION, 1, tmp_path)
    teach(digits, TEACHERS[:1], DISTORTION, 1, tmp_path)
    teach(digits, TEACHERS, NONE, 1, tmp_path)
    teach(digits, TEACHERS, DISTORTION, 2, tmp_path)
    assert len(list(tmp_path.iterdir())) == 5


def test_a_missing_teacher_is_named(few_digits: Mnist, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"mnist-9\.9\.9\.json"):
        teach(few_digits.train, [tmp_path / "mnist-9.9.9.json"], NONE, 1, tmp_path)
