"""Segmentation: lines in reading order, candidates that contain every digit whole, and bounded work."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from src.model.errors import BlankPicture
from src.model.preprocessing.ink import Ink
from src.model.preprocessing.segmentation import graph as segmentation
from src.model.preprocessing.segmentation.graph import LineGraph, segment, segment_picture
from tests.pictures import MAX_PIXELS, drawn, encoded, mnist, written


def ink_of(picture: Image.Image) -> Ink:
    """Return the ink of a picture that is black on white."""
    return np.asarray(1 - np.asarray(picture, np.float32) / 255, np.float32)


def segment_written(*lines: str, step: float = 0.62) -> list[LineGraph]:
    return segment(ink_of(written(*lines, step=step))).lines


def find_box(graph: LineGraph, left: float, right: float, tolerance: float = 4) -> bool:
    """Return whether a candidate reaches from column `left` to `right`."""
    edges = np.column_stack([graph.boxes[:, 0], graph.boxes[:, 0] + graph.boxes[:, 2]])
    return bool((np.abs(edges - (left, right)) <= tolerance).all(1).any())


def columns_of(picture: Image.Image) -> tuple[int, int]:
    """Return where the ink of a picture begins and ends, from left to right."""
    columns = np.flatnonzero(ink_of(picture).max(0) > 0.2)
    return int(columns[0]), int(columns[-1]) + 1


def test_lines_come_from_top_to_bottom() -> None:
    graphs = segment_written("12", "345", "6")
    assert [graph.boxes[:, 1].min() // 100 for graph in graphs] == [0, 1, 2]


def test_a_line_that_slopes_stays_one_line() -> None:
    turned = written("2026204").rotate(5, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert len(segment(ink_of(turned)).lines) == 1


def test_two_lines_that_slope_stay_two_lines() -> None:
    turned = written("2026204", "7351982").rotate(-5, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert len(segment(ink_of(turned)).lines) == 2


def test_digits_that_touch_are_candidates() -> None:
    (graph,) = segment_written("10", step=0.36)
    assert graph.is_cut.any()
    for column, digit in enumerate((1, 0)):
        box = (36 * column, 0, 100)
        assert find_box(graph, *columns_of(drawn(digit, (136, 100), 7, box)))


def test_a_digit_in_two_pieces_is_a_candidate() -> None:
    pixels = np.array(written("54"))
    pixels[22:28, 20:70] = 255  # between the bar of the 5 and its body
    graph = segment(ink_of(Image.fromarray(pixels))).lines[0]
    assert find_box(graph, *columns_of(drawn(5, (162, 100), 7, (0, 0, 100))))


def test_every_candidate_is_framed_and_has_its_surroundings() -> None:
    (graph,) = segment_written("2026")
    count = len(graph.spans)
    pixels = np.array([graph.frame(index) for index in range(count)])
    contexts = graph.draw_contexts(np.arange(count))
    assert pixels.shape == (count, 28, 28)
    assert contexts.shape == (count, 2, 24, 36)
    assert (pixels.max((1, 2)) == 1).mean() > 0.9  # the others are dots, left blank
    assert contexts[:, 0].any((1, 2)).all()
    assert contexts[:, 1].any((1, 2)).all()
    assert not (graph.spans[:, 0] >= graph.spans[:, 1]).any()


def test_there_is_a_path_without_cuts() -> None:
    (graph,) = segment_written("10420", step=0.4)
    reached = {0}
    for start, end in sorted(graph.spans.tolist()):
        if start in reached and not graph.is_cut[[start, end]].any():
            reached.add(end)
    assert len(graph.is_cut) - 1 in reached


def test_boxes_are_in_pixels_of_the_picture_even_if_it_was_enlarged() -> None:
    (graph,) = segment(np.asarray(np.asarray(mnist(4)) / 255, np.float32)).lines
    box = graph.boxes[graph.spans[:, 1] - graph.spans[:, 0] == len(graph.is_cut) - 1][0]
    left, top, right, bottom = mnist(4).getbbox() or (0, 0, 0, 0)
    assert box == pytest.approx((left, top, right - left, bottom - top), abs=3)


def test_boxes_are_in_pixels_of_the_file_even_if_it_was_scaled_down() -> None:
    picture = drawn(7, size=(2000, 1000), pen=60, box=(1000, 0, 1000))
    graph = segment_picture(encoded(picture), MAX_PIXELS).segmentations[0].lines[0]
    left, right = columns_of(picture)
    assert find_box(graph, left, right, tolerance=8)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_boxes_are_those_of_the_upright_picture(orientation: int) -> None:
    upright = drawn(7, size=(300, 200), pen=14, box=(100, 0, 200))
    turned = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    stored = upright.transpose(turned[orientation]) if orientation in turned else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    graph = segment_picture(encoded(stored, "JPEG", quality=95, exif=exif), MAX_PIXELS).segmentations[0].lines[0]
    assert find_box(graph, *columns_of(upright))


def test_a_blank_picture_is_refused() -> None:
    with pytest.raises(BlankPicture):
        segment(np.zeros((100, 100), np.float32))


def test_the_smallest_of_too_many_pieces_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmentation, "MAX_PIECES", 3)
    result = segment(ink_of(written("1234")))
    assert result.truncated
    assert sum(int((~graph.is_cut[1:-1]).sum()) + 1 for graph in result.lines) == 3
    assert not segment(ink_of(written("123"))).truncated


def hatch(step: int) -> Ink:
    """Return strokes in all directions, crossing each other."""
    rows, columns = np.mgrid[:800, :800]
    ink: NDArray[np.bool_] = ((rows + columns) % step < 3) | ((rows - columns) % step < 3)
    return ink.astype(np.float32)


@pytest.mark.parametrize(
    "ink",
    [
        pytest.param(np.kron(np.indices((100, 100)).sum(0) % 2, np.ones((8, 8))).astype(np.float32), id="chessboard"),
        pytest.param((np.indices((800, 800))[1] % 6 < 3).astype(np.float32), id="stripes"),
        pytest.param((np.indices((800, 800)).max(0) % 12 < 5).astype(np.float32), id="corners"),
        pytest.param(hatch(40), id="hatched"),
        pytest.param((np.random.default_rng(1).random((800, 800)) > 0.6).astype(np.float32), id="noise"),
    ],
)
def test_any_picture_has_a_bounded_number_of_candidates(ink: Ink) -> None:
    candidates = sum(len(graph.spans) for graph in segment(ink).lines)
    assert candidates <= (segmentation.MAX_PIECES + segmentation.MAX_CUTS) * segmentation.MAX_RUN
