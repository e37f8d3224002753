from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from src.model.errors import BlankPicture, PictureError
from src.model.inference.predictor import Predictor
from src.model.preprocessing.inverted_bands import undo_inversion
from src.model.preprocessing.preprocess import Framed, frame, preprocess
from src.model.preprocessing.ruled_lines import remove_ruled_lines
from tests.model.conftest import MAX_PIXELS
from tests.pictures import all_mnist, drawn, encoded, mnist

Case = Callable[[int], bytes]
EXIF_ORIENTATION = 0x0112


def framed(picture: Image.Image) -> Framed:
    return preprocess(encoded(picture), MAX_PIXELS)


def black_box(digit: int, page: int) -> bytes:
    """A white digit on a black picture, pasted on a larger page."""
    return encoded(ImageOps.expand(ImageOps.invert(drawn(digit)), 40, page))


def transparent_border(digit: int) -> bytes:
    picture = Image.new("RGBA", (360, 360))
    picture.paste(ImageOps.invert(drawn(digit)).convert("RGBA"), (40, 40))
    return encoded(picture)


def on_transparent(digit: int, ink: int) -> bytes:
    picture = Image.new("LA", (280, 280), (ink, 0))
    picture.putalpha(ImageOps.invert(drawn(digit)))
    return encoded(picture)


def paper(digit: int, light: NDArray[np.floating], grain: float, darkest: float = 0.3) -> bytes:
    """A photo of a pen on paper: `light` [280, 280] in 0..1 falls on it, and the sensor adds grain."""
    ink = np.asarray(drawn(digit), float) / 255
    levels = 220 * light * (darkest + (1 - darkest) * ink) + np.random.default_rng(0).normal(0, grain, light.shape)
    return encoded(Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)), "JPEG", quality=85)


def slope() -> NDArray[np.floating]:
    return np.outer(np.linspace(0.8, 1, 280), np.linspace(0.5, 1, 280))


def shadow() -> NDArray[np.floating]:
    rows, columns = np.arange(280.0)[:, None], np.arange(280.0)
    return 1 - 0.45 / (1 + np.exp(-(columns + 0.5 * rows - 300) / 6))


def boxed(digit: int) -> bytes:
    picture = drawn(digit, box=(60, 60, 160))
    ImageDraw.Draw(picture).rectangle((20, 20, 259, 259), outline=0, width=3)
    return encoded(picture)


def specks(digit: int) -> bytes:
    picture = drawn(digit)
    for x, y in ((12, 15), (250, 30), (20, 260), (262, 240), (140, 8)):
        ImageDraw.Draw(picture).ellipse((x, y, x + 6, y + 6), fill=0)
    return encoded(picture)


def turned_by_exif(digit: int) -> bytes:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6  # to be turned a quarter clockwise
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


def in_bands(digit: int, lying: bool = False) -> bytes:
    """White on black in the middle, black on white beside it, or above and below."""
    levels = np.asarray(drawn(digit)).copy()
    middle = (slice(90, 190), slice(None)) if lying else (slice(None), slice(90, 190))
    levels[middle] = 255 - levels[middle]
    return encoded(Image.fromarray(levels))


def coloured(digit: int, ink: tuple[int, int, int], ground: tuple[int, int, int], mode: str = "RGB") -> Image.Image:
    return ImageOps.colorize(drawn(digit), ink, ground).convert(mode)


def sixteen_bits(digit: int) -> bytes:
    return encoded(Image.fromarray(np.asarray(drawn(digit)).astype(np.uint16) * 257))


CASES: dict[str, Case] = {
    "a drawing": lambda digit: encoded(drawn(digit)),
    "white on black": lambda digit: encoded(ImageOps.invert(drawn(digit))),
    "a hair-thin pen": lambda digit: encoded(drawn(digit, (600, 600), 2)),
    "a fat marker": lambda digit: encoded(drawn(digit, pen=34)),
    "a corner of a wide canvas": lambda digit: encoded(drawn(digit, (900, 400), 10, (10, 260, 130))),
    "28 by 28 from a paint program": lambda digit: encoded(drawn(digit, (28, 28), 1.5)),
    "touching the edge": lambda digit: encoded(
        ImageOps.invert(drawn(digit)).crop(ImageOps.invert(drawn(digit)).getbbox())
    ),
    "black ink on transparent": lambda digit: on_transparent(digit, 0),
    "white ink on transparent": lambda digit: on_transparent(digit, 255),
    "a black box on a white page": lambda digit: black_box(digit, 255),
    "a black box on a grey page": lambda digit: black_box(digit, 128),
    "a black box with a transparent border": transparent_border,
    "a box drawn around it": boxed,
    "specks": specks,
    "a slope of light": lambda digit: paper(digit, slope(), 3),
    "a shadow across": lambda digit: paper(digit, shadow(), 4),
    "ruled paper": lambda digit: ruled(digit, (155, 176, 218)),
    "squared paper": lambda digit: ruled(digit, (165, 180, 214), squared=True),
    "paper ruled as dark as the pen": lambda digit: ruled(digit, (40, 45, 80)),
    "paper squared as dark as the pen": lambda digit: ruled(digit, (40, 45, 80), squared=True),
    "bands of exchanged colours": in_bands,
    "bands of exchanged colours, lying": lambda digit: in_bands(digit, lying=True),
    "faint pencil": lambda digit: paper(digit, np.ones((280, 280)), 2, darkest=0.8),
    "blue on yellow": lambda digit: encoded(coloured(digit, (0, 0, 200), (250, 220, 0))),
    "red on green as bright as it": lambda digit: encoded(coloured(digit, (200, 40, 40), (60, 140, 60))),
    "one bit": lambda digit: encoded(drawn(digit).convert("1")),
    "a palette": lambda digit: encoded(coloured(digit, (0, 0, 200), (250, 220, 0)).quantize(16)),
    "CMYK": lambda digit: encoded(coloured(digit, (0, 0, 0), (255, 255, 255), "CMYK"), "JPEG"),
    "sixteen bits": sixteen_bits,
    "a bad JPEG": lambda digit: encoded(drawn(digit), "JPEG", quality=12),
    "turned by EXIF": turned_by_exif,
    "WebP": lambda digit: encoded(drawn(digit), "WEBP"),
    "GIF": lambda digit: encoded(drawn(digit), "GIF"),
    "BMP": lambda digit: encoded(drawn(digit), "BMP"),
    "TIFF": lambda digit: encoded(drawn(digit), "TIFF"),
    "a photo of 12 million pixels": lambda digit: encoded(drawn(digit).resize((4000, 3000)), "JPEG"),
}


@pytest.mark.parametrize("name", CASES)
def test_every_digit_is_read_whatever_the_picture(name: str, predictor: Predictor) -> None:
    digits = (4,) if "12 million" in name else range(10)
    assert [predictor.predict(CASES[name](digit)).prediction for digit in digits] == list(digits)


def test_pictures_of_mnist_come_through_as_they_are() -> None:
    images, _ = all_mnist()
    for image in images:
        assert np.abs(framed(Image.fromarray(image)).pixels - image / 255).max() < 0.05


def test_inverted_pictures_of_mnist_come_through_as_ink_on_black() -> None:
    assert np.abs(framed(ImageOps.invert(mnist(4))).pixels - np.asarray(mnist(4)) / 255).max() < 0.05


def test_a_framed_picture_is_left_as_it_is() -> None:
    for digit in range(10):
        once = framed(drawn(digit)).pixels
        twice = framed(Image.fromarray((once * 255).round().astype(np.uint8))).pixels
        assert np.abs(once - twice).max() < 0.05


def test_the_frame_is_that_of_mnist() -> None:
    for digit in range(10):
        pixels = framed(drawn(digit)).pixels
        rows, columns = np.flatnonzero(pixels.max(1) > 0.05), np.flatnonzero(pixels.max(0) > 0.05)
        centre = (pixels * np.arange(28)).sum() / pixels.sum()
        assert pixels.shape == (28, 28)
        assert pixels.dtype == np.float32
        assert 0 <= pixels.min() <= pixels.max() <= 1
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        assert abs(centre - 14) <= 0.6


def test_the_aspect_is_kept() -> None:
    pixels = framed(drawn(1)).pixels
    assert np.ptp(np.flatnonzero(pixels.max(0) > 0.05)) < 10


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_picture_is_blank(level: int) -> None:
    with pytest.raises(BlankPicture, match="blank"):
        framed(Image.new("L", (280, 280), level))


def test_a_see_through_picture_is_blank() -> None:
    with pytest.raises(BlankPicture):
        framed(Image.new("RGBA", (280, 280)))


def test_paper_without_ink_is_blank() -> None:
    grain = np.random.default_rng(0).normal(200, 3, (280, 280)) * slope()
    smooth = Image.fromarray(grain.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
    with pytest.raises(BlankPicture):
        framed(smooth)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("line", [(155, 176, 218), (40, 45, 80)])
def test_ruled_paper_without_a_digit_is_blank(line: tuple[int, int, int], squared: bool) -> None:
    with pytest.raises(BlankPicture):
        preprocess(ruled(None, line, squared), MAX_PIXELS)


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (280, 280)])
def test_ink_of_which_nothing_is_left_is_blank(size: tuple[int, int]) -> None:
    with pytest.raises(BlankPicture):
        frame(np.zeros(size, np.float32))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 500), (500, 1), (3, 1000)])
def test_tiny_and_narrow_pictures_are_read_or_refused_with_a_sentence(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    try:
        outcome = str(framed(Image.fromarray(noise)).pixels.shape)
    except PictureError as error:
        outcome = str(error)
    assert outcome.endswith((".", "(28, 28)"))


@pytest.mark.parametrize("height", [1, 2])
def test_a_dash_on_a_picture_as_low_as_itself_is_read_without_a_warning(height: int) -> None:
    dash = np.zeros((height, 40), np.float32)
    dash[:, 10:25] = 1
    assert frame(dash).pixels.max() == 1


def test_two_digits_side_by_side_are_counted() -> None:
    picture = Image.new("L", (560, 280), 255)
    picture.paste(drawn(4), (0, 0))
    picture.paste(drawn(2), (280, 0))
    assert framed(picture).digits_seen == 2
    assert all(framed(drawn(digit)).digits_seen == 1 for digit in range(10))


def test_a_tightly_cropped_digit_is_no_ruling_and_no_band() -> None:
    for digit in range(10):
        picture = ImageOps.invert(drawn(digit, pen=30))
        ink = np.asarray(np.asarray(picture.crop(picture.getbbox())) / 255, np.float32)
        assert remove_ruled_lines(ink) is ink
        assert undo_inversion(ink) is ink


def test_a_bar_from_edge_to_edge_is_a_stroke() -> None:
    ink = np.zeros((100, 80), np.float32)
    ink[:, 30:50] = 1
    assert undo_inversion(ink) is ink


@pytest.mark.parametrize("first", range(1, 31, 3))
def test_a_stroke_along_a_line_as_dark_as_it_stays(first: int, predictor: Predictor) -> None:
    """A four's bar, the foot of a two and the top of a seven lie on a line at some of these heights."""
    assert [predictor.predict(ruled(digit, (40, 45, 80), first=first)).prediction for digit in (2, 4, 7)] == [2, 4, 7]
