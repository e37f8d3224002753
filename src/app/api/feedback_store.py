"""Stores corrected pictures in a folder: each once, written atomically, up to a number of files and bytes.

`<sha256>.png` (or another ending) is the picture as it was sent, `<sha256>.json` its correction. The .json is written
last: if it exists, the picture is complete.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from src.model.files import atomic_path
from src.model.monitoring.feedback import Feedback

FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StoreFull(Exception):  # noqa: N818 - it is an expected outcome, not a failure
    """There is no room for another picture."""


class FeedbackStore:
    """A folder that several processes may share."""

    def __init__(self, folder: Path, max_files: int, max_bytes: int) -> None:
        self._folder = folder
        self._max_files = max_files
        self._max_bytes = max_bytes

    def keep(self, picture: bytes, ending: str, feedback: Feedback) -> tuple[Feedback, bool]:
        """Store a picture with its feedback; return the stored feedback and whether the picture is new.

        A picture that is stored already keeps its first feedback, which is returned. Raises `StoreFull`, or `OSError`
        if the folder can't be written.
        """
        note_file = self._folder / f"{feedback.sha256}.json"
        with self._locked():
            if note_file.exists():
                return Feedback.model_validate_json(note_file.read_bytes()), False
            written = feedback.model_dump_json(indent=1).encode()
            self._require_room(len(picture) + len(written))
            try:
                _write(note_file.with_suffix(f".{ending}"), picture)
                _write(note_file, written)
            except OSError as error:
                note_file.with_suffix(f".{ending}").unlink(missing_ok=True)
                if error.errno in FULL:
                    raise StoreFull from error
                raise
        return feedback, True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep out other writers, in this process and in others, inside the block."""
        import fcntl  # noqa: PLC0415 - missing on Windows, where no feedback is kept

        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _require_room(self, size: int) -> None:
        """Raise `StoreFull` if `size` more bytes do not fit; delete the temporary files of writers that were killed."""
        count = 0
        for entry in os.scandir(self._folder):
            if entry.name.endswith(".part"):
                Path(entry).unlink()
                continue
            count += entry.name.endswith(".json")
            size += entry.stat().st_size
        if count >= self._max_files or size > self._max_bytes:
            raise StoreFull


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path, mode=0o600, durable=True) as part:
        part.write_bytes(content)
