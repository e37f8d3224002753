"""Small copies of pictures for the browser."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from src.app.page.preview import MAX_SIDE, make_preview, measure_size
from tests.pictures import bomb, drawn, encoded

TURNED = Image.Exif()
TURNED[274] = 6  # to be turned by a quarter


def decode(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/webp;base64,"))))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_has_a_copy_with_the_same_ink(kind: str) -> None:
    picture = drawn(4, (200, 100))
    preview = make_preview(encoded(picture, kind))
    assert preview
    assert (preview.width, preview.height) == (200, 100)
    copy = decode(preview.url).convert("L")
    assert copy.size == (200, 100)
    assert abs(sum(copy.tobytes()) - sum(picture.tobytes())) < 0.02 * sum(picture.tobytes())


@pytest.mark.parametrize("mode", ["1", "P", "I;16", "CMYK", "LA"])
def test_every_kind_of_pixels_keeps_its_ink(mode: str) -> None:
    picture = drawn(4, (200, 100))
    if mode == "I;16":
        converted = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    else:
        converted = picture.convert("RGB").convert(mode) if mode in ("CMYK", "P") else picture.convert(mode)
    preview = make_preview(encoded(converted, "TIFF"))
    assert preview
    copy = np.asarray(decode(preview.url).convert("L"), float)
    assert np.abs(copy - np.asarray(picture)).mean() < 4


def test_a_large_picture_is_scaled_down_and_its_boxes_are_not() -> None:
    preview = make_preview(encoded(Image.new("L", (3000, 1000), 255)))
    assert preview
    assert (preview.width, preview.height) == (3000, 1000)
    assert decode(preview.url).size == (MAX_SIDE, 267)


def test_a_turned_photo_is_upright() -> None:
    photo = encoded(drawn(4, (200, 100)), "JPEG", exif=TURNED)
    preview = make_preview(photo)
    assert preview
    assert measure_size(photo) == (preview.width, preview.height) == decode(preview.url).size == (100, 200)


@pytest.mark.parametrize("picture", [b"", b"no picture", encoded(drawn(4))[:400], bomb(30_000)])
def test_what_cannot_be_decoded_has_no_copy(picture: bytes) -> None:
    assert make_preview(picture) is None
