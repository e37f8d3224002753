"""Undo bands of inverted colours: parts of a picture in which the digit is light on dark instead of dark on light.

Such a band reaches from edge to edge, and the digit continues inside it. Strokes of a tightly cropped digit may look
alike: the network sees such a picture both ways.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.ink import Ink

MIN_WIDTH: Final = 0.1  # of the picture: a narrower band is a stroke


def undo_inversion(ink: Ink) -> Ink:
    """Return [H, W] with its inverted bands, vertical or horizontal, inverted back; without any, the same array."""
    columns = _find_inverted_columns(ink)
    if columns.any():
        return np.where(columns, 1 - ink, ink)
    rows = _find_inverted_columns(ink.T)
    return np.where(rows[:, None], 1 - ink, ink) if rows.any() else ink


def _find_inverted_columns(ink: Ink) -> NDArray[np.bool_]:
    """Return which columns of [H, W] belong to an inverted band, [W]."""
    is_inverted = np.zeros(ink.shape[1], bool)
    top = ink[0] > 0.5
    if not top.any():
        return is_inverted
    changes = np.flatnonzero(np.diff(np.pad((top & (ink[-1] > 0.5)).astype(np.int8), 1)))
    for start, end in changes.reshape(-1, 2):
        if end - start >= MIN_WIDTH * ink.shape[1] and _has_writing(ink[:, start:end]):
            is_inverted[start:end] = True
    return is_inverted


def _has_writing(band: Ink) -> bool:
    """Return whether a part of a vertical band of ink, but less than half of it, is paper."""
    return bool(0 < (band < 0.5).mean() < 0.5)
