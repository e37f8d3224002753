import numpy as np
import pytest
from PIL import ImageOps

from src.model.inference.predictor import Predictor
from src.model.preprocessing.inverted_bands import undo_inversion
from tests.model.preprocessing.samples import tightly_cropped
from tests.pictures import drawn, encoded


@pytest.mark.parametrize("horizontal", [False, True])
def test_an_inverted_band_is_inverted_back(horizontal: bool) -> None:
    ink = np.asarray(1 - np.asarray(drawn(4)) / 255, np.float32)
    band = (slice(90, 190), slice(None)) if horizontal else (slice(None), slice(90, 190))
    inverted = ink.copy()
    inverted[band] = 1 - inverted[band]
    np.testing.assert_allclose(undo_inversion(inverted), ink, atol=1e-6)


def test_tightly_cropped_digits_are_read_whether_or_not_their_strokes_look_like_bands(predictor: Predictor) -> None:
    for digit in range(10):
        for picture in (tightly_cropped(digit, pen=30), ImageOps.invert(tightly_cropped(digit, pen=30))):
            assert predictor.predict(encoded(picture)).prediction == digit


def test_a_bar_from_edge_to_edge_is_a_stroke() -> None:
    ink = np.zeros((100, 80), np.float32)
    ink[:, 30:50] = 1
    assert undo_inversion(ink) is ink
