"""Pictures of the page that are committed, and how another one is compared with them."""

import io
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from src.settings import ROOT

COMMITTED: Final = ROOT / "tests" / "browser" / "screens"
SEEN: Final = ROOT / "build" / "screens"  # not in git: what CI keeps for those who want to look
STATES: Final = ("nothing", "answer", "scrambled")

COARSE: Final = 4  # pixels that are averaged, each way: edges of letters differ from machine to machine
LEVELS: Final = 24  # of 255, by which a coarse pixel may be off
SHARE: Final = 0.01  # of the coarse pixels may be further off: other percentages, another version at the foot


def file_name(state: str, device: str, theme: str) -> str:
    """Return what a picture is called."""
    return f"{state}-{device}-{theme}.webp"


def photograph(page: Page) -> Image.Image:
    """Return the whole page as it is: what scrolls in it is the main part, so the window is made as high as that."""
    window = page.viewport_size
    assert window
    height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
    page.set_viewport_size({"width": window["width"], "height": max(height, window["height"])})
    picture = page.screenshot(animations="disabled")
    page.set_viewport_size(window)
    return Image.open(io.BytesIO(picture)).convert("RGB")


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture, small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "WEBP", quality=60, method=6)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return which share of the two pictures is not alike; what one is taller than the other isn't."""
    if one.width != other.width:
        return 1.0
    height = max(one.height, other.height)
    apart = np.abs(_coarse(one, height) - _coarse(other, height)).max(-1)
    return float((apart > LEVELS).mean())


def _coarse(picture: Image.Image, height: int) -> np.typing.NDArray[np.int16]:
    whole = Image.new("RGB", (picture.width, height), (255, 0, 255))
    whole.paste(picture)
    small = whole.resize((picture.width // COARSE, height // COARSE), Image.Resampling.BOX)
    return np.asarray(small, np.int16)
