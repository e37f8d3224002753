from pathlib import Path

import numpy as np
import pytest
import torch

from src.model.data.mnist import load_mnist
from src.model.experiments import compare, figures, results
from src.model.experiments.results import Layout
from src.model.experiments.runs import RunConfig, TrainedRun, train_run
from src.settings import get_settings
from tests.model.experiments.make_run import MakeRun


class FakeTraining:
    """Stands in for `in_parallel`: saves a run for each task and records it."""

    def __init__(self, make_run: MakeRun) -> None:
        self.make_run = make_run
        self.configs: list[RunConfig] = []

    def __call__(self, _: object, tasks: list[tuple[RunConfig, Path]]) -> list[None]:
        for config, path in tasks:
            self.configs.append(config)
            run = self.make_run(config.seed, config.recipe)
            TrainedRun(run, {"weight": torch.zeros(1)}, torch.zeros(1, 10)).save(path)
        return []


@pytest.fixture
def training(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    fake = FakeTraining(make_run)
    monkeypatch.setattr(compare, "in_parallel", fake)
    return fake


def test_every_network_and_layout_is_listed_once_per_seed() -> None:
    configs = compare.list_runs("best", 3)
    assert len(configs) == len({config.name for config in configs}) == 3 * len(compare.NETWORKS_AND_LAYOUTS["best"])


def test_only_missing_runs_are_trained(tmp_path: Path, training: FakeTraining) -> None:
    configs = compare.list_runs("course", 1)
    compare.train_missing(configs[:1], tmp_path)
    training.configs.clear()
    trained = compare.train_missing(configs, tmp_path)
    assert len(trained) == len(configs)
    assert {config.name for config in training.configs} == {config.name for config in configs[1:]}


@pytest.mark.parametrize(("options", "times"), [([], 2), (["--resume"], 1)])
def test_a_second_comparison_trains_again_unless_it_resumes(
    options: list[str], times: int, tmp_path: Path, training: FakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "RUNS_DIR", tmp_path / "runs")
    monkeypatch.setattr(compare, "load_mnist_once", lambda: None)
    monkeypatch.setattr(figures, "draw_all", lambda *_: None)
    for _ in range(2):
        assert compare.main(["--seeds", "1", "--out", str(tmp_path), *options]) == 0
    assert len(training.configs) == times * len(compare.COMMON)
    assert len(results.read(tmp_path).runs) == len(compare.COMMON)


@pytest.mark.mnist
@pytest.mark.parametrize(("network", "layout"), compare.COMMON)
def test_a_run_reproduces_the_committed_results(network: str, layout: Layout) -> None:
    run = train_run(load_mnist(get_settings().data_dir), RunConfig("course", network, layout, 1)).run
    group = results.group_runs(results.read().runs)["course", network, layout]
    accuracies = [committed.test_accuracy for committed in group]
    assert abs(run.test_accuracy - np.mean(accuracies)) <= 3 * np.std(accuracies, ddof=1)
