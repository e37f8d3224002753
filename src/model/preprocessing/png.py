"""Decode ordinary PNG files with OpenCV, in a third of the time that Pillow takes to recognise them.

All other PNG files are left to Pillow: palettes, other depths than 8 bits, interlacing, pictures to be rotated or
scaled down, and damaged files.
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
CHUNK: Final = struct.Struct(">I4s")  # length of the content and kind; the content and a CRC of 4 bytes follow
HEADER: Final = struct.Struct(">4sIIBBBBB")  # kind, width, height, bit depth, colour type, three methods
READ_MODES: Final = {0: cv2.IMREAD_GRAYSCALE, 2: cv2.IMREAD_COLOR_RGB, 6: cv2.IMREAD_UNCHANGED}  # by colour type
PIXEL_CHUNKS: Final = (b"IHDR", b"IDAT", b"IEND")
# Colour spaces, sizes and dates do not change the pixels. Any other chunk might: EXIF holds an orientation.
IGNORED_CHUNKS: Final = (b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"tIME")
# Of the chunks that decoders may skip, these change what is seen: the palette's transparency and EXIF's orientation.
NEEDED_CHUNKS: Final = (b"tRNS", b"eXIf")
ORIENTATION_TEXTS: Final = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")  # texts with these keywords may, too


def decode(data: bytes, max_side: int, max_pixels: int) -> NDArray[np.uint8] | None:
    """Return the pixels of an ordinary PNG, [H, W], [H, W, 3] or [H, W, 4]; None if `data` is anything else.

    Raises `DamagedPicture` if the compressed pixels are damaged, which libpng also reports on stderr.
    """
    if not (header := read_header(data)):
        return None
    width, height, bit_depth, colour_type, *methods = header
    if bit_depth != 8 or colour_type not in READ_MODES or any(methods):
        return None
    if not 0 < max(width, height) <= max_side or width * height > max_pixels or not (chunks := _keep_pixels(data)):
        return None
    pixels = cv2.imdecode(np.frombuffer(chunks, np.uint8), READ_MODES[colour_type])
    if pixels is None:
        raise DamagedPicture(DAMAGED)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA) if colour_type == 6 else pixels, np.uint8)


def read_header(data: bytes) -> tuple[int, ...] | None:
    """Return width, height, bit depth, colour type and three methods; None if `data` is no PNG."""
    if not data.startswith(SIGNATURE) or len(data) < len(SIGNATURE) + CHUNK.size + HEADER.size:
        return None
    kind, *fields = HEADER.unpack_from(data, len(SIGNATURE) + 4)
    return tuple(fields) if kind == b"IHDR" else None


def drop_texts(data: bytes) -> bytes:
    """Return a PNG without the chunks that change no pixel; anything else is returned as it is.

    Pillow keeps every text of a file in memory, and a compressed text of 1 kB may have a million characters.
    """
    if not data.startswith(SIGNATURE):
        return data
    chunks, start = [SIGNATURE], len(SIGNATURE)
    keywords = set(ORIENTATION_TEXTS)
    while start + CHUNK.size <= len(data):
        length, kind = CHUNK.unpack_from(data, start)
        end = start + CHUNK.size + length + 4
        is_critical = not kind[0] & 0x20  # a capital letter
        content = start + CHUNK.size
        keyword = next((keyword for keyword in keywords if data.startswith(keyword, content)), None)
        if is_critical or kind in NEEDED_CHUNKS or keyword:
            chunks.append(data[start:end])
        keywords.discard(keyword or b"")  # only the first of each: they may be many
        start = end
    return b"".join(chunks)


def _keep_pixels(data: bytes) -> bytes | None:
    """Return a PNG without its ignored chunks, about which libpng would warn; None if it has others or is damaged."""
    chunks, start = [SIGNATURE], len(SIGNATURE)
    while start + CHUNK.size <= len(data):
        length, kind = CHUNK.unpack_from(data, start)
        end = start + CHUNK.size + length + 4
        if zlib.crc32(data[start + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return None
        if kind in PIXEL_CHUNKS:
            chunks.append(data[start:end])
        elif kind not in IGNORED_CHUNKS:
            return None
        if kind == b"IEND":
            return b"".join(chunks) if end == len(data) else None
        start = end
    return None
