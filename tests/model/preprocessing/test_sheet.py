"""A sheet on a desk is found, whatever lies around it; a digit is no sheet."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from src.model.preprocessing.segmentation.graph import segment_picture
from src.model.preprocessing.sheet import cover_surroundings
from tests.pictures import MAX_PIXELS, drawn, encoded, mnist, written

ENLARGED = [mnist(digit).resize((280, 280), Image.Resampling.BICUBIC) for digit in range(10)]


def lay_on_desk(sheet: Image.Image, desk: int, turn: float) -> Image.Image:
    """Photograph a sheet on a desk of this grey level."""
    picture = Image.new("L", (sheet.width + 160, sheet.height + 160), desk)
    turned = sheet.rotate(turn, Image.Resampling.BICUBIC, expand=True)
    shape = Image.new("L", sheet.size, 255).rotate(turn, expand=True)
    picture.paste(turned, (80, 80), shape)
    return picture


def colours_of(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture)[..., None]


@pytest.mark.parametrize("desk", [40, 110])
@pytest.mark.parametrize("turn", [0, 4, -6])
def test_the_desk_around_a_sheet_is_covered(desk: int, turn: float) -> None:
    picture = lay_on_desk(written("42", "307", side=140, pen=9).point(lambda v: 40 + v * 180 // 255), desk, turn)
    covered = cover_surroundings(colours_of(picture))
    assert covered.shape == (*picture.size[::-1], 1)
    assert abs(int(covered[2, 2, 0]) - 220) < 25


def test_the_lines_on_a_sheet_are_found_on_a_desk() -> None:
    picture = lay_on_desk(written("42", "307", side=140, pen=9).point(lambda v: 40 + v * 180 // 255), 60, 3)
    lines = segment_picture(encoded(picture), MAX_PIXELS).segmentations[0].lines
    assert len(lines) == 2


@pytest.mark.parametrize("picture", [*ENLARGED, mnist(0), drawn(4), drawn(0, pen=40), written("2026", "31")])
def test_other_pictures_stay_as_they_are(picture: Image.Image) -> None:
    colours = colours_of(picture)
    assert cover_surroundings(colours) is colours
