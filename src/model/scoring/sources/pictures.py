"""Picture files: those below a folder, or those that a text file lists, one path or URL a line.

The paths are written beside the results once, in a stable order, so that a shard is the same whenever it is scored.
The digest is that of the paths and, for a folder, of the sizes.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Final

import pyarrow
from pyarrow import parquet
from pyarrow.fs import FileType

from src.model.errors import ScoringError
from src.model.scoring.locations import Location, locate
from src.model.scoring.sources.base import Kind, Picture, Plan, Shard, batched

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
SCHEMA: Final = pyarrow.schema([("path", pyarrow.string())])
READ_AHEAD: Final = 8  # files of a store that are read at once, since each takes tens of milliseconds to come

Entry = tuple[str, int]  # a path and its file's size in bytes; -1: unknown


class PictureFiles:
    """Picture files by their paths below a folder."""

    kind: Kind = "pictures"

    def __init__(self, folder: Location, entries: Callable[[], Iterable[Entry]], max_bytes: int) -> None:
        """Read the pictures that `entries()` names below `folder`; files of more than `max_bytes` are not read."""
        self._folder = folder
        self._entries = entries
        self._max_bytes = max_bytes

    def plan(self, size: int, paths: Location | None) -> Plan:
        """Write the paths, a row group for each shard. Raises `ScoringError` if there are no pictures."""
        entries = iter(self._entries())
        if (first := next(entries, None)) is None:
            raise ScoringError(f"{self._folder} holds no pictures: no {', '.join(sorted(SUFFIXES))}.")
        digest = hashlib.sha256()
        shards: list[Shard] = []
        count = 0
        with _write_paths(paths) as write:
            for batch in batched(chain([first], entries), size):
                digest.update("".join(f"{path}\0{length}\0" for path, length in batch).encode())
                shards.append(Shard(file="", start=count, stop=count + len(batch)))
                count += len(batch)
                write([path for path, _ in batch])
        return Plan(count, digest.hexdigest(), shards)

    def read(self, shard: Shard, paths: Location, rows: Collection[int] | None = None) -> Iterator[Picture]:
        """Yield the pictures of a shard; one that can't be read has a problem."""
        listed = _read_paths(paths, shard)
        wanted = (path for row, path in enumerate(listed) if rows is None or row in rows)
        return map(self._read, wanted) if self._folder.is_local else _read_ahead(self._read, wanted)

    def _read(self, path: str) -> Picture:
        try:
            location = self._find(path)
            status = location.stat()
            if status.type != FileType.File:  # to open a pipe would wait for its other end
                return Picture(path, b"", "missing-picture")
            if (status.size or 0) > self._max_bytes:
                return Picture(path, b"", "file-too-large")
            return Picture(path, location.read())
        except OSError:
            return Picture(path, b"", "unreadable-file")

    def _find(self, path: str) -> Location:
        """Return the location of a path that may be a URL, absolute, or below the folder."""
        if "://" in path:
            return locate(path)
        return Location(self._folder.files, path) if path.startswith("/") else self._folder / path


@contextmanager
def _write_paths(paths: Location | None) -> Iterator[Callable[[list[str]], None]]:
    """Yield a function that writes a row group of paths; without a location it does nothing."""
    if paths is None:
        yield lambda _: None
        return
    with paths.create() as stream, parquet.ParquetWriter(stream, SCHEMA) as writer:
        yield lambda listed: writer.write_table(pyarrow.table([listed], schema=SCHEMA))


def _read_paths(paths: Location, shard: Shard) -> list[str]:
    with paths.files.open_input_file(paths.path) as file:
        content = parquet.ParquetFile(file)
        end = 0
        for group in range(content.num_row_groups):
            start, end = end, end + content.metadata.row_group(group).num_rows
            if (start, end) == (shard.start, shard.stop):
                listed: list[str] = content.read_row_group(group, use_threads=False)["path"].to_pylist()
                return listed
    raise ScoringError(f"{paths} does not hold the pictures {shard.start:,} to {shard.stop:,}: it was changed.")


def _read_ahead(read: Callable[[str], Picture], paths: Iterable[str]) -> Iterator[Picture]:
    """Yield `read(path)` for each path, in order; the next ones are read meanwhile."""
    with ThreadPoolExecutor(READ_AHEAD) as pool:
        pending: deque[Future[Picture]] = deque()
        for path in paths:
            pending.append(pool.submit(read, path))
            if len(pending) >= READ_AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
