import inspect

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist, load_mnist
from src.model.experiments.layout_recovery import SIDE, recover_layout
from src.model.experiments.recovery_curve import misplacement
from src.model.experiments.runs import restored
from src.model.networks import build_seeded
from src.model.training.fit import Recipe, fit
from src.settings import get_settings
from tests.pictures import all_mnist

Places = NDArray[np.int64]


def permutation(seed: int) -> Places:
    return np.random.default_rng(seed).permutation(SIDE * SIDE)


def flat(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images.reshape(len(images), -1)


def test_it_is_given_pictures_and_nothing_else() -> None:
    assert list(inspect.signature(recover_layout).parameters) == ["images"]


def test_every_pixel_gets_a_place_of_its_own() -> None:
    images = flat(all_mnist()[0])[:, permutation(0)]
    places = recover_layout(images)
    assert np.array_equal(np.sort(places), np.arange(784))
    assert np.array_equal(places, recover_layout(images))


def test_pictures_without_ink_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="too little ink"):
        recover_layout(np.zeros((100, 784), np.uint8))


@pytest.mark.mnist
@pytest.mark.parametrize("seed", range(3))
def test_a_few_hundred_pictures_put_the_pixels_back(seed: int) -> None:
    train = load_mnist(get_settings().data_dir).train
    chosen, order = np.random.default_rng(seed).permutation(len(train))[:500], permutation(seed)
    images = flat(train.images.numpy()[chosen])[:, order]
    assert misplacement(recover_layout(images), order, images.mean(0) + 1e-9) < 0.3


@pytest.mark.mnist
def test_the_cnn_reads_recovered_pictures_far_better_than_permuted_ones() -> None:
    mnist, order = load_mnist(get_settings().data_dir), permutation(0)
    permuted = Mnist(mnist.train[:6000], mnist.validation, mnist.test[:1]).permute_pixels(torch.from_numpy(order))
    places = recover_layout(flat(permuted.train.images.numpy()[:2000]))
    recovered = restored(permuted, places)
    recipe = Recipe(epochs=3, distortion=NONE)
    errors = [
        1 - fit(build_seeded("cnn", 0), data, recipe, 0, lambda *_: None).accuracy for data in (permuted, recovered)
    ]
    assert errors[1] < errors[0] / 2
