"""Large pictures are shrunk strip by strip, and refused by their header before they take memory."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from src.model.errors import TooComplex, TooManyPixels
from src.model.preprocessing.decode import FORMATS, WORK_SIDE, decode, find_format, pixel_count
from tests.hostile import jpeg_with_scans
from tests.pictures import encoded

MAX_PIXELS = 25_000_000
LARGE = (2503, 3301)  # the last strip and the last blocks are incomplete


def tiff_with_a_tile(picture: int, tile: int) -> bytes:
    """A TIFF of `picture` x `picture` pixels in one tile of `tile` x `tile`."""
    data = zlib.compress(bytes(1000))
    tags = [(256, picture), (257, picture), (258, 8), (259, 8), (262, 1), (277, 1), (322, tile), (323, tile)]
    tags += [(324, 8), (325, len(data))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    start = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    return start + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_a_tile_larger_than_its_picture_counts_in_full() -> None:
    with pytest.raises(TooManyPixels):
        decode(tiff_with_a_tile(picture=100, tile=30_000), MAX_PIXELS)


@pytest.mark.parametrize(
    ("kind", "options", "copies"),
    [
        ("PNG", {}, 1),
        ("JPEG", {}, 1),
        ("TIFF", {}, 1),
        ("TIFF", {"compression": "tiff_lzw", "strip_size": 100}, 1),
        ("WEBP", {}, 3),
        ("JPEG", {"progressive": True}, 2),
        ("TIFF", {"compression": "tiff_lzw", "strip_size": 6000}, 2),
    ],
)
def test_a_picture_counts_as_often_as_its_decoder_holds_it(kind: str, options: dict[str, object], copies: int) -> None:
    data = encoded(Image.new("L", (100, 60)), kind, **options)
    assert pixel_count(data) == 6000 * copies
    assert decode(data, 6000 * copies).shape == (60, 100, 1)
    with pytest.raises(TooManyPixels, match="million pixels"):
        decode(data, 6000 * copies - 1)


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "LA", "L"])
def test_shrinking_in_strips_gives_the_same_as_shrinking_at_once(mode: str) -> None:
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (40, 30, 4), np.uint8)
    coarse[..., 3] |= 128  # opaque enough to keep the background
    picture = Image.fromarray(coarse).resize(LARGE).convert(mode)
    size = (round(LARGE[0] * WORK_SIDE / LARGE[1]), WORK_SIDE)
    at_once = picture.resize(size, Image.Resampling.BOX, reducing_gap=2)
    assert np.array_equal(decode(encoded(picture, compress_level=1), MAX_PIXELS), decode(encoded(at_once), MAX_PIXELS))


def test_a_large_picture_is_turned_by_its_exif_orientation() -> None:
    turn = Image.Exif()
    turn[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", LARGE).save(file, "JPEG", exif=turn)
    assert decode(file.getvalue(), MAX_PIXELS).shape == (round(LARGE[0] * WORK_SIDE / LARGE[1]), WORK_SIDE, 1)


def test_a_jpeg_with_more_scans_than_encoders_write_is_too_complex() -> None:
    with pytest.raises(TooComplex):
        decode(jpeg_with_scans(64, 101), MAX_PIXELS)
    assert decode(jpeg_with_scans(64, 50), MAX_PIXELS).shape == (64, 64, 1)


def test_a_decoder_without_memory_makes_a_picture_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(TooComplex):
        decode(b"GIF89a", MAX_PIXELS)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_format_of_a_picture_is_found_by_its_first_bytes(kind: str) -> None:
    assert find_format(encoded(Image.new("L", (8, 8)), kind)) == kind
