"""The type of the fixture `make_run`."""

from typing import Protocol

from src.model.experiments.results import Run


class MakeRun(Protocol):
    """Makes the result of a run."""

    def __call__(self, seed: int = 0, recipe: str = "course", accuracy: float = 0.9, mask_bits: int = 0) -> Run:
        """Return the result of a run of the CNN on the given layout."""
