"""What would change the network's mind: a few pixels that, inked or erased, give another answer.

A greedy search without gradients, which needs nothing but the network's answers. Wachter, Mittelstadt and Russell,
"Counterfactual explanations without opening the black box" (2017), say what such explanations are good for.
"""

from dataclasses import dataclass
from time import thread_time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.inference.runtime import Runtime
from src.model.inference.steps import Steps

Pixels = NDArray[np.float32]  # [28, 28] in 0..1
Places = NDArray[np.intp]  # places of pixels, row by row

REACH: Final = 2  # pixels around the ink that may be inked
INK_LEVEL: Final = 0.5  # a pixel with more is erased, one with less is inked
SHORTLIST: Final = 64  # best pixels of a full round, which the next rounds try
REFRESH: Final = 4  # rounds from one full round to the next
MAX_PIXELS: Final = 40  # a larger change would be another drawing
MAX_PASSES: Final = 2_500
MAX_CPU_S: Final = 0.4  # seconds of processor time: on a busy machine, the same changes are found, but later


@dataclass(frozen=True)
class Change:
    """A set of pixels of the 28x28 picture none of which can be left out."""

    prediction: int  # 0..9, the answer after the change
    inked: list[tuple[int, int]]  # column and row of each pixel that becomes ink
    erased: list[tuple[int, int]]  # likewise, paper


def find_change(runtime: Runtime, pixels: Pixels, digit: int) -> Steps[Change | None]:
    """Return a small change of `pixels` after which the network no longer answers `digit`; None if none is found.

    Each round flips the pixel that brings another digit closest. Then pixels are put back as long as the answer stays
    changed. Takes at most `MAX_PASSES` passes through the network and `MAX_CPU_S`; pauses after each round.
    """
    search = _Search(runtime, pixels, digit)
    if not (yield from search.flip()):
        return None
    yield from search.put_back()
    return search.describe()


class _Search:
    """The state of a search: the picture as changed so far, and the places of the pixels that were flipped."""

    def __init__(self, runtime: Runtime, pixels: Pixels, digit: int) -> None:
        self._runtime, self._pixels, self._digit = runtime, pixels, digit
        self._current = pixels.copy()
        self._chosen: list[int] = []
        self._passes = MAX_PASSES
        self._cpu_s = MAX_CPU_S

    def flip(self) -> Steps[bool]:
        """Flip one pixel after the other; return whether the answer has changed at last."""
        near = _find_near(self._pixels)
        shortlist = near
        while len(self._chosen) < MAX_PIXELS and len(shortlist) and self._may_take(len(shortlist)):
            pictures = self._copy(len(shortlist))
            for picture, place in zip(pictures, shortlist, strict=True):
                picture.flat[place] = _flip(self._pixels.flat[place])
            margins = self._compute_margins(pictures)
            order = np.argsort(margins, kind="stable")
            self._current = pictures[order[0]]
            self._chosen.append(int(shortlist[order[0]]))
            yield
            if margins[order[0]] < 0:
                return True
            is_full_round = len(self._chosen) % REFRESH == 0
            shortlist = np.setdiff1d(near, self._chosen) if is_full_round else shortlist[order[1 : SHORTLIST + 1]]
        return False

    def put_back(self) -> Steps[None]:
        """Put back the pixels without which the answer stays changed, the least needed first."""
        while len(self._chosen) > 1 and self._may_take(len(self._chosen)):
            pictures = self._copy(len(self._chosen))
            for picture, place in zip(pictures, self._chosen, strict=True):
                picture.flat[place] = self._pixels.flat[place]
            margins = self._compute_margins(pictures)
            least = int(margins.argmin())
            if margins[least] >= 0:
                return
            self._current = pictures[least]
            del self._chosen[least]
            yield

    def describe(self) -> Change:
        """Return the change as it is now."""
        places: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        for place in sorted(self._chosen):
            row, column = divmod(place, len(self._pixels))
            places[bool(self._current.flat[place])].append((column, row))
        prediction = int(self._runtime.logits(self._current[None, None])[0].argmax())
        return Change(prediction, inked=places[True], erased=places[False])

    def _copy(self, count: int) -> NDArray[np.float32]:
        return np.repeat(self._current[None], count, 0)

    def _may_take(self, passes: int) -> bool:
        """Take some passes, if there are as many left, and time."""
        self._passes -= passes
        return self._passes >= 0 and self._cpu_s > 0

    def _compute_margins(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return by how much the digit's logit exceeds the largest of the others, [N], in pictures [N, 28, 28]."""
        start = thread_time()
        logits = self._runtime.logits(pictures[:, None])
        self._cpu_s -= thread_time() - start
        return np.asarray(logits[:, self._digit] - np.delete(logits, self._digit, axis=1).max(1))


def _find_near(pixels: Pixels) -> Places:
    """Return the places of the pixels with ink, and of those at most `REACH` from one."""
    near = np.zeros_like(pixels, bool)
    for row, column in np.argwhere(pixels > INK_LEVEL / 2):
        near[max(row - REACH, 0) : row + REACH + 1, max(column - REACH, 0) : column + REACH + 1] = True
    return np.flatnonzero(near)


def _flip(value: float) -> float:
    return 0.0 if value > INK_LEVEL else 1.0
