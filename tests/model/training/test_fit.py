from dataclasses import replace

import pytest
import torch

from src.model import networks
from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist
from src.model.training.fit import Recipe, fit
from src.model.training.scoring import compute_logits

RECIPE = Recipe(epochs=3, batch=32)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_same_seed_gives_the_same_weights(name: str, few_digits: Mnist) -> None:
    weights = []
    for seed in (0, 0, 1):
        network = networks.build_seeded(name, 0)
        fit(network, few_digits, RECIPE, seed)
        weights.append(torch.cat([parameter.flatten() for parameter in network.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_network_memorises_a_hundred_digits(few_digits: Mnist) -> None:
    network = networks.build_seeded("cnn", 0)
    best = fit(network, few_digits, Recipe(epochs=60, batch=20, learning_rate=1e-2, distortion=NONE), 0)
    assert best.accuracy == 1
    assert (compute_logits(network, few_digits.train).argmax(1) == few_digits.train.labels).all()


def test_network_has_the_weights_of_its_best_epoch(few_digits: Mnist) -> None:
    network = networks.build_seeded("cnn", 0)
    best = fit(network, few_digits, replace(RECIPE, epochs=12), 0)
    right = compute_logits(network, few_digits.validation).argmax(1) == few_digits.validation.labels
    assert best.epochs == 12
    assert right.float().mean().item() == pytest.approx(best.accuracy)


def test_ctrl_c_keeps_the_best_epoch_so_far(few_digits: Mnist) -> None:
    calls = 0

    def interrupt(_loss: float, _accuracy: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 4 * 5 + 2:  # in the sixth epoch of four steps each
            raise KeyboardInterrupt

    best = fit(networks.build_seeded("cnn", 0), few_digits, replace(RECIPE, epochs=50), 0, interrupt)
    assert best.interrupted
    assert best.epochs == 5
    assert best.weights


def test_ctrl_c_in_the_first_epoch_keeps_nothing(few_digits: Mnist) -> None:
    def interrupt(_loss: float, _accuracy: float) -> None:
        raise KeyboardInterrupt

    assert not fit(networks.build_seeded("cnn", 0), few_digits, RECIPE, 0, interrupt).weights
