"""Decode a picture file to colours: uint8 [H, W, C], upright, opaque, at most `WORK_SIDE` long; C is 1 or 3.

The size is checked in the header, before any pixel is decoded, so that a small file cannot claim gigabytes.
"""

import io
import logging
import re
import sys
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from src.model.errors import DamagedPicture, EmptyFile, PictureError, TooComplex, TooManyPixels, UnsupportedFormat
from src.model.preprocessing import png

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
FIRST_BYTES: Final = {b"\x89PNG": "PNG", b"\xff\xd8": "JPEG", b"RIFF": "WEBP", b"GIF8": "GIF", b"BM": "BMP"}
HEIC: Final = re.compile(rb"....ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL)  # how photos of iPhones begin
WORK_SIDE: Final = 800  # pixels; a digit of a tenth of that still has four times MNIST's resolution
STRIP_PIXELS: Final = 1_000_000  # large pictures are converted in strips of about this size
WHITE_LEVELS: Final = (1.0, 255.0, 65535.0)  # usual values of white where a format does not say which one it is
PREMULTIPLIED: Final = {"LA": "La", "RGBA": "RGBa"}  # Pillow's modes with colours multiplied by alpha
# The opaque part of a partly transparent picture is paper with ink on it, and not ink alone, if it ...
PAPER_FILL: Final = 0.6  # ... fills more than this share of its bounding box
PAPER_DEVIATION: Final = 12.0  # ... and its colours deviate by more levels of 255 than this

START_OF_SCAN: Final = b"\xff\xda"  # of a JPEG; the compressed pixels never contain it
MAX_SCANS: Final = 100  # of a JPEG; encoders write at most a dozen, and each takes as long as decoding the picture

# Pillow's decoders raise any of these when the bytes make no sense. Others are handled alike, but logged.
PILLOW_ERRORS: Final = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError)
BOMBS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)

Colours = NDArray[np.uint8]

log = logging.getLogger(__name__)


def pixel_count(data: bytes) -> int:
    """Return the number of pixels the decoder holds, counted as `max_pixels` counts them.

    Reads only the header, so that a caller can choose where to decode. Returns 0 if the header cannot be read, and
    `sys.maxsize` if Pillow refuses the picture as a decompression bomb.
    """
    if header := png.read_header(data):
        return header[0] * header[1]
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _count_copies(image) * _count_pixels(image)
    except BOMBS:
        return sys.maxsize
    except Exception:  # `decode` names the problem
        return 0


def find_format(data: bytes) -> str:
    """Return the format, one of `FORMATS`, of a picture that has been decoded."""
    return next((name for first, name in FIRST_BYTES.items() if data.startswith(first)), "TIFF")


def decode(data: bytes, max_pixels: int) -> Colours:
    """Return the picture in the file `data`, uint8 [H, W, C]. Raises a `PictureError`."""
    if not data:
        raise EmptyFile("The file is empty. Send a picture of one digit.")
    pixels = png.decode(data, WORK_SIDE, max_pixels)
    return flatten(_decode_with_pillow(data, max_pixels) if pixels is None else pixels)


def measure_size(data: bytes, colours: Colours) -> tuple[int, int]:
    """Return the width and height in pixels of the upright picture in `data`, of which `colours` may be a smaller copy.

    `data` is a file that `decode` has read.
    """
    header = png.read_header(data)
    if header:
        width, height = header[:2]
    else:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
    is_turned = (width > height) != (colours.shape[1] > colours.shape[0])
    return (height, width) if is_turned else (width, height)


def _decode_with_pillow(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Return an upright picture, uint8 [H, W], [H, W, 3] or [H, W, 4]. Raises a `PictureError`."""
    if find_format(data) == "JPEG" and data.count(START_OF_SCAN) > MAX_SCANS:
        raise TooComplex
    try:
        with Image.open(io.BytesIO(png.drop_texts(data)), formats=FORMATS) as image:
            allowed = max_pixels // _count_copies(image)
            if _count_pixels(image) > allowed:
                raise _too_many_pixels(allowed)
            image.draft("RGB", (WORK_SIDE, WORK_SIDE))  # has JPEG decoded at 1/2, 1/4 or 1/8 of its size
            return np.asarray(ImageOps.exif_transpose(_to_eight_bits(_shrink(image))))
    except PictureError:
        raise
    except Exception as error:
        raise _explain(error, data, max_pixels) from error


def _explain(error: Exception, data: bytes, max_pixels: int) -> PictureError:
    """Return what an error, whatever a decoder raised, says about the picture."""
    if isinstance(error, UnidentifiedImageError):
        formats = ", ".join(FORMATS)
        what = "a HEIC photo, which the service can't" if HEIC.match(data) else "not a picture that the service can"
        return UnsupportedFormat(f"This is {what} read. Send one of: {formats}.")
    if isinstance(error, BOMBS):
        return _too_many_pixels(max_pixels)
    if isinstance(error, MemoryError):
        return TooComplex()
    if not isinstance(error, PILLOW_ERRORS):
        log.warning("A decoder raised %s for a damaged picture.", type(error).__name__)
    return DamagedPicture(png.DAMAGED)


def _count_copies(image: Image.Image) -> int:
    """Return how many times the decoder holds the picture in memory.

    WebP keeps other frames, progressive JPEG all coefficients, and TIFF all compressed rows of a large strip.
    """
    if image.format == "WEBP":
        return 3
    tags = getattr(image, "tag_v2", {})  # TIFF only
    is_one_strip = int(tags.get(ExifTags.Base.RowsPerStrip, image.height)) * 2 > image.height
    is_compressed = tags.get(ExifTags.Base.Compression, 1) != 1
    return 2 if "progressive" in image.info or (is_compressed and is_one_strip) else 1


def _count_pixels(image: Image.Image) -> int:
    """Return the pixels of the picture, or of a tile of a TIFF, which is decoded whole even if it is larger."""
    tags = getattr(image, "tag_v2", {})
    tile = int(tags.get(ExifTags.Base.TileWidth, 0)) * int(tags.get(ExifTags.Base.TileLength, 0))
    return max(image.width * image.height, tile)


def _too_many_pixels(allowed: int) -> TooManyPixels:
    return TooManyPixels(
        f"The picture has more than {allowed / 1e6:.3g} million pixels. Scale it down: 1000 pixels a side is plenty."
    )


def _shrink(image: Image.Image) -> Image.Image:
    """Scale the longer side down to `WORK_SIDE`, if it is larger; each new pixel is the mean of the old ones.

    First averages whole blocks, as Pillow does for `reducing_gap=2`, to at least twice the final size.
    """
    factor = max(image.size) / WORK_SIDE
    if factor <= 1:
        return _make_averageable(image)
    size = (max(1, round(image.width / factor)), max(1, round(image.height / factor)))
    block = (int(image.width / size[0] / 2) or 1, int(image.height / size[1] / 2) or 1)
    exact_size = (image.width / block[0], image.height / block[1])  # the last blocks may be cut off
    small = _average_blocks(image, block).resize(size, Image.Resampling.BOX, (0, 0, *exact_size))
    return small.convert(small.mode.upper()) if small.mode in PREMULTIPLIED.values() else small


def _average_blocks(image: Image.Image, block: tuple[int, int]) -> Image.Image:
    """Replace each block of pixels by its mean, strip by strip: no converted copy of the whole picture is needed."""
    image.load()
    height = max(1, STRIP_PIXELS // (image.width * block[1])) * block[1]
    strips = []
    for top in range(0, image.height, height):
        strip = _make_averageable(image.crop((0, top, image.width, min(top + height, image.height))))
        if strip.mode in PREMULTIPLIED:
            strip = strip.convert(PREMULTIPLIED[strip.mode])
        strips.append(strip.reduce(block))
    means = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    means.info = image.info  # has the EXIF orientation
    for number, strip in enumerate(strips):
        means.paste(strip, (0, number * height // block[1]))
    return means


def _make_averageable(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose pixels can be averaged; most pictures need no conversion."""
    if image.mode == "PA" or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode.startswith("I;16"):
        return image.convert("I")
    return image.convert({"1": "L", "P": "RGB"}[image.mode]) if image.mode in ("1", "P") else image


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Return the picture with 8 bits per channel, in mode L, RGB or RGBA."""
    if image.mode in ("I", "F"):
        return _scale_to_bytes(image)
    if image.mode in ("LA", "La", "RGBa", "RGBA"):
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "L" else "RGB")


def _scale_to_bytes(image: Image.Image) -> Image.Image:
    """Scale values of more than 8 bits to 0..255, which Pillow would clip.

    White is the smallest of `WHITE_LEVELS` that no value exceeds, else the largest value.
    """
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0, neginf=0)
    black, highest = min(float(values.min()), 0.0), float(values.max())
    white = next((level for level in WHITE_LEVELS if highest <= level), highest)
    return Image.fromarray(np.round((values - black) * (255 / (white - black))).astype(np.uint8))


def flatten(pixels: NDArray[np.uint8]) -> Colours:
    """Return opaque pixels, [H, W, C]: transparent ones are laid on a background, and C is 1 if all are grey."""
    if pixels.ndim == 2:
        return pixels[..., None]
    planes = [np.asarray(plane, np.uint8) for plane in cv2.split(pixels)]
    # one channel is a third of the work for all that follows
    colours = planes[0][..., None] if _are_equal(planes[:3]) else pixels[..., :3]
    if len(planes) == 3 or planes[3].min() == 255:
        return colours
    alpha = planes[3][..., None].astype(np.float32) / 255
    background = _choose_background(colours, planes[3] > 127)
    colours = (colours * alpha + background * (1 - alpha) + 0.5).astype(np.uint8)
    return colours[..., :1] if _are_equal(cv2.split(colours)) else colours


def _are_equal(planes: Sequence[NDArray[np.integer | np.floating]]) -> bool:
    return all(np.array_equal(planes[0], plane) for plane in planes[1:])


def _choose_background(colours: Colours, is_opaque: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the colour, [C], to lay under transparent pixels so that the ink shows.

    It is the colour of the opaque paper if there is any, else white under dark ink and black under light ink.
    """
    channels = colours.shape[2]
    if not is_opaque.any():  # a faint drawing, or nothing
        return np.full(channels, 255.0)
    opaque = colours[is_opaque]
    rows, columns = np.flatnonzero(is_opaque.any(1)), np.flatnonzero(is_opaque.any(0))
    fill = len(opaque) / ((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1))
    if fill > PAPER_FILL and opaque.std(0).max() > PAPER_DEVIATION:
        return np.asarray(np.median(opaque, axis=0))
    return np.full(channels, 0.0 if opaque.mean() > 127 else 255.0)
