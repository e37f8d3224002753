"""Work in steps: what takes long pauses after each pass through a network, so that other requests get their turn."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]  # a function that yields wherever it may pause, and returns T


@dataclass(frozen=True)
class Done(Generic[T]):
    """What the work returned."""

    result: T


def advance(steps: Steps[T]) -> Done[T] | None:
    """Work until the next pause; return the result if there is nothing more to do."""
    try:
        next(steps)
    except StopIteration as end:
        return Done(end.value)
    return None


def finish(steps: Steps[T]) -> T:
    """Work to the end, and return the result."""
    while not (done := advance(steps)):
        pass
    return done.result
