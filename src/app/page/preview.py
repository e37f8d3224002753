"""A small copy of a picture for the browser, which shows neither TIFF nor large files well."""

import base64
import io
from dataclasses import dataclass
from threading import Lock
from typing import Final

from PIL import ExifTags, Image, ImageOps

MAX_SIDE: Final = 800  # pixels: enough for the width of the page on a dense screen
QUALITY: Final = 75
TURNED: Final = (5, 6, 7, 8)  # EXIF orientations of pictures that lie on their side
FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # those that the service reads
# Pillow's decoders raise any of these when the bytes make no sense.
PILLOW_ERRORS: Final = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, MemoryError),
    Image.DecompressionBombError,
)

_one_at_a_time = Lock()  # a decoded picture may take 100 MB


@dataclass(frozen=True)
class Preview:
    """An upright copy of a picture."""

    url: str  # a data URL
    width: int  # in pixels of the upright picture, not of the copy
    height: int


def make_preview(picture: bytes, max_side: int = MAX_SIDE) -> Preview | None:
    """Return a copy of an encoded image that the service has read; None if it can't be decoded here.

    It has at most `max_side` pixels a side.
    """
    size = measure_size(picture)
    if size is None:
        return None
    try:
        with _one_at_a_time, Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            image.draft("RGB", (max_side, max_side))  # has JPEG decoded at 1/2, 1/4 or 1/8 of its size
            ImageOps.exif_transpose(image, in_place=True)
            copy = _make_averageable(image)
            copy.thumbnail((max_side, max_side))
            file = io.BytesIO()
            copy.convert("RGBA").save(file, "WEBP", quality=QUALITY, method=2)
    except PILLOW_ERRORS:
        return None
    return Preview("data:image/webp;base64," + base64.b64encode(file.getvalue()).decode(), *size)


def _make_averageable(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose pixels can be averaged and shown."""
    if image.mode.startswith("I"):  # 16 bits
        return image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("RGBA") if image.mode in ("1", "P", "PA") else image


def measure_size(picture: bytes) -> tuple[int, int] | None:
    """Return the width and height of the upright picture from its header; None if that can't be read."""
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            is_turned = image.getexif().get(ExifTags.Base.Orientation) in TURNED
            return image.size[::-1] if is_turned else image.size
    except PILLOW_ERRORS:
        return None
