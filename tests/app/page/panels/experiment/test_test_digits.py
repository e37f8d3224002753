"""The 200 test digits of the experiment."""

import io

import numpy as np
import pytest
from PIL import Image

from src.app.page.panels.experiment.test_digits import COUNT, EACH, load_test_digits
from src.model.data.mnist import load_mnist
from src.settings import get_settings


def test_every_digit_has_as_many_pictures_in_every_part() -> None:
    digits = load_test_digits()
    assert len(digits) == COUNT == 200
    for start in range(0, COUNT, 10):
        assert [digit for digit, _ in digits[start : start + 10]] == list(range(10))
    assert len({picture for _, picture in digits}) == COUNT


@pytest.mark.mnist
def test_the_sheet_shows_the_official_test_digits_at_equal_distances() -> None:
    test = load_mnist(get_settings().data_dir).test
    images, labels = test.images.reshape(-1, 28, 28).numpy(), test.labels.numpy()
    for position, (digit, picture) in enumerate(load_test_digits()):
        indices = np.flatnonzero(labels == digit)
        expected = images[indices[position // 10 * len(indices) // EACH]]
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture))), expected)
