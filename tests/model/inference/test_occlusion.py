import numpy as np

from src.model.inference import occlusion
from src.model.inference.runtime import Images, Logits

PLACE = (slice(10, 14), slice(16, 20))


class PictureStats:
    """A network that sees a 3 in whatever is bright at one place."""

    def __init__(self) -> None:
        self.asked: list[int] = []  # how many pictures at once

    def logits(self, images: Images) -> Logits:
        self.asked.append(len(images))
        logits = np.zeros((len(images), 10), np.float32)
        logits[:, 3] = images[:, 0, *PLACE].sum((1, 2))
        return logits


def test_the_heat_is_where_the_network_looks() -> None:
    heat = occlusion.heat(PictureStats(), np.ones((28, 28), np.float32), 3)
    assert heat.shape == (28, 28)
    assert heat[PLACE].min() > 0.6
    assert heat.max() == 1
    assert heat[:4].max() == heat[:, :8].max() == 0


def test_an_answer_that_covering_only_helps_rests_nowhere() -> None:
    assert occlusion.heat(PictureStats(), np.ones((28, 28), np.float32), 5).max() == 0


def test_the_network_is_asked_once_and_not_for_what_covers_blank_paper() -> None:
    network = PictureStats()
    pixels = np.zeros((28, 28), np.float32)
    pixels[0, 0] = 1
    occlusion.heat(network, pixels, 3)
    assert network.asked == [2]  # the whole, and the one patch in the corner


def test_every_pixel_is_covered() -> None:
    covered = np.zeros((28, 28), bool)
    for y, x in occlusion.CORNERS:
        covered[y : y + occlusion.PATCH, x : x + occlusion.PATCH] = True
    assert covered.all()
