from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data import synthetic
from src.model.data.mnist import Mnist
from src.model.data.synthetic import KINDS, NO_DIGIT
from src.model.inference.predictor import Predictor
from src.model.preprocessing.preprocess import Framed


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_framed_and_the_same_every_time(kind: str, few_digits: Mnist) -> None:
    once, again = (synthetic.make(kind, few_digits.train, 20, seed=5) for _ in range(2))
    assert torch.equal(once.images, again.images)
    assert once.images.shape == (20, 28, 28)
    assert once.images.dtype == torch.uint8
    assert not torch.equal(once.images, synthetic.make(kind, few_digits.train, 20, seed=6).images)
    wanted = {NO_DIGIT} if kind == "others" else set(range(10))
    assert set(once.labels.tolist()) <= wanted


@pytest.mark.parametrize(("kind", "least"), [("retraced", 0.9), ("scanned", 0.9), ("written", 0.85), ("worn", 0.5)])
def test_a_network_reads_most_of_what_is_drawn_for_practice(
    kind: str, least: float, few_digits: Mnist, predictor: Predictor
) -> None:
    made = synthetic.make(kind, few_digits.train, 200, seed=1)
    predictions = predictor.predict_batch([Framed(pixels, 1) for pixels in made.pixels().numpy()[:, 0]])
    assert np.mean([prediction.prediction for prediction in predictions] == made.labels.numpy()) >= least


def test_what_was_drawn_is_kept_for_the_next_time(
    few_digits: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = synthetic.practice(few_digits.train, tmp_path, size=3)
    assert set(first) == set(KINDS)
    monkeypatch.setattr(synthetic, "make", None)
    again = synthetic.practice(few_digits.train, tmp_path, size=3)
    assert all(torch.equal(first[kind].images, again[kind].images) for kind in KINDS)
