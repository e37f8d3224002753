"""Training with processes that torchrun starts, on a few thousand pictures."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
import torch.distributed as dist

from src.model.data.mnist import Mnist
from src.model.data.synthetic import make_synthetic
from src.model.training import distributed
from src.settings import ROOT

HOWS = ["resumable", "in-memory"]
WITHOUT_TORCHRUN = 0
Train = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def few_pictures(few_digits: Mnist) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Return 2,000 pictures to train on, 200 redrawn ones and 500 for validation; all of them synthetic."""
    digits = few_digits.train
    parts = {
        "train": make_synthetic("written", digits, 2000, seed=0),
        "validation": make_synthetic("written", digits, 500, seed=1),
        "retraced": make_synthetic("retraced", digits, 200, seed=2),
    }
    return {name: (part.images, part.labels) for name, part in parts.items()}


@pytest.fixture(scope="module")
def train(few_pictures: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Return a function that trains, once for each way, and returns what each process ended with."""

    @cache
    def train_once(how: str, processes: int, killed: bool = False) -> list[dict[str, Any]]:
        folder = tmp_path_factory.mktemp("training")
        torch.save(few_pictures, folder / "data.pt")
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
        torchrun += ["--nproc-per-node", str(processes), "--max-restarts", "1"]
        command = [sys.executable, *(torchrun if processes else []), "-m", "tests.model.training.train_few"]
        command += [str(folder), how, *(["killed"] if killed else [])]
        # one thread each: a sum's rounding depends on the number of threads
        environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr[-5000:]
        return [torch.load(folder / f"{rank}.pt") for rank in (range(processes) if processes else ["alone"])]

    return train_once


def assert_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Check that two trainings ended with the same weights, bit by bit, and learned alike."""
    assert first["weights"].keys() == second["weights"].keys()
    for name, weights in first["weights"].items():
        assert torch.equal(weights, second["weights"][name]), name
    assert first["learning"] == second["learning"]


@pytest.mark.parametrize("how", HOWS)
def test_one_process_of_torchrun_trains_as_without_it(train: Train, how: str) -> None:
    assert_same(*train(how, processes=WITHOUT_TORCHRUN), *train(how, processes=1))


@pytest.mark.parametrize("how", HOWS)
def test_two_processes_end_with_the_same_weights_and_are_as_accurate_as_one(train: Train, how: str) -> None:
    first, second = train(how, processes=2)
    assert_same(first, second)
    accuracies = [result["learning"][-1][1] for result in (*train(how, processes=WITHOUT_TORCHRUN), first)]
    assert min(accuracies) > 0.9
    assert abs(accuracies[0] - accuracies[1]) < 0.03


@pytest.mark.load
@pytest.mark.parametrize("how", HOWS)
def test_after_a_process_was_killed_training_resumes_from_the_last_checkpoint(train: Train, how: str) -> None:
    resumed, second = train(how, processes=2, killed=True)
    whole, _ = train(how, processes=2)
    assert_same(resumed, second)
    assert_same(resumed, whole)
    assert resumed["steps"] == whole["steps"] / 2  # two of the four epochs


def test_gradients_of_weighed_shares_average_to_that_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, factor = torch.arange(7.0), torch.ones((), requires_grad=True)
    (batch * factor).mean().backward()  # type: ignore[no-untyped-call] # torch leaves it without types
    assert factor.grad is not None
    gradients = []
    monkeypatch.setattr(distributed, "count_processes", lambda: 3)
    for rank in range(3):
        monkeypatch.setattr(dist, "get_rank", lambda rank=rank: rank)
        share, own = distributed.take_share(batch), torch.ones((), requires_grad=True)
        distributed.weigh((share * own).mean(), len(share), len(batch)).backward()  # type: ignore[no-untyped-call]
        assert own.grad is not None
        gradients.append(float(own.grad))
    assert sum(gradients) / 3 == pytest.approx(float(factor.grad))


def test_a_batch_too_small_for_everyone_is_taken_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "count_processes", lambda: 4)
    monkeypatch.setattr(dist, "get_rank", lambda: 3)
    batch = torch.arange(3.0)
    assert torch.equal(distributed.take_share(batch, or_all=True), batch)
    assert len(distributed.take_share(batch)) == 0
    assert distributed.weigh(batch.mean(), 3, 3) == batch.mean()
