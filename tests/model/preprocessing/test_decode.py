import struct

import numpy as np
import pytest
from PIL import Image

from src.model import errors
from src.model.preprocessing.decode import WORK_SIDE, decode, pixel_count
from tests.pictures import MAX_PIXELS, bomb, drawn, encoded


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", errors.EmptyFile),
        (b"four", errors.UnsupportedFormat),
        (b"%PDF-1.7 " * 100, errors.UnsupportedFormat),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", errors.UnsupportedFormat),
        (encoded(drawn(4))[:300], errors.DamagedPicture),
        (encoded(drawn(4))[:50], errors.DamagedPicture),
        (encoded(drawn(4), "JPEG")[:900], errors.DamagedPicture),
        (encoded(drawn(4), "GIF")[:700], errors.DamagedPicture),
        (encoded(drawn(4), "TIFF")[:400], errors.DamagedPicture),
        (encoded(drawn(4), "WEBP")[:60], errors.DamagedPicture),
        (encoded(drawn(4), "BMP")[:700], errors.DamagedPicture),
        (bomb(30_000), errors.TooManyPixels),
        (bomb(10_000), errors.TooManyPixels),
    ],
)
def test_unreadable_files_are_refused(data: bytes, error: type[errors.PictureError]) -> None:
    with pytest.raises(errors.PictureError) as caught:
        decode(data, MAX_PIXELS)
    assert type(caught.value) is error
    assert str(caught.value).endswith(".")


def test_the_refusal_of_a_format_names_the_accepted_ones() -> None:
    with pytest.raises(errors.UnsupportedFormat, match="PNG, JPEG, WEBP, GIF, BMP, TIFF"):
        decode(b"four", MAX_PIXELS)


def test_a_damaged_byte_raises_no_other_error() -> None:
    generator = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        whole = bytearray(encoded(drawn(4, (60, 60), 5), kind))
        for place in generator.integers(0, len(whole), 60):
            broken = whole.copy()
            broken[place] ^= int(generator.integers(1, 256))
            try:
                decode(bytes(broken), 100_000)
            except errors.PictureError:
                continue


def test_large_pictures_are_scaled_down() -> None:
    assert decode(encoded(Image.new("RGB", (4000, 1000))), MAX_PIXELS).shape == (200, WORK_SIDE, 1)


def test_grey_pictures_have_one_channel_and_coloured_ones_three() -> None:
    assert decode(encoded(drawn(4).convert("RGBA")), MAX_PIXELS).shape == (280, 280, 1)
    assert decode(encoded(Image.new("RGB", (10, 10), (1, 2, 3))), MAX_PIXELS).shape == (10, 10, 3)


def test_the_first_picture_of_an_mpo_file_is_decoded() -> None:
    double = encoded(drawn(4), "MPO", save_all=True, append_images=[drawn(5)])
    assert decode(double, MAX_PIXELS).shape == (280, 280, 1)


def test_16_bits_are_scaled_and_not_clipped() -> None:
    levels = np.array([[0, 16384], [32768, 65535]], np.uint16)
    assert decode(encoded(Image.fromarray(levels)), MAX_PIXELS)[..., 0].tolist() == [[0, 64], [128, 255]]


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0, 1e6])
def test_floating_point_pictures_are_scaled_by_their_white(white: float) -> None:
    levels = np.array([[0, 0.4], [0.2, 1]], np.float32) * white
    assert decode(encoded(Image.fromarray(levels), "TIFF"), MAX_PIXELS)[..., 0].tolist() == [[0, 102], [51, 255]]


def test_a_black_floating_point_picture_stays_black() -> None:
    assert decode(encoded(Image.new("F", (4, 4)), "TIFF"), MAX_PIXELS).max() == 0


@pytest.mark.parametrize("data", [b"", b"four", encoded(drawn(4))[:20], encoded(drawn(4), "TIFF")[:7]])
def test_pixel_count_of_an_unreadable_header_is_zero(data: bytes) -> None:
    assert pixel_count(data) == 0


def test_pixel_count_of_a_decompression_bomb_exceeds_every_limit() -> None:
    assert pixel_count(bomb(30_000)) > MAX_PIXELS
    header = bytearray(encoded(Image.new("L", (1, 1)), "BMP"))
    header[18:26] = struct.pack("<ii", 30_000, 30_000)
    assert pixel_count(bytes(header)) > MAX_PIXELS
