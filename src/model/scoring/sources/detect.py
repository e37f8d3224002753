"""Finds out what an input is: a folder, a list of paths, Parquet or IDX."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from pyarrow.fs import FileType

from src.model.errors import ScoringError
from src.model.scoring.locations import Location
from src.model.scoring.sources import idx, parquet, pictures
from src.model.scoring.sources.base import Kind, Source
from src.model.scoring.sources.idx import IdxFile
from src.model.scoring.sources.parquet import ParquetFiles
from src.model.scoring.sources.pictures import Entry, PictureFiles

LIST_SUFFIXES: Final = frozenset({".txt", ".lst", ".csv", ".tsv"})
MAX_LIST_BYTES: Final = 100_000_000  # a million long paths
KINDS: Final = (
    "a folder of pictures, Parquet files (.parquet), an IDX file of pictures (also .gz), or a list of paths (.txt)"
)


@dataclass(frozen=True)
class Reading:
    """How an input is read."""

    column: str | None  # of Parquet files; None: the only one with pictures, or `image`
    max_bytes: int  # of a picture's file
    max_pixels: int  # of a picture


def open_source(location: Location, reading: Reading) -> Source:
    """Return the source for an input. Raises `ScoringError` if there is none, or if it is of no known kind."""
    status = location.stat()
    if status.type == FileType.NotFound:
        raise ScoringError(f"There is no {location}.")
    if status.type == FileType.Directory:
        return _open_folder(location, reading)
    head = location.files.open_input_stream(location.path, compression=None).read(len(idx.MAGIC))
    suffix = PurePosixPath(location.path).suffix.lower()
    if head == idx.MAGIC or head.startswith(idx.GZIP):
        return IdxFile(location, reading.max_pixels)
    if suffix == parquet.SUFFIX or head == b"PAR1":
        return ParquetFiles(location, [""], reading.column, reading.max_bytes)
    if suffix in pictures.SUFFIXES:
        return PictureFiles(location.parent, lambda: [(location.name, status.size or 0)], reading.max_bytes)
    if suffix in LIST_SUFFIXES:
        return PictureFiles(location.parent, partial(_read_list, location), reading.max_bytes)
    raise ScoringError(f"{location} can't be scored. What can be: {KINDS}.")


def reopen_source(location: Location, kind: Kind, reading: Reading) -> Source:
    """Return the source of a planned input, to read its shards; nothing is listed again."""
    if kind == "idx":
        return IdxFile(location, reading.max_pixels)
    if kind == "parquet":
        return ParquetFiles(location, [], reading.column, reading.max_bytes)
    folder = location if location.stat().type == FileType.Directory else location.parent
    return PictureFiles(folder, lambda: [], reading.max_bytes)


def _open_folder(folder: Location, reading: Reading) -> Source:
    """Return the source for a folder; its first picture or Parquet file decides which."""
    first = next(_walk(folder), None)
    if first is None:
        raise ScoringError(f"There are no pictures in {folder}. What can be scored: {KINDS}.")
    if first[0].lower().endswith(parquet.SUFFIX):
        files = [path for path, _ in _list_only(folder, frozenset({parquet.SUFFIX}))]
        return ParquetFiles(folder, files, reading.column, reading.max_bytes)
    return PictureFiles(folder, partial(_list_only, folder, pictures.SUFFIXES), reading.max_bytes)


def _list_only(folder: Location, suffixes: frozenset[str]) -> Iterator[Entry]:
    """Yield the files to score below a folder. Raises `ScoringError` if not all have one of the suffixes."""
    for path, size in _walk(folder):
        if PurePosixPath(path).suffix.lower() not in suffixes:
            raise ScoringError(f"{folder} holds both pictures and Parquet files ({path}). Score them one by one.")
        yield path, size


def _walk(folder: Location, prefix: str = "") -> Iterator[Entry]:
    """Yield the pictures and Parquet files below a folder, its own first, each folder's by name; no hidden ones."""
    folders = []
    for name, size in folder.list():
        if name.startswith("."):
            continue
        if size is None:
            folders.append(name)
        elif _is_wanted(name):
            yield prefix + name, size
    for name in folders:
        yield from _walk(folder / name, f"{prefix}{name}/")


def _is_wanted(name: str) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in pictures.SUFFIXES or suffix == parquet.SUFFIX


def _read_list(location: Location) -> Iterator[Entry]:
    """Yield the lines of a list that are not blank. Raises `ScoringError` if it is no text, or too long."""
    if (location.stat().size or 0) > MAX_LIST_BYTES:
        raise ScoringError(f"{location} has more than {MAX_LIST_BYTES:,} bytes: divide it, or use Parquet.")
    try:
        text = location.read().decode()
    except UnicodeDecodeError as error:
        raise ScoringError(f"{location} is not a list of paths: it is no UTF-8 text.") from error
    for line in text.splitlines():
        if path := line.strip():
            yield path, -1
