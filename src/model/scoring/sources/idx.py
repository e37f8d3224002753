"""Pictures in an IDX file, MNIST's format: uint8 [N, H, W], ink bright; also compressed by gzip.

The digest is that of the uncompressed content.
"""

import hashlib
import math
import struct
from collections.abc import Collection, Iterator
from typing import Any, Final

import cv2
import numpy as np

from src.model.errors import ScoringError
from src.model.scoring.locations import Location
from src.model.scoring.sources.base import Kind, Picture, Plan, Shard, cut

MAGIC: Final = b"\0\0\x08\x03"  # unsigned bytes, three dimensions
GZIP: Final = b"\x1f\x8b"
HEADER: Final = struct.Struct(">4sIII")
BLOCK: Final = 1 << 20  # bytes that are read at once


class IdxFile:
    """An IDX file of pictures."""

    kind: Kind = "idx"

    def __init__(self, location: Location, max_pixels: int) -> None:
        """Read a file whose pictures have at most `max_pixels` each."""
        self._location = location
        self._max_pixels = max_pixels

    def plan(self, size: int, paths: Location | None) -> Plan:  # noqa: ARG002 - pictures have no paths of their own
        """Cut the pictures into ranges. Raises `ScoringError` if the file is cut short."""
        digest = hashlib.sha256()
        with self._open() as stream:
            header = stream.read(HEADER.size)
            count, height, width = self._parse(header)
            digest.update(header)
            length = 0
            while block := stream.read(BLOCK):
                digest.update(block)
                length += len(block)
        if length != count * height * width:
            expected = f"{count:,} pictures of {width}x{height} pixels"
            raise ScoringError(f"{self._location} does not hold the {expected} that its header announces.")
        return Plan(count, digest.hexdigest(), cut("", count, size))

    def read(
        self,
        shard: Shard,
        paths: Location,  # noqa: ARG002
        rows: Collection[int] | None = None,
    ) -> Iterator[Picture]:
        """Yield the pictures of a range as PNG files, named `<file>#<number>`."""
        with self._open() as stream:
            _, height, width = self._parse(stream.read(HEADER.size))
            _skip(stream, shard.start * height * width)
            for row in range(shard.stop - shard.start):
                pixels = stream.read(height * width)
                if rows is None or row in rows:
                    image = np.frombuffer(pixels, np.uint8).reshape(height, width)
                    yield Picture(
                        f"{self._location.name}#{shard.start + row}", cv2.imencode(".png", image)[1].tobytes()
                    )

    def _open(self) -> Any:
        files, path = self._location.files, self._location.path
        return files.open_input_stream(path, compression="gzip" if is_gzip(self._location) else None)

    def _parse(self, header: bytes) -> tuple[int, int, int]:
        if len(header) < HEADER.size or not header.startswith(MAGIC) or not math.prod(HEADER.unpack(header)[1:]):
            raise ScoringError(f"{self._location} is not an IDX file of pictures: unsigned bytes in three dimensions.")
        _, count, height, width = HEADER.unpack(header)
        if height * width > self._max_pixels:
            raise ScoringError(f"The pictures in {self._location} have more than {self._max_pixels:,} pixels.")
        return count, height, width


def is_gzip(location: Location) -> bool:
    """Return whether a file is compressed by gzip."""
    with location.files.open_input_stream(location.path, compression=None) as stream:
        return bool(stream.read(len(GZIP)) == GZIP)


def _skip(stream: Any, count: int) -> None:
    while count > 0 and (block := stream.read(min(BLOCK, count))):
        count -= len(block)
