"""What all kinds of input have in common."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from src.model.scoring.locations import Location

T = TypeVar("T")

Kind = Literal["pictures", "parquet", "idx"]


class Picture(NamedTuple):
    """A picture of the input: its file's bytes, or why there are none."""

    path: str  # how the results name it
    data: bytes
    problem: str | None = None


class Shard(BaseModel):
    """The pictures `start` to `stop` of a file: of a Parquet or IDX file, or of the list of paths."""

    model_config = ConfigDict(frozen=True)

    file: str  # below the input, empty if the input is this file
    start: int
    stop: int


@dataclass(frozen=True)
class Plan:
    """How an input is cut."""

    pictures: int
    digest: str  # SHA-256 of what identifies the input, see each source
    shards: list[Shard]


class Source(Protocol):
    """An input that can be cut into shards."""

    kind: Kind

    def plan(self, size: int, paths: Location | None) -> Plan:
        """Cut the input into shards of at most `size` pictures; a list of paths is written to `paths`, if given.

        Raises `ScoringError` if the input can't be used.
        """
        ...

    def read(self, shard: Shard, paths: Location, rows: Collection[int] | None = None) -> Iterator[Picture]:
        """Yield the pictures of a shard in order, if `rows` is given only these of them, counted from 0.

        `paths` is where `plan` wrote the list of paths. Raises `ScoringError`.
        """
        ...


def cut(file: str, pictures: int, size: int) -> list[Shard]:
    """Cut a file into shards of at most `size` pictures."""
    return [Shard(file=file, start=start, stop=min(start + size, pictures)) for start in range(0, pictures, size)]


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`; the last may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
