"""The quickest sign that training works at all: a few digits are learned by heart, and every number stays a number."""

import math

import pytest
import torch

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist
from src.model.training.fit import Recipe, fit
from src.model.training.scoring import logits_of

BY_HEART = Recipe(epochs=80, batch=8, learning_rate=1e-2, weight_decay=0, distortion=NONE)


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_a_network_learns_32_digits_by_heart_without_a_number_that_is_none(name: str, few_digits: Mnist) -> None:
    chosen = few_digits.train[torch.arange(0, 96, 3)]
    network = networks.build_seeded(name, 0)
    losses: list[float] = []
    fit(network, Mnist(chosen, chosen, chosen), BY_HEART, 0, lambda loss, _: losses.append(loss))
    assert len(chosen) == 32
    assert (logits_of(network, chosen).argmax(1) == chosen.labels).all()
    assert all(map(math.isfinite, losses))
    assert all(parameter.isfinite().all() for parameter in network.parameters())
