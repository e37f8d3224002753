"""Plain drawings of one connected piece of ink, which need no graph."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from src.model.preprocessing.candidates import find_inks
from src.model.preprocessing.decode import decode
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.preprocess import preprocess
from src.model.preprocessing.segmentation.graph import segment
from src.model.preprocessing.segmentation.single_piece import find_single_piece, segment_plain
from tests.pictures import MAX_PIXELS, drawn, encoded, mnist, written


def find_ink(picture: Image.Image) -> Ink:
    (ink,) = find_inks(decode(encoded(picture), MAX_PIXELS))
    return ink


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_of_one_piece_has_its_box_and_its_context(digit: int) -> None:
    picture = drawn(digit)
    plain = segment_plain(encoded(picture), MAX_PIXELS)
    assert plain is not None
    candidates, piece = plain
    np.testing.assert_array_equal(candidates[0].pixels, preprocess(encoded(picture), MAX_PIXELS)[0].pixels)
    assert piece is not None
    left, top, right, bottom = ImageOps.invert(picture).point(lambda level: 255 * (level > 51)).getbbox() or (
        0,
        0,
        0,
        0,
    )
    assert piece.box == pytest.approx((left, top, right - left, bottom - top), abs=1)
    graph = segment(find_ink(picture)).lines[0]
    (whole,) = np.flatnonzero((graph.spans[:, 0] == 0) & (graph.spans[:, 1] == graph.spans.max()))
    difference = np.abs(piece.context - graph.draw_contexts(np.array([whole]))[0])
    assert difference.max() < 0.3  # the line is scaled as part of the page, on another grid
    assert difference.sum() < 0.2 * piece.context.sum()


@pytest.mark.parametrize(
    "picture",
    [
        written("11"),
        written("1", "7"),
        mnist(4).crop(mnist(4).getbbox()),  # there are several readings, as ink touches the edges
    ],
)
def test_several_pieces_or_readings_are_not_a_single_piece(picture: Image.Image) -> None:
    plain = segment_plain(encoded(picture), MAX_PIXELS)
    assert plain is not None
    assert plain[1] is None


@pytest.mark.parametrize("box", [(60, 100, 220, 104), (80, 60, 200, 220)])
def test_a_dash_and_a_sheet_are_not_a_single_piece(box: tuple[int, int, int, int]) -> None:
    picture = Image.new("L", (280, 280))
    ImageDraw.Draw(picture).rectangle(box, 255)
    assert find_single_piece(np.asarray(picture, np.float32) / np.float32(255)) is None


@pytest.mark.parametrize("level", [0, 0.1, 0.4])
def test_weak_ink_is_not_a_piece(level: float) -> None:
    assert find_single_piece(np.full((28, 28), level).astype(np.float32)) is None


def test_other_pictures_are_not_plain() -> None:
    assert segment_plain(encoded(mnist(4), "BMP"), MAX_PIXELS) is None
