import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from src.model import png
from src.model.decode import decode
from src.model.errors import DamagedPicture

SIDE, PIXELS = 800, 640_000


def picture(mode: str) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.default_rng(0).integers(0, 256, (9, 14, channels), np.uint8)
    return Image.fromarray(noise.squeeze(), mode=None)


def saved(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """Return a PNG with a chunk more, after its header."""
    return data[:33] + chunk(kind, content) + data[33:]


def of_rows(rows: bytes) -> bytes:
    """Return a grey PNG of 4x4 whose pixels are whatever is given."""
    head = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)
    return png.SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_usual_files_give_the_pixels_that_were_saved(mode: str) -> None:
    image = picture(mode)
    found = png.decode(saved(image), SIDE, PIXELS)
    assert found is not None
    np.testing.assert_array_equal(found, np.asarray(image))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        saved(picture("L"))[:40],
        saved(picture("L")) + b"more",
        saved(picture("LA")),
        saved(picture("L").convert("P")),
        saved(picture("L").convert("1")),
        saved(picture("L").convert("I;16")),
        saved(picture("L"), transparency=7),
        saved(picture("L"), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
        with_chunk(saved(picture("L")), b"tEXt", b"Comment\0may hold an orientation"),
        saved(picture("L").resize((801, 1))),
        with_chunk(saved(picture("L")), b"oops", b"?"),
        saved(picture("L")).replace(b"IDAT", b"IDAU"),
    ],
)
def test_unusual_files_are_left_to_others(data: bytes) -> None:
    assert png.decode(data, SIDE, PIXELS) is None


def test_a_picture_with_more_pixels_than_allowed_is_not_decoded() -> None:
    assert png.decode(saved(picture("L")), SIDE, 9 * 14 - 1) is None


@pytest.mark.parametrize(
    ("kind", "content"), [(b"gAMA", struct.pack(">I", 1)), (b"sRGB", b"\x09"), (b"iCCP", b"bad"), (b"pHYs", b"")]
)
def test_what_is_beside_the_pixels_changes_nothing_and_is_not_spoken_of(
    kind: bytes, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    data = saved(picture("RGB"))
    found = png.decode(with_chunk(data, kind, content), SIDE, PIXELS)
    assert found is not None
    np.testing.assert_array_equal(found, png.decode(data, SIDE, PIXELS))
    assert capfd.readouterr().err == ""  # libpng would warn


@pytest.mark.parametrize(
    "rows",
    [b"", b"hello", zlib.compress(bytes(10)), zlib.compress(bytes(20))[:-6], zlib.compress(b"\x09" + bytes(19))],
)
def test_pixels_that_are_damaged_in_a_sound_file_are_told(rows: bytes) -> None:
    with pytest.raises(DamagedPicture):
        decode(of_rows(rows), PIXELS)


def test_a_changed_byte_never_gives_other_pixels_unnoticed() -> None:
    data, random = saved(picture("RGB")), np.random.default_rng(1)
    for place in random.integers(0, len(data), 200):
        changed = bytearray(data)
        changed[place] ^= 1 << random.integers(8)
        found = png.decode(bytes(changed), SIDE, PIXELS)
        assert found is None, place
