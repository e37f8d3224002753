"""Bytes that somebody sent → colours: uint8 [H, W, C], upright, opaque, at most `WORK_SIDE` long; C is 1 or 3.

Only the header is read before the size is judged, so that a small file can't claim gigabytes.
"""

import io
import sys
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from src.model.errors import DamagedPicture, EmptyFile, TooManyPixels, UnsupportedFormat
from src.model.preprocessing import png

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
WORK_SIDE: Final = 800  # pixels; a digit that fills a tenth of the picture still has four times MNIST's resolution

STRIP_PIXELS: Final = 1_000_000  # of a large picture that are converted at once

WHITES: Final = (1.0, 255.0, 65535.0)

# A picture with a see-through border holds paper, not ink alone, if its opaque part fills its box and varies in colour.
PAPER_FILLS: Final = 0.6
PAPER_VARIES: Final = 12.0

# Pillow's decoders raise any of these when the bytes make no sense.
PILLOW_ERRORS: Final = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, MemoryError,
)  # fmt: skip
BOMBS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)

Colours = NDArray[np.uint8]


def pixel_count(data: bytes) -> int:
    """Return the number of pixels the decoder holds, counted as `max_pixels` counts them.

    Reads only the header, so that a caller can choose where to decode. Returns 0 if the header cannot be read, and
    `sys.maxsize` if Pillow refuses the picture as a decompression bomb.
    """
    if header := png.read_header(data):
        return header[0] * header[1]
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _copies(image) * max(image.width * image.height, _tile_pixels(image))
    except BOMBS:
        return sys.maxsize
    except PILLOW_ERRORS:
        return 0


def decode(data: bytes, max_pixels: int) -> Colours:
    """Return the picture in `data` as uint8 [H, W, C]. Raises a `PictureError`."""
    if not data:
        raise EmptyFile("The file is empty. Send a picture of one digit.")
    pixels = png.decode(data, WORK_SIDE, max_pixels)
    return _flatten(_by_pillow(data, max_pixels) if pixels is None else pixels)


def _by_pillow(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Return the picture in `data`, upright: uint8 [H, W], [H, W, 3] or [H, W, 4]. Raises a `PictureError`."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _refuse_large(image, max_pixels)
            image.draft("RGB", (WORK_SIDE, WORK_SIDE))  # JPEG only: decodes at an eighth of the size for the asking
            return np.asarray(_upright(_eight_bits(_shrink(image))))
    except UnidentifiedImageError as error:
        raise UnsupportedFormat(
            f"This is not a picture that the service can read. Send one of: {', '.join(FORMATS)}."
        ) from error
    except BOMBS as error:
        raise _too_many_pixels(max_pixels) from error
    except PILLOW_ERRORS as error:
        raise DamagedPicture(png.DAMAGED) from error


def _refuse_large(image: Image.Image, max_pixels: int) -> None:
    allowed = max_pixels // _copies(image)
    if max(image.width * image.height, _tile_pixels(image)) > allowed:
        raise _too_many_pixels(allowed)


def _copies(image: Image.Image) -> int:
    """Return how often the decoder holds the picture: with other frames, all coefficients, or all compressed rows."""
    if image.format == "WEBP":
        return 3
    tags = getattr(image, "tag_v2", {})
    one_strip = int(tags.get(ExifTags.Base.RowsPerStrip, image.height)) * 2 > image.height
    packed = tags.get(ExifTags.Base.Compression, 1) != 1
    return 2 if "progressive" in image.info or (packed and one_strip) else 1


def _tile_pixels(image: Image.Image) -> int:
    """Return how large the tiles of a TIFF are: they may be larger than the picture, and are decoded whole."""
    tags = getattr(image, "tag_v2", {})
    return int(tags.get(ExifTags.Base.TileWidth, 0)) * int(tags.get(ExifTags.Base.TileLength, 0))


def _too_many_pixels(allowed: int) -> TooManyPixels:
    return TooManyPixels(
        f"The picture has more than {allowed / 1e6:.3g} million pixels. Scale it down: 1000 pixels a side is plenty."
    )


def _averageable(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose pixels can be averaged; most are in one, and are not copied."""
    if image.mode == "PA" or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode.startswith("I;16"):
        return image.convert("I")
    return image.convert({"1": "L", "P": "RGB"}[image.mode]) if image.mode in ("1", "P") else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return the picture with eight bits a channel, in mode L, RGB or RGBA."""
    if image.mode in ("I", "F"):
        return _scaled_to_bytes(image)
    if image.mode in ("LA", "La", "RGBa", "RGBA"):
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "L" else "RGB")


def _scaled_to_bytes(image: Image.Image) -> Image.Image:
    """Bring the values of a picture with more than eight bits to 0..255; Pillow would clip them.

    Formats don't say what white is: it is taken as the smallest usual number that no value exceeds.
    """
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0, neginf=0)
    low, highest = min(float(values.min()), 0.0), float(values.max())
    high = next((white for white in WHITES if highest <= white), highest)
    return Image.fromarray(np.round((values - low) * (255 / (high - low))).astype(np.uint8))


def _shrink(image: Image.Image) -> Image.Image:
    """Bring the longer side to `WORK_SIDE` at the most, each new pixel the mean of the old ones."""
    factor = max(image.size) / WORK_SIDE
    if factor <= 1:
        return _averageable(image)
    size = (max(1, round(image.width / factor)), max(1, round(image.height / factor)))
    steps = (int(image.width / size[0] / 2) or 1, int(image.height / size[1] / 2) or 1)
    box = (0, 0, image.width / steps[0], image.height / steps[1])
    small = _reduced(image, steps).resize(size, Image.Resampling.BOX, box)
    return small.convert(small.mode.upper()) if small.mode in ("La", "RGBa") else small


def _reduced(image: Image.Image, steps: tuple[int, int]) -> Image.Image:
    """Average blocks of `steps` pixels, strip by strip: converted whole, a large picture would be in memory twice."""
    image.load()
    height = max(1, STRIP_PIXELS // (image.width * steps[1])) * steps[1]
    tops = range(0, image.height, height)
    strips = [_strip(image, top, min(top + height, image.height)).reduce(steps) for top in tops]
    reduced = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    reduced.info = image.info  # how it is to be turned
    for top, strip in zip(tops, strips, strict=True):
        reduced.paste(strip, (0, top // steps[1]))
    return reduced


def _strip(image: Image.Image, top: int, bottom: int) -> Image.Image:
    """Return some rows in a mode whose pixels can be averaged, colours weighed by their alpha."""
    strip = _averageable(image.crop((0, top, image.width, bottom)))
    return strip.convert({"LA": "La", "RGBA": "RGBa"}[strip.mode]) if strip.mode in ("LA", "RGBA") else strip


def _upright(image: Image.Image) -> Image.Image:
    """Turn the picture as its EXIF orientation says."""
    return ImageOps.exif_transpose(image)


def _flatten(pixels: NDArray[np.uint8]) -> Colours:
    """Lay what is see-through on a ground that shows the ink, and keep one channel of greys."""
    if pixels.ndim == 2:
        return pixels[..., None]
    planes = [np.asarray(plane, np.uint8) for plane in cv2.split(pixels)]
    grey = _are_equal(planes[:3])  # a third of the work for everything that follows
    colours = planes[0][..., None] if grey else pixels[..., :3]
    if len(planes) == 3 or planes[3].min() == 255:
        return colours
    colours = _composite(colours, planes[3])
    return colours[..., :1] if _are_equal(cv2.split(colours)) else colours


def _are_equal(planes: Sequence[NDArray[np.integer | np.floating]]) -> bool:
    return all(np.array_equal(planes[0], plane) for plane in planes[1:])


def _composite(colours: Colours, alpha: NDArray[np.integer | np.floating]) -> Colours:
    """Lay [H, W, C] on its ground."""
    shown = np.asarray(alpha[..., None], np.float32) / 255
    return (colours * shown + _ground(colours, alpha) * (1 - shown) + 0.5).astype(np.uint8)


def _ground(colours: Colours, alpha: NDArray[np.integer | np.floating]) -> NDArray[np.float64]:
    """Return the colour to lay under [H, W, C]: that of its opaque paper if it has some, else what its ink isn't."""
    solid = alpha > 127
    if not solid.any():  # whoever drew this faintly still meant it; see-through everywhere is left blank
        return np.full(colours.shape[2], 255.0)
    opaque = colours[solid]
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    filled = len(opaque) / ((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1))
    if filled > PAPER_FILLS and opaque.std(0).max() > PAPER_VARIES:
        return np.asarray(np.median(opaque, axis=0))
    return np.full(colours.shape[2], 0.0 if opaque.mean() > 127 else 255.0)
