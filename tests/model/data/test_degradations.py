import numpy as np
import pytest

from src.model.data.degradations import DEGRADATIONS, add_grain, cross_out, degrade, outline, smudge
from src.model.preprocessing.ink import Ink


@pytest.fixture
def stem() -> Ink:
    ink = np.zeros((112, 112), np.float32)
    ink[20:92, 50:62] = 1
    return ink


def test_outline_has_paper_inside_and_ink_around(stem: Ink) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        degraded = outline(stem, random)
        assert degraded[56, 56] < 0.2
        assert degraded[56, 40:56].max() > 0.8
        assert degraded[56, 56:72].max() > 0.8


def test_stray_lines_add_ink_only(stem: Ink) -> None:
    degraded = cross_out(stem, np.random.default_rng(1))
    assert (degraded >= stem).all()
    assert (degraded > stem).any()


def test_grain_changes_ink_only(stem: Ink) -> None:
    degraded = add_grain(stem, np.random.default_rng(2))
    assert degraded[stem == 0].max() == 0
    assert degraded[stem == 1].std() > 0


def test_smudge_has_one_faint_tone(stem: Ink) -> None:
    degraded = smudge(stem, np.random.default_rng(3))
    (tone,) = set(degraded[degraded != stem].tolist())
    assert 0 <= tone < 0.5


def test_degraded_ink_stays_in_range_and_always_differs(stem: Ink) -> None:
    random = np.random.default_rng(4)
    for _ in range(10 * len(DEGRADATIONS)):
        degraded = degrade(stem, random)
        assert degraded.shape == stem.shape
        assert degraded.min() >= 0
        assert degraded.max() <= 1
        assert not np.array_equal(degraded, stem)
