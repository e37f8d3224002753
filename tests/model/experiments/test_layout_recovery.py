import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from src.model.data.augmentation import NONE
from src.model.data.mnist import Mnist, load_mnist
from src.model.experiments.layout_recovery import SIDE, recover_layout
from src.model.experiments.recovery_curve import measure_error
from src.model.experiments.runs import restore_pixels
from src.model.networks import build_seeded
from src.model.training.fit import Recipe, fit
from src.settings import get_settings
from tests.pictures import all_mnist

Places = NDArray[np.int64]


def permutation(seed: int) -> Places:
    return np.random.default_rng(seed).permutation(SIDE * SIDE)


def flat(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images.reshape(len(images), -1)


def test_layout_does_not_depend_on_the_order_of_the_pixels() -> None:
    images = flat(all_mnist()[0])
    layouts = []
    for seed in range(2):
        order = permutation(seed)
        layout = np.empty(784, int)  # the place of each pixel of the ordinary picture
        layout[order] = recover_layout(images[:, order])
        layouts.append(layout)
    assert all(np.array_equal(np.sort(layout), np.arange(784)) for layout in layouts)
    assert measure_error(layouts[0], layouts[1], images.mean(0) + 1e-9) < 1


def test_hundred_pictures_bring_most_pixels_near_their_places() -> None:
    order = permutation(0)
    images = flat(all_mnist()[0])[:, order]
    assert measure_error(recover_layout(images), order, images.mean(0) + 1e-9) < 2  # random: 8


def test_pictures_without_ink_are_refused() -> None:
    with pytest.raises(ValueError, match="too little ink"):
        recover_layout(np.zeros((100, 784), np.uint8))


@pytest.mark.mnist
@pytest.mark.parametrize("seed", range(3))
def test_few_hundred_pictures_restore_the_layout(seed: int) -> None:
    train = load_mnist(get_settings().data_dir).train
    chosen, order = np.random.default_rng(seed).permutation(len(train))[:500], permutation(seed)
    images = flat(train.images.numpy()[chosen])[:, order]
    assert measure_error(recover_layout(images), order, images.mean(0) + 1e-9) < 0.3


@pytest.mark.mnist
def test_recovery_halves_the_errors_of_the_cnn() -> None:
    mnist, order = load_mnist(get_settings().data_dir), permutation(0)
    permuted = Mnist(mnist.train[:6000], mnist.validation, mnist.test[:1]).permute_pixels(torch.from_numpy(order))
    places = recover_layout(flat(permuted.train.images.numpy()[:2000]))
    recovered = restore_pixels(permuted, places)
    recipe = Recipe(epochs=3, distortion=NONE)
    errors = [1 - fit(build_seeded("cnn", 0), data, recipe, 0).accuracy for data in (permuted, recovered)]
    assert errors[1] < errors[0] / 2
