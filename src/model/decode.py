"""Bytes that somebody sent → colours: uint8 [H, W, C], upright, opaque, at most `WORK_SIDE` long; C is 1 or 3.

Only the header is read before the size is judged, so that a small file can't claim gigabytes.
"""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from src.model.errors import DamagedPicture, EmptyFile, TooManyPixels, UnsupportedFormat

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
WORK_SIDE: Final = 800  # pixels; a digit that fills a tenth of the picture still has four times MNIST's resolution

WHITES: Final = (1.0, 255.0, 65535.0)

# A picture with a see-through border holds paper, not ink alone, if its opaque part fills its box and varies in colour.
PAPER_FILLS: Final = 0.6
PAPER_VARIES: Final = 12.0

Colours = NDArray[np.uint8]


def decode(data: bytes, max_pixels: int) -> Colours:
    """Return the picture in `data` as uint8 [H, W, C]. Raises a `PictureError`."""
    if not data:
        raise EmptyFile("The file is empty. Send a picture of one digit.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _refuse_large(image, max_pixels)
            image.draft("RGB", (WORK_SIDE, WORK_SIDE))  # JPEG only: decodes at an eighth of the size for the asking
            return _without_equal_channels(_flatten(_upright(_eight_bits(_shrink(_averageable(image))))))
    except UnidentifiedImageError as error:
        raise UnsupportedFormat(
            f"This is not a picture that the service can read. Send one of: {', '.join(FORMATS)}."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(max_pixels) from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, MemoryError) as error:
        # Pillow's decoders let any of these out when the bytes make no sense.
        raise DamagedPicture("The picture is damaged or cut short. Save it again and send it once more.") from error


def _refuse_large(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise _too_many_pixels(max_pixels)


def _too_many_pixels(max_pixels: int) -> TooManyPixels:
    return TooManyPixels(
        f"The picture has more than {max_pixels / 1e6:.0f} million pixels. Scale it down: 1000 pixels a side is plenty."
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
        return image
    size = (max(1, round(image.width / factor)), max(1, round(image.height / factor)))
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2)


def _upright(image: Image.Image) -> Image.Image:
    """Turn the picture as its EXIF orientation says."""
    return ImageOps.exif_transpose(image)


def _flatten(image: Image.Image) -> Colours:
    """Lay what is see-through on a ground that shows the ink."""
    if image.mode != "RGBA":
        return np.atleast_3d(np.asarray(image))
    rgba = np.asarray(image)
    alpha = rgba[..., 3]
    if alpha.min() == 255:
        return rgba[..., :3]
    if alpha.max() < 128:  # whoever drew this faintly still meant it; see-through everywhere is left blank
        return _composite(rgba, np.full(3, 255.0))
    return _composite(rgba, _ground(rgba))


def _ground(rgba: Colours) -> NDArray[np.float64]:
    """Return the colour to lay under [H, W, 4]: that of its opaque paper if it has some, else what its ink isn't."""
    solid = rgba[..., 3] > 127
    opaque = rgba[solid][:, :3]
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    filled = len(opaque) / ((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1))
    if filled > PAPER_FILLS and opaque.std(0).max() > PAPER_VARIES:
        return np.asarray(np.median(opaque, axis=0))
    return np.full(3, 0.0 if opaque.mean() > 127 else 255.0)


def _composite(rgba: Colours, ground: NDArray[np.float64]) -> Colours:
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return (rgba[..., :3] * alpha + ground * (1 - alpha) + 0.5).astype(np.uint8)


def _without_equal_channels(colours: Colours) -> Colours:
    """Keep one channel of a picture in greys: a third of the work for everything that follows."""
    first = colours[..., :1]
    return first if (colours[..., 1:] == first).all() else colours
