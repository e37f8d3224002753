"""The quickest check that training works: a network memorises a few digits, and all numbers stay finite."""

import math

import pytest
import torch

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist
from src.model.training.fit import Recipe, fit
from src.model.training.scoring import compute_logits

MEMORISE = Recipe(epochs=80, batch=8, learning_rate=1e-2, weight_decay=0, distortion=NONE)


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_network_memorises_32_digits_with_finite_numbers(name: str, few_digits: Mnist) -> None:
    chosen = few_digits.train[torch.arange(0, 96, 3)]
    network = networks.build_seeded(name, 0)
    losses: list[float] = []
    fit(network, Mnist(chosen, chosen, chosen), MEMORISE, 0, lambda loss, _: losses.append(loss))
    assert len(chosen) == 32
    assert (compute_logits(network, chosen).argmax(1) == chosen.labels).all()
    assert all(map(math.isfinite, losses))
    assert all(parameter.isfinite().all() for parameter in network.parameters())
