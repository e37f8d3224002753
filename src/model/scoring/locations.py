"""Where inputs and results lie: local folders, and S3, GCS and other stores by URL.

pyarrow has file systems for `file://`, `s3://` and `gs://`; any other scheme is fsspec's.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pyarrow
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, FSSpecHandler, LocalFileSystem, PyFileSystem

from src.model.errors import ScoringError

PART: Final = ".part"  # the end of the name of a file that is still being written


class Entry(NamedTuple):
    """A file or a folder in a folder."""

    name: str
    size: int | None  # in bytes; None: a folder


@dataclass(frozen=True)
class Location:
    """A file or a folder."""

    files: FileSystem
    path: str

    def __truediv__(self, name: str) -> "Location":
        return Location(self.files, f"{self.path.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.path if self.is_local else f"{self.files.type_name}:{self.path}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return isinstance(self.files, LocalFileSystem)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> "Location":
        """The folder it is in."""
        return Location(self.files, self.path.rstrip("/").rpartition("/")[0] or "/")

    def stat(self) -> FileInfo:
        """Return what is there: its `type` is `NotFound` if there is nothing. Raises OSError."""
        return self.files.get_file_info(self.path)

    def exists(self) -> bool:
        """Return whether something is there."""
        return bool(self.stat().type != FileType.NotFound)

    def read(self) -> bytes:
        """Return the content of a file. Raises OSError."""
        with self.files.open_input_stream(self.path) as stream:
            content: bytes = stream.read()
            return content

    def list(self) -> list["Entry"]:
        """Return what a folder holds, by name; nothing if it does not exist. Raises OSError."""
        return sorted(self._list_local() if self.is_local else self._list_store(), key=lambda entry: entry.name)

    def _list_local(self) -> Iterator["Entry"]:
        with suppress(FileNotFoundError), os.scandir(self.path) as entries:  # a tenth of the memory of pyarrow's
            for entry in entries:
                if entry.is_dir():
                    yield Entry(entry.name, None)
                elif entry.is_file():
                    yield Entry(entry.name, entry.stat().st_size)

    def _list_store(self) -> Iterator["Entry"]:
        for info in self.files.get_file_info(FileSelector(self.path, allow_not_found=True)):
            yield Entry(info.base_name, info.size if info.type == FileType.File else None)

    @contextmanager
    def create(self) -> Iterator[Any]:
        """Yield a stream to write the file with; it gets its name when the block ends without an error.

        Several processes may write the same file at once: the last one wins, and none sees half of it.
        """
        folder, _, name = self.path.rpartition("/")
        part = f"{folder}/.{name}.{uuid4().hex[:8]}{PART}"
        self.files.create_dir(folder, recursive=True)
        try:
            with self.files.open_output_stream(part) as stream:
                yield stream
            self.files.move(part, self.path)
        except BaseException:
            with suppress(OSError):
                self.files.delete_file(part)
            raise

    def write(self, content: bytes) -> None:
        """Write the file, which is never seen half written."""
        with self.create() as stream:
            stream.write(content)


def locate(url: str) -> Location:
    """Return the location of a path or a URL. Raises `ScoringError` if no file system knows its scheme."""
    if "://" not in url:
        return Location(LocalFileSystem(), str(Path(url).absolute()))
    scheme, host, path, query, _ = urlsplit(url)
    files, prefix = _open_files(f"{scheme}://{host or '/'}{f'?{query}' if query else ''}")
    return Location(files, f"{prefix.rstrip('/')}/{unquote(path).lstrip('/')}".rstrip("/"))


@lru_cache(maxsize=64)
def _open_files(root: str) -> tuple[FileSystem, str]:
    """Return the file system of a URL without its path, and the path of its root."""
    with suppress(pyarrow.ArrowInvalid):  # it does not know the scheme
        files, prefix = FileSystem.from_uri(root)
        return files, prefix
    try:
        import fsspec  # noqa: PLC0415 - few need it

        files, prefix = fsspec.core.url_to_fs(root)
    except (ImportError, ValueError) as error:
        raise ScoringError(f"{root.partition('://')[0]}:// is not a known kind of storage: {error}") from error
    return PyFileSystem(FSSpecHandler(files)), prefix
