import json

import numpy as np
import pytest

from src.model.data.mnist import Mnist
from src.model.experiments import recovery_curve
from src.model.experiments.recovery_curve import COUNTS, Recoveries, Recovery, misplacement
from src.model.experiments.runs import permutation
from src.settings import RESULTS_DIR

GRID = np.arange(784).reshape(28, 28)
EVENLY = np.ones(784)


@pytest.mark.parametrize("whole", [GRID.T, GRID[::-1], np.rot90(GRID), np.roll(GRID, 2, 0)])
def test_a_layout_that_is_turned_mirrored_or_moved_as_a_whole_is_right(
    whole: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> None:
    ink = np.zeros((28, 28))
    ink[8:20, 8:20] = 1  # far enough from the edge for nothing to wrap around
    assert misplacement(GRID.ravel(), whole.ravel(), ink.ravel() + 1e-12) == pytest.approx(0, abs=1e-6)


def test_two_neighbours_exchanged_lie_a_pixel_off_each() -> None:
    places = np.arange(784)
    places[[400, 401]] = 401, 400
    assert misplacement(places, np.arange(784), EVENLY) == pytest.approx(2 / 784)


def test_a_random_layout_is_far_off() -> None:
    assert misplacement(permutation(0).numpy(), np.arange(784), EVENLY) > 8


def test_pictures_are_drawn_without_their_labels_or_repeats(few_digits: Mnist) -> None:
    drawn = recovery_curve._drawn(few_digits, 150, 0)
    assert drawn.shape == (150, 784)
    assert not np.array_equal(drawn, recovery_curve._drawn(few_digits, 150, 1))


def committed() -> list[Recovery]:
    return Recoveries.model_validate_json((RESULTS_DIR / "recovery.json").read_text()).runs


def test_the_committed_curve_goes_from_a_hundred_pictures_to_all() -> None:
    assert {(run.pictures, run.seed) for run in committed()} == {(count, seed) for count in COUNTS for seed in range(5)}


def test_the_committed_curve_ends_with_every_pixel_in_its_place() -> None:
    assert max(run.error for run in committed() if run.pictures == 60_000) < 0.05
    assert all(json.loads(run.model_dump_json()) for run in committed())
