import numpy as np
import pytest

from src.model.data.degradations import WAYS, crossed, grainy, hollow, smudged, wear
from src.model.preprocessing.ink import Ink


@pytest.fixture
def stem() -> Ink:
    ink = np.zeros((112, 112), np.float32)
    ink[20:92, 50:62] = 1
    return ink


def test_a_hollow_stroke_has_paper_inside_and_ink_around(stem: Ink) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        worn = hollow(stem, random)
        assert worn[56, 56] < 0.2
        assert worn[56, 40:56].max() > 0.8
        assert worn[56, 56:72].max() > 0.8


def test_stray_lines_take_no_ink_away(stem: Ink) -> None:
    worn = crossed(stem, np.random.default_rng(1))
    assert (worn >= stem).all()
    assert (worn > stem).any()


def test_grain_leaves_the_paper_white(stem: Ink) -> None:
    worn = grainy(stem, np.random.default_rng(2))
    assert worn[stem == 0].max() == 0
    assert worn[stem == 1].std() > 0


def test_a_smudge_is_of_one_faint_tone(stem: Ink) -> None:
    worn = smudged(stem, np.random.default_rng(3))
    (tone,) = set(worn[worn != stem].tolist())
    assert 0 <= tone < 0.5


def test_worn_ink_stays_in_range_and_is_never_what_it_was(stem: Ink) -> None:
    random = np.random.default_rng(4)
    for _ in range(10 * len(WAYS)):
        worn = wear(stem, random)
        assert worn.shape == stem.shape
        assert worn.min() >= 0
        assert worn.max() <= 1
        assert not np.array_equal(worn, stem)
