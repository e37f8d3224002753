"""Pictures of a digit, as files, in all the ways in which people draw, scan and photograph one."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from tests.pictures import drawn, encoded

EXIF_ORIENTATION = 0x0112
FAINT_RULING = (155, 176, 218)
DARK_RULING = (40, 45, 80)  # as dark as the pen


def pasted_box(digit: int, page: int) -> bytes:
    """A white digit on a black picture, pasted on a larger page."""
    return encoded(ImageOps.expand(ImageOps.invert(drawn(digit)), 40, page))


def transparent_border(digit: int) -> bytes:
    picture = Image.new("RGBA", (360, 360))
    picture.paste(ImageOps.invert(drawn(digit)).convert("RGBA"), (40, 40))
    return encoded(picture)


def ink_on_transparent(digit: int, ink: int) -> bytes:
    picture = Image.new("LA", (280, 280), (ink, 0))
    picture.putalpha(ImageOps.invert(drawn(digit)))
    return encoded(picture)


def photo(digit: int, light: NDArray[np.floating], noise: float, darkest: float = 0.3) -> bytes:
    """A photo of pen on paper under `light`, [280, 280] in 0..1, with the noise of a sensor."""
    ink = np.asarray(drawn(digit), float) / 255
    levels = 220 * light * (darkest + (1 - darkest) * ink) + np.random.default_rng(0).normal(0, noise, light.shape)
    return encoded(Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)), "JPEG", quality=85)


def sloping_light() -> NDArray[np.floating]:
    return np.outer(np.linspace(0.8, 1, 280), np.linspace(0.5, 1, 280))


def shadow() -> NDArray[np.floating]:
    rows, columns = np.arange(280.0)[:, None], np.arange(280.0)
    return 1 - 0.45 / (1 + np.exp(-(columns + 0.5 * rows - 300) / 6))


def in_frame(digit: int) -> bytes:
    picture = drawn(digit, box=(60, 60, 160))
    ImageDraw.Draw(picture).rectangle((20, 20, 259, 259), outline=0, width=3)
    return encoded(picture)


def with_specks(digit: int) -> bytes:
    picture = drawn(digit)
    for x, y in ((12, 15), (250, 30), (20, 260), (262, 240), (140, 8)):
        ImageDraw.Draw(picture).ellipse((x, y, x + 6, y + 6), fill=0)
    return encoded(picture)


def rotated_by_exif(digit: int) -> bytes:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6  # to be rotated a quarter clockwise
    return encoded(drawn(digit).rotate(90), "JPEG", exif=exif)


def ruled(digit: int | None, line: tuple[int, int, int], squared: bool = False, first: int = 13) -> bytes:
    """A photo of ballpoint on paper with lines from edge to edge; of the paper alone if there is no digit."""
    page = Image.new("RGB", (400, 400), (236, 234, 228))
    for place in range(first, 400, 31):
        ImageDraw.Draw(page).line((0, place, 400, place), line, 2)
        if squared:
            ImageDraw.Draw(page).line((place, 0, place, 400), line, 2)
    if digit is not None:
        page.paste((35, 40, 80), (60, 55), ImageOps.invert(drawn(digit, pen=12)))
    return encoded(page, "JPEG", quality=85)


def in_bands(digit: int, horizontal: bool = False) -> bytes:
    """White on black in a band through the middle, black on white on both sides of it."""
    levels = np.asarray(drawn(digit)).copy()
    band = (slice(90, 190), slice(None)) if horizontal else (slice(None), slice(90, 190))
    levels[band] = 255 - levels[band]
    return encoded(Image.fromarray(levels))


def tightly_cropped(digit: int, pen: float = 18) -> Image.Image:
    """Light ink on black, cut at the outermost pixels of the digit."""
    picture = ImageOps.invert(drawn(digit, pen=pen))
    return picture.crop(picture.getbbox())


def coloured(digit: int, ink: tuple[int, int, int], paper: tuple[int, int, int], mode: str = "RGB") -> Image.Image:
    return ImageOps.colorize(drawn(digit), ink, paper).convert(mode)


SAMPLES: dict[str, Callable[[int], bytes]] = {
    "drawing": lambda digit: encoded(drawn(digit)),
    "white on black": lambda digit: encoded(ImageOps.invert(drawn(digit))),
    "hair-thin pen": lambda digit: encoded(drawn(digit, (600, 600), 2)),
    "thick marker": lambda digit: encoded(drawn(digit, pen=34)),
    "corner of a wide canvas": lambda digit: encoded(drawn(digit, (900, 400), 10, (10, 260, 130))),
    "28 by 28 from a paint program": lambda digit: encoded(drawn(digit, (28, 28), 1.5)),
    "touching the edge": lambda digit: encoded(tightly_cropped(digit)),
    "black ink on transparent": lambda digit: ink_on_transparent(digit, 0),
    "white ink on transparent": lambda digit: ink_on_transparent(digit, 255),
    "black box on a white page": lambda digit: pasted_box(digit, 255),
    "black box on a grey page": lambda digit: pasted_box(digit, 128),
    "black box with a transparent border": transparent_border,
    "frame drawn around the digit": in_frame,
    "specks": with_specks,
    "sloping light": lambda digit: photo(digit, sloping_light(), 3),
    "shadow": lambda digit: photo(digit, shadow(), 4),
    "ruled paper": lambda digit: ruled(digit, FAINT_RULING),
    "squared paper": lambda digit: ruled(digit, (165, 180, 214), squared=True),
    "paper ruled as dark as the pen": lambda digit: ruled(digit, DARK_RULING),
    "paper squared as dark as the pen": lambda digit: ruled(digit, DARK_RULING, squared=True),
    "vertical inverted band": in_bands,
    "horizontal inverted band": lambda digit: in_bands(digit, horizontal=True),
    "faint pencil": lambda digit: photo(digit, np.ones((280, 280)), 2, darkest=0.8),
    "blue on yellow": lambda digit: encoded(coloured(digit, (0, 0, 200), (250, 220, 0))),
    "red on green of the same brightness": lambda digit: encoded(coloured(digit, (200, 40, 40), (60, 140, 60))),
    "one bit": lambda digit: encoded(drawn(digit).convert("1")),
    "palette": lambda digit: encoded(coloured(digit, (0, 0, 200), (250, 220, 0)).quantize(16)),
    "CMYK": lambda digit: encoded(coloured(digit, (0, 0, 0), (255, 255, 255), "CMYK"), "JPEG"),
    "16 bits": lambda digit: encoded(Image.fromarray(np.asarray(drawn(digit)).astype(np.uint16) * 257)),
    "strongly compressed JPEG": lambda digit: encoded(drawn(digit), "JPEG", quality=12),
    "rotated by EXIF": rotated_by_exif,
    "WebP": lambda digit: encoded(drawn(digit), "WEBP"),
    "GIF": lambda digit: encoded(drawn(digit), "GIF"),
    "BMP": lambda digit: encoded(drawn(digit), "BMP"),
    "TIFF": lambda digit: encoded(drawn(digit), "TIFF"),
    "photo of 12 million pixels": lambda digit: encoded(drawn(digit).resize((4000, 3000)), "JPEG"),
}
