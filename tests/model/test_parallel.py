import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
import torch

from src.model import parallel
from src.model.cores import count_cores
from src.model.parallel import deterministic_torch, in_parallel


def report_settings(task: tuple[int, int]) -> tuple[int, bool, int, bool]:
    number, parent = task
    return number, os.getpid() == parent, torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()


def test_every_task_runs_in_another_process_with_fixed_settings() -> None:
    results = list(in_parallel(report_settings, [(1, os.getpid()), (2, os.getpid())]))
    assert sorted(results) == [(1, False, 1, True), (2, False, 1, True)]


class OneThread(ThreadPoolExecutor):
    """Stands in for the processes; `shut_down` is set as soon as no further task will start."""

    shut_down = Event()

    def __init__(self, *_: object) -> None:
        super().__init__(1)

    def shutdown(self, wait: bool = True, **options: Any) -> None:
        super().shutdown(wait=False, **options)
        self.shut_down.set()
        super().shutdown(wait)


def test_error_is_raised_and_cancels_pending_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ProcessPoolExecutor", OneThread)
    started = []

    def fail_at_zero(task: int) -> None:
        started.append(task)
        if task == 0:
            raise ValueError("zero")
        OneThread.shut_down.wait()

    with pytest.raises(ValueError, match="zero"):
        list(in_parallel(fail_at_zero, range(10)))
    assert len(started) <= 2


def test_no_tasks_give_no_results() -> None:
    assert list(in_parallel(report_settings, [])) == []


def test_cores_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert count_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_cores() == 1


def test_torch_settings_hold_inside_and_are_restored_after_an_error() -> None:
    def fail_inside() -> None:
        with deterministic_torch(before[0] + 1):
            inside.append((torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()))
            raise ValueError("inside")

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    inside: list[tuple[int, bool]] = []
    with pytest.raises(ValueError, match="inside"):
        fail_inside()
    assert inside == [(before[0] + 1, True)]
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
