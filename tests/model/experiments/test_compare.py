from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data.mnist import load_mnist
from src.model.experiments import compare, results
from src.model.experiments.results import Layout
from src.model.experiments.runs import RunConfig, Trained, train
from src.settings import get_settings
from tests.model.experiments.test_results import a_run


def keep(folder: Path, cell: RunConfig) -> None:
    run = a_run(cell.seed, cell.recipe)
    Trained(run, {"weight": torch.zeros(1)}, torch.zeros(1, 10)).save(folder / f"{cell.name}.pt")


def keep_all(_: object, tasks: list[tuple[RunConfig, Path]]) -> list[None]:
    for cell, path in tasks:
        keep(path.parent, cell)
    return []


def test_every_cell_is_wanted_once_for_every_seed() -> None:
    cells = compare.wanted("best", 3)
    assert len(cells) == len({cell.name for cell in cells}) == 3 * len(compare.CELLS["best"])


def test_a_resumed_comparison_trains_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = compare.wanted("course", 1)
    keep(tmp_path, cells[0])
    asked: list[RunConfig] = []

    def in_parallel(_: object, tasks: list[tuple[RunConfig, Path]]) -> list[None]:
        asked.extend(cell for cell, _ in tasks)
        return keep_all(None, tasks)

    monkeypatch.setattr(compare, "in_parallel", in_parallel)
    found = compare.trained(cells, tmp_path, resume=True)
    assert len(found) == len(cells)
    assert sorted(cell.name for cell in asked) == sorted(cell.name for cell in cells[1:])


def test_a_fresh_comparison_trains_everything_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = compare.wanted("course", 1)
    for cell in cells:
        keep(tmp_path, cell)
    monkeypatch.setattr(compare, "in_parallel", keep_all)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    compare.trained(cells, tmp_path, resume=False)
    assert all(path.stat().st_mtime_ns != before for path, before in written.items())


@pytest.mark.mnist
@pytest.mark.parametrize(("network", "layout"), compare.COMMON)
def test_a_comparison_reproduces_the_committed_results(network: str, layout: Layout) -> None:
    run = train(load_mnist(get_settings().data_dir), RunConfig("course", network, layout, 1)).run
    committed = [one.test_accuracy for one in results.cells(results.read().runs)["course", network, layout]]
    assert abs(run.test_accuracy - np.mean(committed)) <= 3 * np.std(committed, ddof=1)
