"""Changes to a picture that a person would not notice or mind do not change the prediction."""

import numpy as np
import pytest
from httpx import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from tests.app.api.api_client import send
from tests.pictures import drawn, encoded

digits = st.integers(0, 9)
examples = settings(
    max_examples=40, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# EXIF orientation → how the pixels are stored
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
FORMS = {
    "PNG": {},
    "GIF": {},
    "BMP": {},
    "TIFF": {},
    "JPEG": {"quality": 60},
    "WEBP": {"quality": 60},
}


def prediction(client: Client, data: bytes) -> int:
    answer: int = send(client, data).json()["prediction"]
    return answer


@examples
@given(digit=digits, left=st.integers(0, 300), top=st.integers(0, 300))
def test_position_does_not_matter(client: Client, digit: int, left: int, top: int) -> None:
    page = Image.new("L", (600, 600), 255)
    page.paste(drawn(digit), (left, top))
    assert prediction(client, encoded(page)) == digit


@examples
@given(digit=digits, side=st.integers(56, 1500))
def test_size_does_not_matter(client: Client, digit: int, side: int) -> None:
    picture = drawn(digit).resize((side, side), Image.Resampling.LANCZOS)
    assert prediction(client, encoded(picture)) == digit


@examples
@given(digit=digits, paper=st.tuples(*[st.integers(0, 255)] * 3), pen=st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_do_not_matter(
    client: Client, digit: int, paper: tuple[int, int, int], pen: tuple[int, int, int]
) -> None:
    if max(abs(one - other) for one, other in zip(paper, pen, strict=True)) < 40:
        return  # a person would not see it well either
    picture = ImageOps.colorize(drawn(digit), black=pen, white=paper)
    assert prediction(client, encoded(picture)) == digit


@examples
@given(digit=digits, form=st.sampled_from(sorted(FORMS)), inverted=st.booleans(), mode=st.sampled_from(["L", "RGB"]))
def test_file_format_does_not_matter(client: Client, digit: int, form: str, inverted: bool, mode: str) -> None:
    picture = ImageOps.invert(drawn(digit)) if inverted else drawn(digit)
    assert prediction(client, encoded(picture.convert(mode), form, **FORMS[form])) == digit


@examples
@given(digit=digits, tone=st.integers(0, 255), under=st.tuples(*[st.integers(0, 255)] * 3))
def test_colour_under_transparent_pixels_does_not_matter(
    client: Client, digit: int, tone: int, under: tuple[int, int, int]
) -> None:
    alpha = 255 - np.asarray(drawn(digit))
    colours = np.where(alpha[..., None] > 0, np.uint8(tone), np.array(under, np.uint8))
    picture = Image.fromarray(np.dstack([colours, alpha]).astype(np.uint8))
    assert prediction(client, encoded(picture)) == digit


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", sorted(TURNS))
def test_exif_orientation_does_not_matter(client: Client, orientation: int, form: str) -> None:
    turn = Image.Exif()
    turn[0x0112] = orientation
    for digit in (2, 4, 7):  # each looks different when it is turned or mirrored
        stored = drawn(digit).convert("RGB").transpose(TURNS[orientation])
        assert prediction(client, encoded(stored, form, exif=turn)) == digit
