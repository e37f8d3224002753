from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from src.model.data.mnist import Mnist
from src.model.data.numbers.candidates import Contexts, make_candidates
from src.model.inference.verifier import Verifier
from src.model.training import train_verifier


def scale(contexts: Contexts) -> NDArray[np.float32]:
    return np.asarray(contexts / 255, np.float32)


def test_candidates_are_whole_digits_and_others(few_digits: Mnist) -> None:
    contexts, labels = make_candidates(few_digits.train, 6, seed=1)
    assert contexts.shape == (len(labels), 2, 24, 36)
    assert contexts.dtype == np.uint8
    assert set(labels.tolist()) == {0, 1}
    again, _ = make_candidates(few_digits.train, 6, seed=1)
    assert (contexts == again).all()


def test_a_verifier_learns_and_is_saved(few_digits: Mnist, tmp_path: Path) -> None:
    contexts, labels = make_candidates(few_digits.train, 60, seed=1)
    candidates = torch.from_numpy(contexts), torch.from_numpy(labels).float()
    network = train_verifier.fit(candidates, epochs=8)
    figures = train_verifier.measure(network, candidates)
    assert figures["auroc"] > 0.8
    path = tmp_path / "verifier.onnx"
    train_verifier.save(network, figures, path)
    with torch.inference_mode():
        expected = network(candidates[0][:5].float() / 255)[:, 0].numpy()
    assert np.allclose(Verifier(path).log_odds(scale(contexts[:5])), expected, atol=1e-3)
    assert '"auroc"' in path.with_suffix(".json").read_text()


def test_the_shipped_verifier_tells_whole_digits_from_others(few_digits: Mnist) -> None:
    contexts, labels = make_candidates(few_digits.validation, 40, seed=2)
    log_odds = Verifier().log_odds(scale(contexts))
    assert ((log_odds > 0) == (labels > 0)).mean() > 0.93
