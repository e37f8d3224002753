import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from src.model.errors import DamagedPicture
from src.model.preprocessing import png
from src.model.preprocessing.decode import decode
from tests.pictures import encoded, png_chunk

SIDE, PIXELS = 800, 640_000


def picture(mode: str) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.default_rng(0).integers(0, 256, (9, 14, channels), np.uint8)
    return Image.fromarray(noise.squeeze(), mode=None)


def with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """Return a PNG with another chunk after its header."""
    return data[:33] + png_chunk(kind, content) + data[33:]


def png_of_rows(rows: bytes) -> bytes:
    """Return a grey PNG of 4x4 with these compressed rows."""
    head = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)
    return png.SIGNATURE + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_ordinary_files_give_the_encoded_pixels(mode: str) -> None:
    image = picture(mode)
    pixels = png.decode(encoded(image), SIDE, PIXELS)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, np.asarray(image))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        encoded(picture("L"))[:40],
        encoded(picture("L")) + b"more",
        encoded(picture("LA")),
        encoded(picture("L").convert("P")),
        encoded(picture("L").convert("1")),
        encoded(picture("L").convert("I;16")),
        encoded(picture("L"), transparency=7),
        encoded(picture("L"), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
        with_chunk(encoded(picture("L")), b"tEXt", b"Comment\0may hold an orientation"),
        encoded(picture("L").resize((801, 1))),
        with_chunk(encoded(picture("L")), b"oops", b"?"),
        encoded(picture("L")).replace(b"IDAT", b"IDAU"),
    ],
)
def test_unusual_files_are_left_to_pillow(data: bytes) -> None:
    assert png.decode(data, SIDE, PIXELS) is None


def test_a_picture_with_too_many_pixels_is_not_decoded() -> None:
    assert png.decode(encoded(picture("L")), SIDE, 9 * 14 - 1) is None


@pytest.mark.parametrize(
    ("kind", "content"), [(b"gAMA", struct.pack(">I", 1)), (b"sRGB", b"\x09"), (b"iCCP", b"bad"), (b"pHYs", b"")]
)
def test_ignored_chunks_change_no_pixel_and_cause_no_warning(
    kind: bytes, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    data = encoded(picture("RGB"))
    pixels = png.decode(with_chunk(data, kind, content), SIDE, PIXELS)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, png.decode(data, SIDE, PIXELS))
    assert capfd.readouterr().err == ""  # libpng would warn


@pytest.mark.parametrize(
    "rows",
    [b"", b"hello", zlib.compress(bytes(10)), zlib.compress(bytes(20))[:-6], zlib.compress(b"\x09" + bytes(19))],
)
def test_damaged_pixels_in_intact_chunks_are_refused(rows: bytes) -> None:
    with pytest.raises(DamagedPicture):
        decode(png_of_rows(rows), PIXELS)


def test_a_changed_byte_is_always_noticed() -> None:
    data, random = encoded(picture("RGB")), np.random.default_rng(1)
    for place in random.integers(0, len(data), 200):
        changed = bytearray(data)
        changed[place] ^= 1 << random.integers(8)
        pixels = png.decode(bytes(changed), SIDE, PIXELS)
        assert pixels is None, place


def test_a_second_header_cannot_claim_more_pixels_than_the_first() -> None:
    data = png_of_rows(zlib.compress(bytes(20)))
    with pytest.raises(DamagedPicture):
        decode(with_chunk(data, b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)), PIXELS)


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"acTL"])
def test_chunks_that_change_no_pixel_are_dropped(kind: bytes) -> None:
    data = encoded(picture("P"))
    assert png.drop_texts(with_chunk(data, kind, b"Comment\0hello")) == data


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"tRNS", b"\0"),
        (b"eXIf", b"MM"),
        (b"tEXt", b"Raw profile type exif\0..."),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0..."),
    ],
)
def test_transparency_and_orientation_are_kept_once(kind: bytes, content: bytes) -> None:
    once = with_chunk(encoded(picture("P")), kind, content)
    assert png.drop_texts(once) == once
    if kind.endswith(b"Xt"):
        assert png.drop_texts(with_chunk(once, kind, content)) == once


def test_what_is_no_png_or_damaged_keeps_its_bytes() -> None:
    data = encoded(picture("P"))
    assert png.drop_texts(data[:-20]) == data[:-20]
    assert png.drop_texts(b"GIF89a") == b"GIF89a"
