import numpy as np
import pytest

from src.model.errors import BlankPicture
from src.model.inference.predictor import Predictor
from src.model.preprocessing.preprocess import preprocess
from src.model.preprocessing.ruled_lines import remove_ruled_lines
from tests.model.preprocessing.samples import DARK_RULING, FAINT_RULING, ruled, tightly_cropped
from tests.pictures import MAX_PIXELS


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("line", [FAINT_RULING, DARK_RULING])
def test_ruled_paper_without_a_digit_is_blank(line: tuple[int, int, int], squared: bool) -> None:
    with pytest.raises(BlankPicture):
        preprocess(ruled(None, line, squared), MAX_PIXELS)


def test_strokes_of_a_tightly_cropped_digit_are_no_ruled_lines() -> None:
    for digit in range(10):
        ink = np.asarray(np.asarray(tightly_cropped(digit, pen=30)) / 255, np.float32)
        assert remove_ruled_lines(ink) is ink


@pytest.mark.parametrize("first", range(1, 31, 3))
def test_a_stroke_along_a_line_as_dark_as_the_pen_is_kept(first: int, predictor: Predictor) -> None:
    """At some heights, the bar of the 4, the foot of the 2 or the top of the 7 lies on a line."""
    pictures = [ruled(digit, DARK_RULING, first=first) for digit in (2, 4, 7)]
    assert [predictor.predict(picture).prediction for picture in pictures] == [2, 4, 7]
