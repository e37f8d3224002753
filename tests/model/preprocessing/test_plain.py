"""Which pictures are plain enough to be read in the event loop, and that they give the same as all others."""

import numpy as np
import pytest
from PIL import Image

from src.model.errors import BlankPicture
from src.model.preprocessing.preprocess import PLAIN_BYTES, PLAIN_VALUES, preprocess, preprocess_plain
from tests import hostile
from tests.pictures import MAX_PIXELS, drawn, encoded, mnist


@pytest.mark.parametrize("digit", range(10))
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_drawings_are_plain_and_give_the_same_as_otherwise(digit: int, mode: str) -> None:
    for picture in (drawn(digit), mnist(digit)):
        data = encoded(picture.convert(mode))
        candidates = preprocess_plain(data, MAX_PIXELS, keep_steps=True)
        assert candidates is not None
        for framed, expected in zip(candidates, preprocess(data, MAX_PIXELS), strict=True):
            assert framed.steps is not None
            np.testing.assert_array_equal(framed.pixels, expected.pixels)


@pytest.mark.parametrize(
    "data",
    [
        encoded(drawn(4), "JPEG"),
        encoded(drawn(4), "BMP"),
        encoded(drawn(4).convert("P")),
        encoded(drawn(4, (301, 300))),
        encoded(Image.merge("RGB", [drawn(4), drawn(7), drawn(4)])),  # too many values
        encoded(hostile.noise(200)),  # too many bytes
        b"not a picture",
        b"",
    ],
)
def test_other_pictures_are_not(data: bytes) -> None:
    assert preprocess_plain(data, MAX_PIXELS) is None


def test_the_limits_are_those_of_a_drawing() -> None:
    largest = drawn(4, (300, 300))
    assert np.asarray(largest).size == PLAIN_VALUES
    assert len(encoded(largest)) < PLAIN_BYTES < len(encoded(hostile.noise(200)))
    assert preprocess_plain(encoded(largest), MAX_PIXELS) is not None


@pytest.mark.parametrize("number", range(len(list(hostile.busy_pictures(300)))))
def test_pictures_with_much_to_find_are_given_up(number: int) -> None:
    data = encoded(list(hostile.busy_pictures(300))[number])
    try:
        framed = preprocess_plain(data, MAX_PIXELS)
    except BlankPicture:
        with pytest.raises(BlankPicture):
            preprocess(data, MAX_PIXELS)
    else:
        assert framed is None or len(data) < 1000  # an even gradient is not busy
