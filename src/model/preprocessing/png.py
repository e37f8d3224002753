"""PNG files of the usual kind → pixels, by OpenCV: in a third of the time that Pillow takes to find out what they are.

Whatever is unusual is left to Pillow: palettes, other depths than eight bits, interlacing, pictures that are to be
turned or scaled, and every file that is not wholly as the format has it.
"""

import struct
import zlib
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from src.model.errors import DamagedPicture

DAMAGED: Final = "The picture is damaged or cut short. Save it again and send it once more."
SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
CHUNK: Final = struct.Struct(">I4s")  # length and kind; then so many bytes, and a check sum of 4
HEADER: Final = struct.Struct(">4sIIBBBBB")  # kind, width, height, bits, colours, three methods
USUAL: Final = {0: cv2.IMREAD_GRAYSCALE, 2: cv2.IMREAD_COLOR_RGB, 6: cv2.IMREAD_UNCHANGED}  # by the kind of colours
# Colour spaces, sizes and dates say nothing about which pixels there are; all else does, as EXIF.
BESIDE: Final = (b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"tIME")


def decode(data: bytes, max_side: int, max_pixels: int) -> NDArray[np.uint8] | None:
    """Return the pixels of a PNG, [H, W], [H, W, 3] or [H, W, 4], None if `data` isn't one of the usual kind.

    Raises `DamagedPicture` if it is, but has no such pixels; then libpng says so on stderr, too.
    """
    if not (header := read_header(data)):
        return None
    width, height, bits, colours, *methods = header
    if bits != 8 or colours not in USUAL or any(methods):
        return None
    if not 0 < max(width, height) <= max_side or width * height > max_pixels or not (plain := _plain(data)):
        return None
    pixels = cv2.imdecode(np.frombuffer(plain, np.uint8), USUAL[colours])
    if pixels is None:
        raise DamagedPicture(DAMAGED)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA) if colours == 6 else pixels, np.uint8)


def read_header(data: bytes) -> tuple[int, ...] | None:
    """Return width, height, bits per channel, colour type and three methods of a PNG; None if `data` is no PNG."""
    if not data.startswith(SIGNATURE) or len(data) < len(SIGNATURE) + CHUNK.size + HEADER.size:
        return None
    kind, *fields = HEADER.unpack_from(data, len(SIGNATURE) + 4)
    return tuple(fields) if kind == b"IHDR" else None


def _plain(data: bytes) -> bytes | None:
    """Return a PNG without what is beside its pixels, so that libpng says nothing of it; None if it isn't plain."""
    kept, start = [SIGNATURE], len(SIGNATURE)
    while start + CHUNK.size <= len(data):
        length, kind = CHUNK.unpack_from(data, start)
        end = start + CHUNK.size + length + 4
        if zlib.crc32(data[start + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return None
        if kind in (b"IHDR", b"IDAT", b"IEND"):
            kept.append(data[start:end])
        elif kind not in BESIDE:
            return None
        if kind == b"IEND":
            return b"".join(kept) if end == len(data) else None
        start = end
    return None
