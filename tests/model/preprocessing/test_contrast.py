import numpy as np
import pytest

from src.model.preprocessing.contrast import LEVELS, GreyHistogram, estimate_noise, find_ink_axis

WHOLE = slice(None), slice(None)


@pytest.mark.parametrize("paper", [0.0, 17.0, 127.5, 255.0])
def test_histogram_gives_the_same_contrast_and_noise_as_the_pixels(paper: float) -> None:
    random = np.random.default_rng(int(paper))
    for _ in range(50):
        ink = random.integers(0, 256, random.integers(1, 400))
        noisy = paper + random.normal(0, 3, 500)
        grey = np.concatenate([np.full(1000, paper), ink, noisy]).clip(0, 255).astype(np.uint8)
        histogram = GreyHistogram(grey[None], WHOLE)
        (direction,), pixel_contrast = find_ink_axis((grey - np.float32(paper))[:, None])
        sign, contrast = histogram.find_ink_axis(paper)
        assert sign * (contrast > 0) == direction
        assert contrast == pytest.approx(pixel_contrast, abs=1e-3)
        pixel_noise = estimate_noise((grey - np.float32(paper)) * np.float32(sign), contrast / 2)
        assert histogram.estimate_noise(paper, sign, contrast / 2) == pytest.approx(pixel_noise, abs=0.1)


def test_even_paper_has_no_contrast_and_no_noise() -> None:
    histogram = GreyHistogram(np.full((28, 28), 200, np.uint8), WHOLE)
    assert histogram.find_ink_axis(200.0)[1] == 0
    assert histogram.estimate_noise(200.0, 1.0, 0.0) == 0


def test_pixels_outside_the_box_count_with_the_first_level() -> None:
    grey = np.full((20, 30), 200, np.uint8)
    grey[5:9, 10:14] = 40
    histogram = GreyHistogram(grey, (slice(5, 9), slice(10, 14)))
    assert histogram.share_within(200, 200) == 1 - 16 / 600
    assert histogram.share_within(40, 40) == 16 / 600


def test_share_within_counts_both_ends() -> None:
    histogram = GreyHistogram(LEVELS.astype(np.uint8)[None], WHOLE)
    assert histogram.share_within(-0.5, 0.5) == 1 / 256
    assert histogram.share_within(245.5, 265.5) == 10 / 256
    assert histogram.share_within(10, 20) == 11 / 256
