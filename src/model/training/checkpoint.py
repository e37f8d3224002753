"""Checkpoints of trainings: what an object consists of, a generator, and whatever else the training needs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Generator

from src.model.files import atomic_path
from src.model.training import distributed


class Resumable(Protocol):
    """A training that draws from a generator."""

    generator: Generator


def save_checkpoint(path: Path, training: Resumable, parts: Iterable[str], **more: object) -> None:
    """Write the states of `parts`, attributes with a state_dict, of the generator, and `more`, atomically."""
    state = {name: getattr(training, name).state_dict() for name in parts}
    with atomic_path(path) as part:
        torch.save(state | {"generator": training.generator.get_state()} | more, part)


def restore_checkpoint(path: Path, training: Resumable, parts: Iterable[str]) -> dict[str, Any] | None:
    """Restore what `save_checkpoint` wrote, and return it; None without a file. All processes take the first's."""
    state = distributed.load_checkpoint(path)
    if state is None:
        return None
    for name in parts:
        getattr(training, name).load_state_dict(state[name])
    training.generator.set_state(state["generator"].cpu())
    return state
