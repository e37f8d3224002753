"""Pictures that were corrected, in a folder: each once, whole, and no more than there is room for.

`<sha256>.png` (or another ending) is the picture as it was sent, `<sha256>.json` what was read in it and what it really
was. The .json is written last: where it is, the picture is whole.
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


class StoreFull(Exception):  # noqa: N818 - it says what happened
    """There is no room for another picture."""


class FeedbackStore:
    """A folder that any number of processes may share."""

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
        with self._alone():
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
    def _alone(self) -> Iterator[None]:
        """Keep other writers out, of this process or another, inside the block."""
        import fcntl  # noqa: PLC0415 - not on Windows, where no feedback is kept

        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _require_room(self, size: int) -> None:
        """Raise `StoreFull` unless `size` more bytes may be kept; what a writer that was killed left behind goes."""
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
