import numpy as np
import pytest
from PIL import Image, ImageOps

from src.model.errors import PictureError
from src.model.inference.predictor import Predictor
from src.model.preprocessing.preprocess import STEP_SIDE, Framed, frame, preprocess
from tests.model.preprocessing.samples import SAMPLES
from tests.pictures import MAX_PIXELS, all_mnist, drawn, encoded, mnist


def frame_picture(picture: Image.Image) -> Framed:
    """Return the likeliest candidate."""
    return preprocess(encoded(picture), MAX_PIXELS)[0]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_digit_is_recognised_in_every_kind_of_picture(name: str, predictor: Predictor) -> None:
    digits = (4,) if "12 million" in name else range(10)
    assert [predictor.predict(SAMPLES[name](digit)).prediction for digit in digits] == list(digits)


def test_mnist_pictures_are_not_changed() -> None:
    images, _ = all_mnist()
    for image in images:
        assert np.abs(frame_picture(Image.fromarray(image)).pixels - image / 255).max() < 0.05


def test_inverted_mnist_pictures_are_inverted_back() -> None:
    assert np.abs(frame_picture(ImageOps.invert(mnist(4))).pixels - np.asarray(mnist(4)) / 255).max() < 0.05


def test_framed_pictures_are_not_changed() -> None:
    for digit in range(10):
        once = frame_picture(drawn(digit)).pixels
        twice = frame_picture(Image.fromarray((once * 255).round().astype(np.uint8))).pixels
        assert np.abs(once - twice).max() < 0.05


def test_digits_have_the_size_and_position_of_mnist() -> None:
    for digit in range(10):
        pixels = frame_picture(drawn(digit)).pixels
        rows, columns = np.flatnonzero(pixels.max(1) > 0.05), np.flatnonzero(pixels.max(0) > 0.05)
        centre = (pixels * np.arange(28)).sum() / pixels.sum()
        assert pixels.shape == (28, 28)
        assert pixels.dtype == np.float32
        assert 0 <= pixels.min() <= pixels.max() <= 1
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        assert abs(centre - 14) <= 0.6


def test_the_aspect_ratio_is_kept() -> None:
    pixels = frame_picture(drawn(1)).pixels
    assert np.ptp(np.flatnonzero(pixels.max(0) > 0.05)) < 10


def test_steps_are_kept_on_request_only() -> None:
    data = encoded(drawn(4, (560, 280)))
    assert preprocess(data, MAX_PIXELS)[0].steps is None
    steps = preprocess(data, MAX_PIXELS, keep_steps=True)[0].steps
    assert steps is not None
    assert {name: max(step.shape) for name, step in steps.items()} == {"ink": STEP_SIDE, "crop": STEP_SIDE, "box": 20}
    assert steps["ink"].shape == (56, 112)


def test_framed_pictures_have_neither_a_crop_nor_a_box() -> None:
    ink = np.asarray(np.asarray(mnist(4)) / 255, np.float32)
    framed = frame(ink, keep_steps=True)
    assert framed.steps is not None
    assert list(framed.steps) == ["ink"]
    assert np.array_equal(framed.steps["ink"], ink)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 500), (500, 1), (3, 1000)])
def test_tiny_and_narrow_pictures_are_framed_or_refused(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    try:
        outcome = str(frame_picture(Image.fromarray(noise)).pixels.shape)
    except PictureError as error:
        outcome = str(error)
    assert outcome.endswith((".", "(28, 28)"))


@pytest.mark.parametrize("height", [1, 2])
def test_a_dash_as_high_as_the_picture_is_framed(height: int) -> None:
    dash = np.zeros((height, 40), np.float32)
    dash[:, 10:25] = 1
    assert frame(dash).pixels.max() == 1
