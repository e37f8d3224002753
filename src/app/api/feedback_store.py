"""Stores corrected pictures in a folder: each once, written atomically, up to a number of files and bytes.

`<sha256>.png` (or another ending) is the picture as it was sent, `<sha256>.json` its correction. The .json is written
last: if it exists, the picture is complete. Anything else in the folder is left alone.
"""

import errno
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from src.model.files import atomic_path, read_file
from src.model.monitoring.feedback import MAX_NOTE_BYTES, Feedback

log = logging.getLogger(__name__)

FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StoreFull(Exception):  # noqa: N818 - it is an expected outcome, not a failure
    """There is no room for another picture."""


class FeedbackStore:
    """A folder that several processes may share."""

    def __init__(self, folder: Path, max_files: int, max_bytes: int) -> None:
        self._folder = folder
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._skipped: set[str] = set()  # entries that were logged

    def keep(self, picture: bytes, ending: str, feedback: Feedback) -> tuple[Feedback, bool]:
        """Store a picture with its feedback; return the stored feedback and whether the picture is new.

        A picture that is stored already keeps its first feedback, which is returned, unless its note is damaged. Raises
        `StoreFull`, or `OSError` if the folder can't be written.
        """
        note_file = self._folder / f"{feedback.sha256}.json"
        with self._locked():
            if stored := _read_note(note_file):
                return stored, False
            written = feedback.model_dump_json(indent=1).encode()
            self._require_room(len(picture) + len(written), feedback.sha256)
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

    def _require_room(self, size: int, digest: str) -> None:
        """Raise `StoreFull` if `size` more bytes do not fit; delete the temporary files of writers that were killed.

        The files of the picture `digest` do not count, because they are replaced. Entries that are no files are logged
        once and skipped.
        """
        count = 0
        skipped = set()
        with os.scandir(self._folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(".part") and not stat.S_ISDIR(status.st_mode):
                        Path(entry).unlink()
                    elif entry.name.startswith(digest):
                        continue
                    elif stat.S_ISREG(status.st_mode):
                        count += entry.name.endswith(".json")
                        size += status.st_size
                    else:
                        skipped.add(entry.name)
                except OSError:
                    skipped.add(entry.name)
        for name in skipped - self._skipped:
            log.warning("%s among the corrected pictures is not a file that can be used; it is skipped.", name)
        self._skipped = skipped
        if count >= self._max_files or size > self._max_bytes:
            raise StoreFull


def _read_note(path: Path) -> Feedback | None:
    """Return the note at `path`; None if there is none, or if it is damaged and has to be replaced."""
    if not os.path.lexists(path):
        return None
    with suppress(OSError, ValidationError):
        note = Feedback.model_validate_json(read_file(path, MAX_NOTE_BYTES))
        if note.sha256 == path.stem:
            return note
    log.warning("%s is damaged; it is replaced.", path.name)
    return None


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path, mode=0o600, durable=True) as part:
        part.write_bytes(content)
