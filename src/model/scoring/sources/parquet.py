"""Pictures in a column of Parquet files: bytes, or a structure with a field `bytes`, as Hugging Face's datasets have.

The digest is that of each file's name, size and footer, which holds the place, the size and the range of each column.
"""

import hashlib
from collections.abc import Collection, Iterator
from typing import Any, Final

import pyarrow
from pyarrow import parquet, types

from src.model.errors import ScoringError
from src.model.scoring.locations import Location
from src.model.scoring.sources.base import Kind, Picture, Plan, Shard, cut

SUFFIX: Final = ".parquet"
USUAL_NAME: Final = "image"
PATH: Final = "path"  # a column of texts of this name names the pictures
ROWS: Final = 16  # that are read at once at most
MAX_ROWS: Final = 8_000_000  # bytes that these may have together, unless one row has more
BUFFER: Final = 1 << 20  # bytes of a column that are read at once, instead of all of a row group
PAGE_ROWS: Final = 1024  # rows that usual writers put into a page, however large they are
MAX_PAGE: Final = 32_000_000  # bytes: a page is read whole, and lies in memory several times
MAX_FOOTER: Final = 64_000_000  # bytes


class ParquetFiles:
    """A Parquet file, or the Parquet files of a folder."""

    kind: Kind = "parquet"

    def __init__(self, location: Location, files: list[str], column: str | None, max_bytes: int) -> None:
        """Read `column` of `files`, paths below `location` or empty for itself, without pictures above `max_bytes`."""
        self._location = location
        self._files = files
        self._column = column
        self._max_bytes = max_bytes
        self._opened: tuple[Location, Any] | None = None  # the shards of a file follow each other

    def plan(self, size: int, paths: Location | None) -> Plan:  # noqa: ARG002 - pictures have paths in the files
        """Cut each file into ranges of rows."""
        digest = hashlib.sha256()
        shards: list[Shard] = []
        for name in self._files:
            location = self._find(name)
            content = self._open(location)
            _require_small_pages(
                content.metadata, choose_column(content.schema_arrow, self._column, location), location
            )
            length = location.stat().size
            digest.update(f"{name}\0{length}\0".encode())
            digest.update(_read_footer(location, length, content.metadata.serialized_size))
            shards += cut(name, content.metadata.num_rows, size)
        return Plan(sum(shard.stop - shard.start for shard in shards), digest.hexdigest(), shards)

    def read(
        self,
        shard: Shard,
        paths: Location,  # noqa: ARG002
        rows: Collection[int] | None = None,
    ) -> Iterator[Picture]:
        """Yield the pictures of a range, named by the column `path`, the structure's `path`, or `<file>#<row>`."""
        location = self._find(shard.file)
        content = self._open(location)
        column = choose_column(content.schema_arrow, self._column, location)
        names = [column, PATH] if _has_paths(content.schema_arrow) else [column]
        name = shard.file or location.name
        for row, value, path in _read_rows(content, names, shard):
            if rows is None or row in rows:
                yield self._picture(value, path or f"{name}#{shard.start + row}")

    def _find(self, name: str) -> Location:
        return self._location / name if name else self._location

    def _open(self, location: Location) -> Any:
        if self._opened is None or self._opened[0].path != location.path:
            self._opened = location, _open(location)
        return self._opened[1]

    def _picture(self, data: bytes | None, path: str) -> Picture:
        if data is None:
            return Picture(path, b"", "missing-picture")
        return Picture(path, b"", "file-too-large") if len(data) > self._max_bytes else Picture(path, data)


def choose_column(schema: Any, wanted: str | None, location: Location) -> str:
    """Return the column with pictures. Raises `ScoringError` if it is not clear which that is."""
    columns = [field.name for field in schema if _holds_pictures(field.type)]
    if wanted in columns or (wanted is None and len(columns) == 1):
        return wanted or columns[0]
    if wanted is None and USUAL_NAME in columns:
        return USUAL_NAME
    there = f"there are: {', '.join(columns)}" if columns else "there is none"
    raise ScoringError(
        f"{location} has no column {wanted!r} of pictures; {there}."
        if wanted
        else f"Name the column of {location} that holds the pictures with --column; {there}."
    )


def _holds_pictures(kind: Any) -> bool:
    if types.is_struct(kind):
        return any(field.name == "bytes" and _holds_pictures(field.type) for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _has_paths(schema: Any) -> bool:
    return PATH in schema.names and bool(types.is_string(schema.field(PATH).type))


def _open(location: Location) -> Any:
    try:
        return parquet.ParquetFile(location.files.open_input_file(location.path), buffer_size=BUFFER)
    except pyarrow.ArrowInvalid as error:
        raise ScoringError(f"{location} is not a Parquet file: {error}") from error


def _require_small_pages(metadata: Any, column: str, location: Location) -> None:
    """Raise `ScoringError` if the pages of a column probably do not fit into the memory of a process."""
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        chunks = [rows.column(number) for number in range(rows.num_columns)]
        size = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] == column)
        if size * min(PAGE_ROWS, rows.num_rows) > MAX_PAGE * rows.num_rows:
            raise ScoringError(
                f"The pictures in {location} are too large for row groups of {rows.num_rows:,} rows. Write it again "
                f"with row_group_size={max(1, MAX_PAGE * rows.num_rows // size // 2):,}, so that memory stays bounded."
            )


def _read_footer(location: Location, length: int, size: int) -> bytes:
    if size > MAX_FOOTER:
        raise ScoringError(f"The footer of {location} has {size:,} bytes, more than the {MAX_FOOTER:,} allowed.")
    with location.files.open_input_file(location.path) as file:
        footer: bytes = file.read_at(size + 8, max(0, length - size - 8))  # its length and the format's name follow it
        return footer


def _read_rows(content: Any, columns: list[str], shard: Shard) -> Iterator[tuple[int, bytes | None, str | None]]:
    """Yield the number of each row, from 0, its picture and its path. Reads only the row groups of the shard."""
    groups, first, end = [], None, 0
    for group in range(content.num_row_groups):
        start, end = end, end + content.metadata.row_group(group).num_rows
        if start < shard.stop and end > shard.start:
            groups.append(group)
            first = start if first is None else first
    row = first or 0
    for batch in content.iter_batches(
        _choose_rows(content, groups), row_groups=groups, columns=columns, use_threads=False
    ):
        count = batch.num_rows
        if row + count > shard.start:
            values = [batch.column(name) for name in columns]
            for offset in range(max(0, shard.start - row), min(count, shard.stop - row)):
                # one at a time: this copies them
                yield row + offset - shard.start, *_unpack(*(column[offset].as_py() for column in values))
        row += count
        if row >= shard.stop:
            return


def _choose_rows(content: Any, groups: list[int]) -> int:
    """Return how many rows of row groups may be read at once."""
    sizes = [content.metadata.row_group(group) for group in groups]
    largest = max((group.total_byte_size // max(1, group.num_rows) for group in sizes), default=0)
    return max(1, min(ROWS, MAX_ROWS // max(1, largest)))


def _unpack(value: Any, named: str | None = None) -> tuple[bytes | None, str | None]:
    """Return the picture and the path in a row."""
    return (value["bytes"], named or value.get("path")) if isinstance(value, dict) else (value, named)
