import numpy as np
import pytest

from src.model.preprocessing import contrast, levels


@pytest.mark.parametrize("paper", [0.0, 17.0, 127.5, 255.0])
def test_counted_levels_tell_of_the_pen_what_the_pixels_do(paper: float) -> None:
    random = np.random.default_rng(int(paper))
    for _ in range(50):
        ink = random.integers(0, 256, random.integers(1, 400))
        noisy = paper + random.normal(0, 3, 500)
        grey = np.concatenate([np.full(1000, paper), ink, noisy]).clip(0, 255).astype(np.uint8)
        counts = levels.Counts(grey)
        (direction,), far = contrast.find_pen((grey - np.float32(paper))[:, None])
        sign, reach = levels.find_pen(counts, paper)
        assert sign * (reach > 0) == direction
        assert reach == pytest.approx(far, abs=1e-3)
        along = (levels.LEVELS - np.float32(paper)) * np.float32(sign)
        by_pixel = contrast.grain(along[grey], reach / 2)
        assert levels.grain(counts, paper, sign, reach / 2) == pytest.approx(by_pixel, abs=0.1)


def test_paper_alone_has_no_pen() -> None:
    counts = levels.Counts(np.full(784, 200, np.uint8))
    assert levels.find_pen(counts, 200.0)[1] == 0
    assert levels.grain(counts, 200.0, 1.0, 0.0) == 0
