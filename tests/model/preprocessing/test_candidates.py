import numpy as np
import pytest
from PIL import Image, ImageFilter

from src.model.data.mnist import encode_png
from src.model.inference.predictor import Predictor
from src.model.preprocessing.candidates import MAX_READINGS, find_inks
from src.model.preprocessing.decode import decode
from src.model.preprocessing.ink import Ink
from tests.model.preprocessing import samples
from tests.pictures import MAX_PIXELS, drawn, encoded


def inks_of(data: bytes) -> list[Ink]:
    return find_inks(decode(data, MAX_PIXELS))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_picture_has_no_readings(level: int) -> None:
    assert find_inks(np.full((280, 280, 1), level, np.uint8)) == []


def test_a_transparent_picture_has_no_readings() -> None:
    assert inks_of(encoded(Image.new("RGBA", (280, 280)))) == []


def test_noisy_shaded_paper_without_ink_has_no_readings() -> None:
    levels = np.random.default_rng(0).normal(200, 3, (280, 280)) * samples.sloping_light()
    smooth = Image.fromarray(levels.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
    assert find_inks(np.asarray(smooth)[..., None]) == []


@pytest.mark.parametrize(
    "name", ["drawing", "white on black", "hair-thin pen", "blue on yellow", "one bit", "strongly compressed JPEG"]
)
def test_a_drawing_on_plain_paper_has_one_reading(name: str) -> None:
    for digit in range(10):
        assert len(inks_of(samples.SAMPLES[name](digit))) == 1


def test_ink_at_the_edge_is_also_read_in_reverse() -> None:
    picture = samples.tightly_cropped(4)
    inks = inks_of(encoded(picture))
    light = np.asarray(picture, np.float32) / 255
    assert any(np.allclose(ink, light, atol=0.02) for ink in inks)
    assert any(np.allclose(ink, 1 - light, atol=0.02) for ink in inks)


def test_a_digit_that_fills_a_square_is_also_read_narrower() -> None:
    scan = samples.tightly_cropped(1).point(lambda level: 255 * (level > 127))
    square = scan.crop(scan.getbbox()).resize((40, 40))
    assert any(ink.shape == (160, 80) for ink in inks_of(encoded(square)))
    assert all(ink.shape == (40, 39) for ink in inks_of(encoded(square.crop((0, 0, 39, 40)))))


def test_shaded_paper_is_read_as_even_and_as_shaded() -> None:
    assert len(inks_of(samples.photo(4, samples.sloping_light(), 3))) >= 2


def test_a_digit_under_a_flash_that_outshines_its_ink_is_read(predictor: Predictor) -> None:
    rows, columns = np.mgrid[:280, :280] / 280
    spot = np.exp(-((rows - 0.6) ** 2 + (columns - 0.5) ** 2) / 0.1)
    read = []
    for digit in range(10):
        ink = 1 - np.asarray(drawn(digit, pen=3), np.float32) / 255
        levels = (90 + 140 * spot) * (1 - 0.45 * ink) + np.random.default_rng(digit).normal(0, 1, ink.shape)
        read.append(predictor.predict(encoded(Image.fromarray(levels.clip(0, 255).astype(np.uint8)))).prediction)
    assert read == list(range(10))


def test_ruled_paper_is_read_with_and_without_its_lines() -> None:
    inks = inks_of(samples.ruled(4, samples.DARK_RULING))
    with_lines = [bool((ink[:, 5:15] > 0.5).any()) for ink in inks]
    assert with_lines[0] is False
    assert True in with_lines


@pytest.mark.parametrize("page", [128, 255])
def test_a_picture_pasted_on_a_page_is_read_first(page: int) -> None:
    ink = inks_of(samples.pasted_box(4, page))[0]
    margin = 1 + 280 // 50
    expected = 1 - np.asarray(drawn(4), np.float32)[margin:-margin, margin:-margin] / 255
    np.testing.assert_allclose(ink, expected, atol=0.01)


def test_boxes_in_boxes_have_a_bounded_number_of_readings() -> None:
    levels = np.full((800, 800), 255, np.uint8)
    for number in range(8):
        margin = round(400 - 390 * 0.62**number)
        levels[margin:-margin, margin:-margin] = 255 * (number % 2)
    assert 4 <= len(inks_of(encode_png(levels))) <= MAX_READINGS


def test_black_and_white_scans_have_no_shading() -> None:
    scan = (np.asarray(samples.tightly_cropped(4)) > 127) * np.uint8(255)
    assert len(inks_of(encode_png(scan))) == 2
