"""The strokes of handwritten digits, for tests that draw."""

from collections.abc import Sequence

Point = tuple[float, float]
Stroke = Sequence[Point]

STEPS = 4  # points of a curve between two points of its path

# Points x,y in hundredths of the sheet, y down; a bar where the pen is lifted.
_PATHS = {
    0: "52,14 41,18 33,30 30,48 33,68 42,82 53,86 63,79 70,64 71,46 67,28 60,17 51,14",
    1: "38,30 47,22 54,13 53,40 52,62 51,87",
    2: "29,33 33,22 43,15 55,15 65,23 66,35 59,49 47,63 36,75 27,85 45,84 60,85 74,84",
    3: "31,21 42,14 55,14 65,21 66,32 58,42 46,47 59,50 68,58 69,70 61,81 48,86 36,83 28,75",
    4: "46,14 39,30 31,46 25,58 42,58 60,57 77,56 | 62,36 61,55 59,72 58,89",
    5: "67,15 52,16 38,17 36,30 34,45 45,41 56,42 66,50 69,62 65,75 54,84 42,85 30,79",
    6: "63,14 52,21 42,34 35,49 32,64 36,78 46,86 58,84 67,75 67,63 59,54 48,53 38,60 34,70",
    7: "26,18 42,17 58,17 73,16 66,33 58,51 51,69 45,87",
    8: "65,25 57,15 45,14 36,21 36,33 45,43 57,52 66,63 66,76 57,85 45,86 35,78 34,66 43,54 55,44 64,35 65,25",
    9: "67,28 58,16 46,15 35,23 33,36 40,47 52,48 62,41 67,29 67,46 64,64 60,76 55,87",
}


def _strokes(path: str) -> list[Stroke]:
    return [curve([_point(pair) for pair in stroke.split()]) for stroke in path.split("|")]


def _point(pair: str) -> Point:
    x, y = pair.split(",")
    return float(x), float(y)


def curve(stroke: Stroke) -> list[Point]:
    """Return a smooth curve through the points of `stroke`: a Catmull-Rom spline."""
    ends = [stroke[0], *stroke, stroke[-1]]
    between = [step / STEPS for step in range(STEPS)]
    spans = zip(ends, ends[1:], ends[2:], ends[3:], strict=False)
    path = [(_spline(x, t), _spline(y, t)) for span in spans for x, y in [zip(*span, strict=True)] for t in between]
    return [*path, stroke[-1]]


def _spline(values: Sequence[float], t: float) -> float:
    a, b, c, d = values
    return b + t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * b - a - 3 * c + d))) / 2


DIGITS = {digit: _strokes(path) for digit, path in _PATHS.items()}
