"""The committed pictures of the page, and how another one is compared with them."""

import io
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from playwright.sync_api import Page, ViewportSize

from src.settings import ROOT
from tests.browser import states

COMMITTED: Final = ROOT / "tests" / "browser" / "screens"
SEEN: Final = ROOT / "build" / "screens"  # not in git; CI keeps them to be looked at
# Not all of the walk: the camera's test picture moves, and the others differ from these in a line.
LEFT_OUT: Final = ("little", "files", "camera", "sample")
STATES: Final = tuple(state for state in states.STATES if state not in LEFT_OUT)

BLOCK: Final = 4  # side of the squares that are averaged, since letters' edges differ between machines
MAX_LEVELS: Final = 24  # of 255, by which a block may differ
MAX_DIFFERENCE: Final = 0.01  # share of blocks that may differ more: other percentages, another version


def file_name(state: str, device: str, theme: str, language: str) -> str:
    """Return the name of a picture."""
    return f"{state}-{device}-{theme}-{language}.webp"


def photograph(page: Page) -> Image.Image:
    """Return the whole page."""
    window = make_high_enough(page)
    picture = page.screenshot(animations="disabled")
    page.set_viewport_size(window)
    return Image.open(io.BytesIO(picture)).convert("RGB")


def make_high_enough(page: Page) -> ViewportSize:
    """Make the window as high as the page, since only the page's main part scrolls. Return the size it had."""
    window = page.viewport_size
    assert window
    height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
    page.set_viewport_size({"width": window["width"], "height": max(height, window["height"])})
    return window


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture in little space."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "WEBP", quality=60, method=6)


def difference(picture: Image.Image, other: Image.Image) -> float:
    """Return the share of blocks that differ; where one picture is taller, all do."""
    if picture.width != other.width:
        return 1.0
    height = max(picture.height, other.height)
    levels = np.abs(_average_blocks(picture, height) - _average_blocks(other, height)).max(-1)
    return float((levels > MAX_LEVELS).mean())


def _average_blocks(picture: Image.Image, height: int) -> np.typing.NDArray[np.int16]:
    canvas = Image.new("RGB", (picture.width, height), (255, 0, 255))
    canvas.paste(picture)
    small = canvas.resize((picture.width // BLOCK, height // BLOCK), Image.Resampling.BOX)
    return np.asarray(small, np.int16)
