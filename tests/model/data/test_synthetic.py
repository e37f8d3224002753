import pickle
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from src.model.data import synthetic
from src.model.data.mnist import Digits, Mnist
from src.model.data.synthetic import KINDS, NO_DIGIT, NON_DIGIT_KINDS, load_synthetic, make_synthetic
from src.model.inference.predictor import Predictor
from src.model.preprocessing.preprocess import Framed

SIZE = 200  # pictures of each kind in `synthetic_digits`


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_framed_and_labelled(kind: str, synthetic_digits: dict[str, Digits]) -> None:
    digits = synthetic_digits[kind]
    assert digits.images.shape == (SIZE, 28, 28)
    assert digits.images.dtype == torch.uint8
    assert set(digits.labels.tolist()) == ({NO_DIGIT} if kind in NON_DIGIT_KINDS else set(range(10)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("few_references")
def test_seed_alone_decides_the_pictures(kind: str, few_digits: Mnist, synthetic_digits: dict[str, Digits]) -> None:
    same, different = (make_synthetic(kind, few_digits.train, SIZE, seed).images for seed in (1, 2))
    assert torch.equal(same, synthetic_digits[kind].images)
    assert not torch.equal(different, same)


@pytest.mark.parametrize(("kind", "least"), [("retraced", 0.9), ("scanned", 0.9), ("written", 0.85), ("worn", 0.5)])
def test_network_recognises_most_synthetic_digits(
    kind: str, least: float, synthetic_digits: dict[str, Digits], predictor: Predictor
) -> None:
    digits = synthetic_digits[kind]
    predictions = predictor.predict_batch([(Framed(pixels, 1),) for pixels in digits.pixels().numpy()[:, 0]])
    assert np.mean([prediction.prediction for prediction in predictions] == digits.labels.numpy()) >= least


def run_in_turn(function: Callable[[str], Any], tasks: Iterable[str]) -> Iterator[Any]:
    """Stand in for `in_parallel`."""
    pickle.dumps(function)  # required for another process
    return map(function, tasks)


@pytest.mark.usefixtures("few_references")
def test_pictures_are_cached(few_digits: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "in_parallel", run_in_turn)
    first = load_synthetic(few_digits.train, tmp_path, size=3)
    assert tuple(first) == KINDS
    monkeypatch.setattr(synthetic, "in_parallel", None)
    cached = load_synthetic(few_digits.train, tmp_path, size=3)
    for kind in KINDS:
        assert torch.equal(cached[kind].images, make_synthetic(kind, few_digits.train, 3, seed=0).images)
        assert torch.equal(cached[kind].labels, first[kind].labels)
