import json
from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data import mnist, writers
from src.model.data.mnist import Digits
from src.model.data.writers import choose_writers
from src.model.errors import DataError

WRITERS = np.repeat(np.arange(100, 140), 25)  # forty writers of 25 digits
SERIES = np.where(WRITERS < 130, 0, 4)
LABELS = np.random.default_rng(0).integers(0, 10, len(WRITERS))


def test_chosen_writers_wrote_exactly_as_many_digits_as_asked_for() -> None:
    chosen = choose_writers(WRITERS, SERIES, LABELS, 200, draws=50)
    assert np.isin(WRITERS, chosen).sum() == 200
    assert (chosen < 130).sum() == 6  # both series in proportion


def test_more_draws_balance_the_digits_better() -> None:
    def deviation(draws: int) -> float:
        part = np.isin(WRITERS, choose_writers(WRITERS, SERIES, LABELS, 200, draws))
        return float(np.abs(np.bincount(LABELS[part], minlength=10) - np.bincount(LABELS, minlength=10) / 5).max())

    assert deviation(500) < deviation(1)


def test_choice_is_the_same_every_time() -> None:
    once, again = (choose_writers(WRITERS, SERIES, LABELS, 200, draws=20) for _ in range(2))
    assert np.array_equal(once, again)


def test_size_that_no_set_of_writers_has_is_refused() -> None:
    with pytest.raises(DataError, match="None of 20 sets"):
        choose_writers(WRITERS, SERIES, LABELS, 201, draws=20)


def test_command_writes_all_digits_of_the_chosen_and_of_the_test_writers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_writers, test_series = np.array([208, 205, 3, 208, 3]), np.array([4, 4, 0, 4, 0])
    np.savez(
        tmp_path / "writers.npz",
        train_writer=WRITERS,
        train_series=SERIES,
        test_writer=test_writers,
        test_series=test_series,
    )
    digits = Digits(torch.zeros(len(LABELS), 28, 28, dtype=torch.uint8), torch.from_numpy(LABELS))
    test_file = tmp_path / "test_writers.json.gz"
    monkeypatch.setattr(writers, "VALIDATION_WRITERS", tmp_path / "validation_writers.json")
    monkeypatch.setattr(writers, "TEST_WRITERS", test_file)
    monkeypatch.setattr(mnist, "TEST_WRITERS", test_file)
    monkeypatch.setattr(writers, "SIZE", 200)
    monkeypatch.setattr(writers, "ensure_mnist", lambda _: None)
    monkeypatch.setattr(writers, "read_digits", lambda *_, **__: digits)
    assert writers.main(["--writers", str(tmp_path / "writers.npz")]) == 0
    written = json.loads((tmp_path / "validation_writers.json").read_bytes())
    assert len(written) == 8
    assert all(indices == np.flatnonzero(int(writer) == WRITERS).tolist() for writer, indices in written.items())
    assert [found.tolist() for found in mnist.read_test_writers()] == [test_writers.tolist(), test_series.tolist()]
