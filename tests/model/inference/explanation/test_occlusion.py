import numpy as np
import pytest

from src.model.inference.explanation.occlusion import PATCHES, compute_heat
from src.model.inference.runtime import Images, Logits

REGION = (slice(10, 14), slice(16, 20))


class RegionRuntime:
    """A stand-in for a network: the logit of 3 is the brightness of one region."""

    def __init__(self) -> None:
        self.batches: list[int] = []  # number of pictures in each

    def logits(self, images: Images) -> Logits:
        self.batches.append(len(images))
        logits = np.zeros((len(images), 10), np.float32)
        logits[:, 3] = images[:, 0, *REGION].sum((1, 2))
        return logits


@pytest.fixture
def runtime() -> RegionRuntime:
    return RegionRuntime()


def test_heat_is_where_the_network_looks(runtime: RegionRuntime) -> None:
    heat = compute_heat(runtime, np.ones((28, 28), np.float32), 3)
    assert heat.shape == (28, 28)
    assert heat[REGION].min() > 0.6
    assert heat.max() == 1
    assert heat[:4].max() == heat[:, :8].max() == 0


def test_heat_is_zero_if_covering_only_raises_the_odds(runtime: RegionRuntime) -> None:
    assert compute_heat(runtime, np.ones((28, 28), np.float32), 5).max() == 0


def test_one_pass_without_patches_of_blank_paper(runtime: RegionRuntime) -> None:
    pixels = np.zeros((28, 28), np.float32)
    pixels[0, 0] = 1
    compute_heat(runtime, pixels, 3)
    assert runtime.batches == [2]  # the picture, and the one patch in the corner


def test_every_pixel_is_covered() -> None:
    covered = np.zeros((28, 28), bool)
    for patch in PATCHES:
        covered[patch] = True
    assert covered.all()
