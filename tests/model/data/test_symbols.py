from itertools import pairwise

import numpy as np
import pytest
from HersheyFonts import HersheyFonts  # type: ignore[import-untyped] # the package has no types

from src.model.data.pen_strokes import CANVAS
from src.model.data.symbols import GLYPHS, MARKS, draw_symbol, load_symbols


def test_every_glyph_fills_a_square_of_side_one_with_strokes() -> None:
    symbols = load_symbols()
    assert len(symbols) == sum(map(len, GLYPHS.values()))
    for shape in symbols:
        points = np.array([point for stroke in shape for curve in stroke for point in curve])
        assert points.min() == pytest.approx(0, abs=0.1)  # a curve may lose its outermost point
        assert points.max() == pytest.approx(1, abs=0.1)


def test_no_glyph_is_a_digit() -> None:
    font = HersheyFonts()
    for name in GLYPHS.keys() - {"japanese", "symbolic"}:  # these have other signs in the places of digits
        font.load_default_font(name)
        digits = [font.all_glyphs[digit].strokes for digit in "0123456789"]
        assert not [character for character in GLYPHS[name] if font.all_glyphs[character].strokes in digits]


def test_curves_of_a_stroke_meet() -> None:
    for shape in (*load_symbols(), *(mark(np.random.default_rng(0)) for mark in MARKS)):
        for stroke in shape:
            assert all(before[-1] == after[0] for before, after in pairwise(stroke))


def test_symbols_are_drawn_with_ink_and_paper_left() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        ink = draw_symbol(random)
        assert ink.shape == (CANVAS, CANVAS)
        assert ink.max() == 1
        assert ink.mean() < 0.7


def test_seed_alone_decides_a_symbol() -> None:
    once, again, other = (draw_symbol(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)
