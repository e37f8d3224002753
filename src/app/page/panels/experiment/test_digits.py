"""Two hundred test digits, on which visitors let the networks of the experiment compete.

The sheet has a row for each digit: 20 of MNIST's official test set, at equal distances in its order.
"""

import io
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image

SHEET: Final = Path(__file__).with_suffix(".png")
SIDE: Final = 28
EACH: Final = 20  # of every digit
COUNT: Final = 10 * EACH


@cache
def load_test_digits() -> tuple[tuple[int, bytes], ...]:
    """Return the digits with their pictures, PNG files of 28x28 pixels, in the order 0, 1, …, 9, 0, 1, …"""
    with Image.open(SHEET) as sheet:
        return tuple((digit, _cut(sheet, digit, number)) for number in range(EACH) for digit in range(10))


def _cut(sheet: Image.Image, digit: int, number: int) -> bytes:
    left, top = SIDE * number, SIDE * digit
    file = io.BytesIO()
    sheet.crop((left, top, left + SIDE, top + SIDE)).save(file, "PNG")
    return file.getvalue()
