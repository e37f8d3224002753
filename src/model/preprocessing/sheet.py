"""Find the sheet of paper on a photograph that also shows what the sheet lies on, and cover the rest."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.decode import Colours

MIN_SIDE: Final = 100  # pixels of the shorter side: photographs are not smaller
MIN_AREA: Final = 0.15  # of the picture: a smaller region is no sheet ...
MAX_AREA: Final = 0.97  # ... and in a larger one, nothing around the sheet is to be seen
MIN_FILL: Final = 0.6  # of the sheet is bare paper: less is the outline of something
MIN_SOLIDITY: Final = 0.95  # of the convex hull: a sheet is convex
MIN_RECTANGULARITY: Final = 0.85  # of the smallest rectangle around it, which may be turned: a sheet has four corners
SMALL_SIDE: Final = 96  # pixels: the longer side of the copy in which the sheet's colours are continued ...
SPREAD: Final = 6  # ... and the deviation of the weights, in its pixels
MARGIN: Final = 50  # what is cut off along the sheet's edge is this part of the picture's shorter side


def cover_surroundings(colours: Colours) -> Colours:
    """Return a picture, [H, W, C], with the sheet's colour around the sheet; without a sheet, the same array."""
    if min(colours.shape[:2]) < MIN_SIDE:
        return colours
    grey = colours[..., 0] if colours.shape[2] == 1 else cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(grey, (0, 0), max(1.0, min(grey.shape) / 200))
    _, light = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    for mask in (light, cv2.bitwise_not(light)):
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        largest = max(outlines, key=cv2.contourArea, default=None)
        if largest is not None and is_sheet(largest, mask):
            return _cover(colours, largest)
    return colours


def is_sheet(outline: cv2.typing.MatLike, mask: cv2.typing.MatLike) -> bool:
    """Return whether an outline in `mask`, uint8 [H, W], is that of a sheet: solid, filled, with four corners."""
    hull = cv2.convexHull(outline)
    hull_area = cv2.contourArea(hull)
    if not MIN_AREA * mask.size <= hull_area <= MAX_AREA * mask.size:
        return False
    width, height = cv2.minAreaRect(hull)[1]
    if cv2.contourArea(outline) < MIN_SOLIDITY * hull_area or hull_area < MIN_RECTANGULARITY * width * height:
        return False
    inside = cv2.drawContours(np.zeros_like(mask), [hull], -1, 255, cv2.FILLED)
    return cv2.countNonZero(cv2.bitwise_and(inside, mask)) >= MIN_FILL * hull_area


def _cover(colours: Colours, outline: cv2.typing.MatLike) -> Colours:
    sheet = np.zeros(colours.shape[:2], np.uint8)
    cv2.drawContours(sheet, [cv2.convexHull(outline)], -1, 255, cv2.FILLED)
    side = 2 * (1 + min(colours.shape[:2]) // MARGIN) + 1
    inside = cv2.erode(sheet, np.ones((side, side), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    if not inside.any():
        return colours
    return np.where(inside[..., None], colours, _extend(colours, inside))


def _extend(colours: Colours, inside: NDArray[np.bool_]) -> Colours:
    """Return the colours near the inside, continued beyond it: means of the inside with Gaussian weights."""
    scale = SMALL_SIDE / max(inside.shape)
    size = (max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale)))
    weights = inside.astype(np.float32)
    layers = [weights, *(weights * colours[..., channel] for channel in range(colours.shape[2]))]
    blurred = [
        cv2.GaussianBlur(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), (0, 0), SPREAD) for layer in layers
    ]
    means = np.stack([layer / np.maximum(blurred[0], 1e-6) for layer in blurred[1:]], axis=2)
    means = np.where(blurred[0][..., None] > 1e-3, means, np.median(colours[inside], axis=0))
    large = cv2.resize(means.astype(np.float32), inside.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(np.rint(large), 0, 255), np.uint8).reshape(colours.shape)
