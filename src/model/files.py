"""Writing files atomically, reading only files of a sensible size, and digests."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path, *, mode: int | None = None, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to, and rename it to `path` when the block ends without an error.

    Readers see the old file or the whole new one. After an error, `path` is as before and the temporary file is gone.
    Missing folders are made. `mode` sets the permissions from the start. With `durable`, the content is on the disk
    before the file gets its name, so that not even a power cut leaves half a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        if mode is not None:
            part.touch(mode)
        yield part
        if durable:
            with part.open("rb") as file:
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str) -> None:
    """Write `text` to `path`, which is never seen half written."""
    with atomic_path(path) as part:
        part.write_text(text)


def require_regular_file(path: Path, max_bytes: int) -> None:
    """Raise `OSError` unless `path` is a regular file, or a link to one, of at most `max_bytes`.

    Nothing is opened: to open a pipe waits for its other end, and to read a device may never end.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    if status.st_size > max_bytes:
        reason = f"it has {status.st_size:,} bytes, more than the {max_bytes:,} allowed"
        raise OSError(errno.EFBIG, reason, str(path))


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file. Raises `OSError`, also as `require_regular_file` does."""
    require_regular_file(path, max_bytes)
    with path.open("rb") as file:
        return file.read(max_bytes)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
