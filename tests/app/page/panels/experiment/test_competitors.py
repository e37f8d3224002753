"""How the picture of a recovered layout is turned upright."""

import re
from collections.abc import Callable

import pytest

from src.app.page.client import Model
from src.app.page.panels.experiment.competitors import find_upright

SIDE = 28
Turn = Callable[[int, int], tuple[int, int]]  # from the network's column and row to those of the picture
LAST = SIDE - 1
TURNS: dict[str, Turn] = {
    "upright": lambda column, row: (column, row),
    "a quarter": lambda column, row: (LAST - row, column),
    "a half": lambda column, row: (LAST - column, LAST - row),
    "three quarters": lambda column, row: (row, LAST - column),
    "mirrored": lambda column, row: (LAST - column, row),
    "mirrored, a quarter": lambda column, row: (row, column),
    "mirrored, a half": lambda column, row: (column, LAST - row),
    "mirrored, three quarters": lambda column, row: (LAST - row, LAST - column),
}


def model(order: tuple[int, ...] | None) -> Model:
    return Model(version="cnn-recovered-0.0.1", network="cnn-recovered", parameters=1, order=order)


def place(turn: Turn, pixel: int) -> int:
    column, row = turn(pixel % SIDE, pixel // SIDE)
    return row * SIDE + column


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("shift", [0, 30])  # a recovered layout may lie a little beside its place
def test_the_transform_moves_every_pixel_back_to_its_place(name: str, shift: int) -> None:
    turn = TURNS[name]
    order = [place(turn, pixel) for pixel in range(SIDE * SIDE)]
    order = order[shift:] + order[:shift]
    transform = find_upright(model(tuple(order)))
    numbers = re.fullmatch(r"matrix\((-?\d), (-?\d), (-?\d), (-?\d), 0, 0\)", transform)
    a, b, c, d = map(int, numbers.groups()) if numbers else (1, 0, 0, 1)
    for column, row in ((0, 0), (20, 3), (5, 27)):
        x, y = 2 * column - LAST, 2 * row - LAST  # from the centre, in half pixels
        turned = ((a * x + c * y + LAST) // 2, (b * x + d * y + LAST) // 2)
        assert turned == turn(column, row)


def test_a_network_that_sees_pixels_in_place_needs_no_transform() -> None:
    assert find_upright(model(None)) == ""
