from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data.mnist import Digits, Mnist
from src.model.experiments import recovery_curve
from src.model.experiments.recovery_curve import COUNTS, Recovery, measure_error
from src.model.experiments.runs import make_permutation

GRID = np.arange(784).reshape(28, 28)
EVENLY = np.ones(784)


@pytest.mark.parametrize("whole", [GRID.T, GRID[::-1], np.rot90(GRID), np.roll(GRID, 2, 0)])
def test_layout_rotated_mirrored_or_shifted_as_a_whole_has_no_error(
    whole: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> None:
    ink = np.zeros((28, 28))
    ink[8:20, 8:20] = 1  # far enough from the edge for nothing to wrap around
    assert measure_error(GRID.ravel(), whole.ravel(), ink.ravel() + 1e-12) == pytest.approx(0, abs=1e-6)


def test_two_swapped_neighbours_are_one_pixel_off_each() -> None:
    places = np.arange(784)
    places[[400, 401]] = 401, 400
    assert measure_error(places, np.arange(784), EVENLY) == pytest.approx(2 / 784)


def test_random_layout_has_a_large_error() -> None:
    assert measure_error(make_permutation(0).numpy(), np.arange(784), EVENLY) > 8


def test_sample_has_no_repeats_and_depends_on_the_seed(few_digits: Mnist) -> None:
    numbered = torch.arange(100, dtype=torch.uint8).view(100, 1, 1).expand(100, 28, 28)
    mnist = Mnist(
        Digits(numbered, few_digits.train.labels), Digits(numbered + 100, few_digits.train.labels), few_digits.test
    )
    samples = [recovery_curve.sample_pictures(mnist, 150, seed) for seed in range(2)]
    assert all(sample.shape == (150, 784) and len(np.unique(sample[:, 0])) == 150 for sample in samples)
    assert not np.array_equal(samples[0], samples[1])


def test_results_are_written_sorted_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_quickly(_: object, tasks: list[tuple[int, int]]) -> list[Recovery]:
        return [
            Recovery(pictures=count, seed=seed, error=10 / count, seconds=1, test_accuracy=0.9) for count, seed in tasks
        ]

    monkeypatch.setattr(recovery_curve, "in_parallel", run_quickly)
    monkeypatch.setattr(recovery_curve, "load_mnist_once", lambda: None)
    assert recovery_curve.main(["--seeds", "2", "--out", str(tmp_path), "--figures", str(tmp_path)]) == 0
    recoveries = recovery_curve.read(tmp_path)
    assert [(run.pictures, run.seed) for run in recoveries] == [(count, seed) for count in COUNTS for seed in range(2)]
    assert recovery_curve.format_table(recoveries).splitlines()[2] == "| 100 | 0.10, 0.10 | 1.0 | 90.00 ± 0.00 % |"
    assert (tmp_path / "recovery.png").stat().st_size > 1000


def test_committed_curve_has_all_counts_and_ends_with_an_exact_layout() -> None:
    committed = recovery_curve.read()
    assert {(run.pictures, run.seed) for run in committed} == {(count, seed) for count in COUNTS for seed in range(5)}
    assert max(run.error for run in committed if run.pictures == 60_000) < 0.05
