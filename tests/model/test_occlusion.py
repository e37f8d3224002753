import numpy as np

from src.model import occlusion
from src.model.runtime import Images, Logits

PLACE = (slice(10, 14), slice(16, 20))


class Looks:
    """A network that sees a 3 in whatever is bright at one place."""

    asked = 0

    def logits(self, images: Images) -> Logits:
        self.asked += 1
        logits = np.zeros((len(images), 10), np.float32)
        logits[:, 3] = images[:, 0, *PLACE].sum((1, 2))
        return logits


def test_the_heat_is_where_the_network_looks() -> None:
    heat = occlusion.heat(Looks(), np.ones((28, 28), np.float32), 3)
    assert heat.shape == (28, 28)
    assert heat[PLACE].min() > 0.7
    assert heat.max() == 1
    assert heat[:4].max() == heat[:, :8].max() == 0


def test_an_answer_that_covering_only_helps_rests_nowhere() -> None:
    assert occlusion.heat(Looks(), np.ones((28, 28), np.float32), 5).max() == 0


def test_the_network_is_asked_once_and_every_pixel_is_covered() -> None:
    network = Looks()
    occlusion.heat(network, np.zeros((28, 28), np.float32), 3)
    assert network.asked == 1
    covered = np.zeros((28, 28), bool)
    for y, x in occlusion.CORNERS:
        covered[y : y + occlusion.PATCH, x : x + occlusion.PATCH] = True
    assert covered.all()
