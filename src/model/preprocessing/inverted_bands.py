"""Pictures in bands whose colours are exchanged: ink on paper becomes paper on ink where one begins.

Such a band goes from edge to edge, and what is written goes on through it. A wide stroke does, too, if the picture is
cut that tightly, but nothing is written inside a stroke.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.preprocessing.ink import Ink

LEAST: Final = 0.1  # of the picture's width: a narrower band is a stroke
AGREEING: Final = 0.95  # of the upper and the lower edge are of the same tone
WRITTEN: Final = 0.02  # of an exchanged band is of the other tone, away from its sides


def straightened(ink: Ink) -> Ink:
    """Return the ink with exchanged bands, upright or lying, changed back; what has none comes back as it is."""
    upright = _exchanged(ink)
    if upright.any():
        return np.where(upright, 1 - ink, ink)
    lying = _exchanged(ink.T)
    return np.where(lying[:, None], 1 - ink, ink) if lying.any() else ink


def _exchanged(ink: Ink) -> NDArray[np.bool_]:
    """Return which columns, [W], belong to an exchanged band."""
    exchanged = np.zeros(ink.shape[1], bool)
    top = ink[0] > 0.5
    if not top.any():
        return exchanged
    bottom = ink[-1] > 0.5
    if (top == bottom).mean() < AGREEING:
        return exchanged
    for start, end in _runs(top & bottom):
        if end - start >= LEAST * len(exchanged) and _is_written_in(ink[:, start:end]):
            exchanged[start:end] = True
    return exchanged


def _runs(inked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where runs of true values start and end."""
    steps = np.flatnonzero(np.diff(np.pad(inked.astype(np.int8), 1)))
    return [(int(start), int(end)) for start, end in steps.reshape(-1, 2)]


def _is_written_in(band: Ink) -> bool:
    """Tell whether a band of ink, [H, w], has paper inside that does not come in from its upper or lower edge."""
    margin = max(1, band.shape[0] // 20)
    paper = band[margin:-margin] < 0.5
    return bool(paper.size and WRITTEN < paper.mean() < 0.5)
