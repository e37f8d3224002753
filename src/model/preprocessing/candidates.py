"""The readings of a picture: what may be its paper and what its ink.

A drawing on plain paper has one. Where the paper is uneven, or ink touches the edge of the picture, there are several,
and the network tells which of them shows a digit.
"""

from typing import Final

from src.model.preprocessing.background import estimate_shading, find_background
from src.model.preprocessing.contrast import GreyHistogram
from src.model.preprocessing.decode import Colours
from src.model.preprocessing.ink import Ink, find_box, measure_colours, measure_grey
from src.model.preprocessing.inverted_bands import undo_inversion
from src.model.preprocessing.ruled_lines import remove_ruled_lines

MAX_READINGS: Final = 8


def find_inks(colours: Colours) -> list[Ink]:
    """Return the ink of a picture, uint8 [H, W, C], in each of its readings, float32 [H, W] in 0..1.

    The likeliest is the first: even paper of the border's colour. It is the only one if the paper is clearly even. The
    others are shaded paper, the reverse of ink that touches the edge of the picture, the inside of a box, and ink that
    was repaired. There is none if the contrast is too low.
    """
    histogram = GreyHistogram(colours[..., 0]) if colours.shape[2] == 1 else None
    paper, is_clear = find_background(colours, histogram)
    if histogram:
        even = measure_grey(colours[..., 0], histogram, float(paper[0]))
    else:
        even = measure_colours(colours, paper)
    readings = _repair(even, colours)
    if not is_clear:
        if even is not None and _touches_edge(even):
            readings.append(1 - even)
        readings += _repair(measure_colours(colours, estimate_shading(colours)), colours)
    return readings[:MAX_READINGS]


def _repair(ink: Ink | None, colours: Colours) -> list[Ink]:
    """Return the readings that `ink` gives: inside a box, without ruled lines or inverted bands, and as it is."""
    if ink is None:
        return []
    box = find_box(ink)
    inside = [] if box is None else find_inks(colours[box])
    repaired = remove_ruled_lines(undo_inversion(ink))
    return [*inside, repaired, ink] if repaired is not ink else [*inside, ink]


def _touches_edge(ink: Ink) -> bool:
    return bool(max(edge.max() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1])) > 0.5)
