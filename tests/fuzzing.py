"""Damaged pictures by the structure of their format: chunks, segments, frames and tags are changed, not only bytes.

A file is taken apart into its head and its blocks, some of them are repeated, dropped, exchanged, emptied, filled with
noise or joined by hostile ones, and the file is put together again with lengths and checksums that fit.
"""

import itertools
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from tests import hostile
from tests.pictures import drawn, encoded, png_chunk

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MODES: Final = {"JPEG": ("L", "RGB", "CMYK"), "WEBP": ("RGB", "RGBA"), "GIF": ("L", "P"), "BMP": ("1", "L", "P", "RGB")}
MANY: Final = 10_000  # the most repetitions of a block

# Takes four bytes for each character, because one of them needs them.
MILLION_CHARACTERS: Final = zlib.compress("\N{GRINNING FACE}".encode() + b"a" * 999_996, 9)

Random = np.random.Generator


@dataclass(frozen=True)
class Structure:
    """How files of a format are taken apart and put together, and blocks that may be added to them."""

    split: Callable[[bytes], list[bytes]]  # the first is the head
    join: Callable[[list[bytes]], bytes]
    hostile: Callable[[Random], bytes]


def fuzzed_files(kind: str, times: int, seed: int = 0) -> Iterator[bytes]:
    """Yield damaged files of a format: half by its structure, half by its bytes, and now and then an intact one."""
    random = np.random.default_rng((FORMATS.index(kind), seed))
    files = intact_files(kind)
    for number in range(times):
        data = files[number % len(files)]
        damage = (_change_blocks, _change_bytes)[int(random.integers(2))]
        yield damage(kind, data, random) if random.random() < 0.95 else data


def intact_files(kind: str) -> list[bytes]:
    """Return intact files of a format, in several of its variants and with contents that are much work."""
    picture = drawn(4, (60, 60), 5)
    files = [encoded(picture.convert(mode), kind) for mode in MODES.get(kind, ("1", "L", "P", "LA", "RGB", "RGBA"))]
    if kind == "TIFF":
        files += [encoded(picture, kind, compression=how) for how in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg")]
    if kind == "JPEG":
        files += [encoded(picture, kind, progressive=True), hostile.jpeg_with_scans(1000, 50)]
    if kind in ("GIF", "WEBP"):
        frames = [drawn(digit, (60, 60), 5).convert("RGB") for digit in range(3)]
        files.append(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    busy = [hostile.specks(300).convert("RGB"), hostile.rings(300, 2).convert("RGB")]
    options = {"lossless": True} if kind == "WEBP" else {}
    return files + [encoded(picture, kind, **options) for picture in busy]


def _change_bytes(_kind: str, data: bytes, random: Random) -> bytes:
    """Change, remove, repeat or insert bytes, most of them near the start."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 5))):
        place = int(len(changed) * random.random() ** 2)
        length = int(random.integers(1, 9))
        noise = random.bytes(length)
        match int(random.integers(5)):
            case 0:
                changed[place : place + length] = noise
            case 1:
                del changed[place : place + length * 10]
            case 2:
                changed[place:place] = noise
            case 3:
                changed[place : place + 4] = b"\xff" * length
            case _:
                changed[place:place] = changed[place : place + length * 20]
    return bytes(changed)


def _change_blocks(kind: str, data: bytes, random: Random) -> bytes:
    """Change the blocks of a file one to four times."""
    structure = STRUCTURES[kind]
    head, *blocks = structure.split(data)
    for _ in range(int(random.integers(1, 5))):
        place = int(random.integers(len(blocks) + 1))
        block = blocks[place % len(blocks)] if blocks else b""
        match random.integers(7):
            case 0:
                blocks[place:place] = [block] * int(MANY ** random.random())
            case 1:
                del blocks[place : place + 1]
            case 2:
                random.shuffle(blocks)
            case 3:
                many = MANY ** random.random() if random.random() < 0.3 else 1
                blocks[place:place] = [structure.hostile(random)] * int(many)
            case 4 if len(block) > 8:
                start = int(random.integers(len(block)))
                blocks[place % len(blocks)] = block[:start] + random.bytes(4) + block[start + 4 :]
            case 5 if len(block) > 8:
                blocks[place % len(blocks)] = block[: int(random.integers(len(block)))]
            case _:
                head = _change_bytes(kind, head, random) if random.random() < 0.3 else head
    return structure.join([head, *blocks])[:9_000_000]


def _split_png(data: bytes) -> list[bytes]:
    """Return the signature, and each chunk without length and checksum."""
    blocks, start = [data[:8]], 8
    while start < len(data):
        (length,) = struct.unpack_from(">I", data, start)
        blocks.append(data[start + 4 : start + 8 + length])
        start += 12 + length
    return blocks


def _join_png(blocks: list[bytes]) -> bytes:
    return blocks[0] + b"".join(png_chunk(block[:4], block[4:]) for block in blocks[1:])


def _hostile_png(random: Random) -> bytes:
    """Return a chunk: a text that inflates a thousand times, a header that claims much, a profile, an animation."""
    match random.integers(4):
        case 0:
            return b"iTXt%d\0\1\0\0\0" % random.integers(1000) + MILLION_CHARACTERS
        case 1:
            sides = random.integers(0, 40_000, 2)
            return b"IHDR" + struct.pack(">II", *sides) + bytes(random.integers(0, 17, 5, np.uint8))
        case 2:
            return b"iCCPx\0\0" + zlib.compress(bytes(1_000_000), 9)
        case _:
            return b"fcTL" + random.bytes(26)


def _split_jpeg(data: bytes) -> list[bytes]:
    """Return the start, and each segment with its marker and the compressed pixels that follow it."""
    starts = [2]
    while starts[-1] + 4 <= len(data):
        (length,) = struct.unpack_from(">H", data, starts[-1] + 2)
        end = starts[-1] + 2 + length
        while end + 1 < len(data) and (data[end] != 0xFF or data[end + 1] == 0 or 0xD0 <= data[end + 1] <= 0xD7):
            end += 1
        starts.append(end)
    return [data[:2], *(data[start:end] for start, end in itertools.pairwise([*starts, len(data)]))]


def _hostile_jpeg(random: Random) -> bytes:
    """Return a segment: a scan that refines, EXIF, a picture of another size."""
    match random.integers(4):
        case 0 | 1:
            return b"\xff\xda\0\x08\x01\x01\0\x01\x3f\x10\0\0"
        case 2:
            content = _exif(random)
            return b"\xff\xe1" + struct.pack(">H", 2 + len(content)) + content
        case _:
            return b"\xff\xc2\0\x0b\x08" + struct.pack(">HH", *random.integers(0, 65_536, 2)) + b"\x01\x01\x11\0"


def _split_webp(data: bytes) -> list[bytes]:
    """Return an empty head, and each chunk with its name and length."""
    blocks, start = [b""], 12
    while start + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, start + 4)
        blocks.append(data[start : start + 8 + length + length % 2])
        start += 8 + length + length % 2
    return blocks


def _join_webp(blocks: list[bytes]) -> bytes:
    content = b"WEBP" + b"".join(blocks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _hostile_webp(random: Random) -> bytes:
    content = _exif(random)
    kind = (b"EXIF", b"VP8X", b"ANMF", b"ICCP")[int(random.integers(4))]
    content = content if kind == b"EXIF" else random.bytes(int(random.integers(4, 40)) & ~1)
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _split_gif(data: bytes) -> list[bytes]:
    """Return the header with its palette, and the parts before each frame or extension."""
    first = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    places = [place for place in range(first, len(data)) if data[place] in (0x21, 0x2C)] or [first]
    return [data[:first], *(data[start:end] for start, end in itertools.pairwise([*places, len(data)]))]


def _hostile_gif(random: Random) -> bytes:
    """Return a frame of any size, or an extension."""
    if random.random() < 0.5:
        return b"\x2c" + struct.pack("<HHHH", *random.integers(0, 65_536, 4)) + b"\0\x08" + b"\xff" + bytes(255) + b"\0"
    return b"\x21\xfe" + (b"\xff" + bytes(255)) * int(random.integers(1, 100)) + b"\0"


def _split_bmp(data: bytes) -> list[bytes]:
    """Return the two headers, and the rest in pieces."""
    return [data[:54], *(data[start : start + 64] for start in range(54, len(data), 64))]


def _split_tiff(data: bytes) -> list[bytes]:
    """Return everything but the directory, and its entries."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = (data[start + 2 + 12 * number : start + 14 + 12 * number] for number in range(count))
    return [data[:start] if start > 8 else data[:4] + struct.pack("<I", len(data)) + data[8:], *entries]


def _join_tiff(blocks: list[bytes]) -> bytes:
    entries = blocks[1:60_000]
    head = blocks[0][:4] + struct.pack("<I", len(blocks[0])) + blocks[0][8:]
    directory = b"".join(entry.ljust(12, b"\0")[:12] for entry in entries)
    return head + struct.pack("<H", len(entries)) + directory + bytes(4)


def _hostile_tiff(random: Random) -> bytes:
    number, kind, count, value = _tag(random)
    return struct.pack("<HHI", number, kind, count) + value


def _exif(random: Random) -> bytes:
    """Return EXIF data that turns the picture, with other tags that are copied then; sometimes cut."""
    content = hostile.exif(*(_tag(random) for _ in range(int(random.integers(1, 9)))), (274, 3, 1, b"\6\0\0\0"))
    return content[: int(random.integers(6, 16))] if random.random() < 0.2 else content


def _tag(random: Random) -> tuple[int, int, int, bytes]:
    """Return a tag that a reader looks at, of any type, with a value that it may not expect."""
    numbers = (256, 257, 258, 259, 262, 270, 273, 274, 277, 278, 279, 284, 317, 322, 323, 324, 325, 338, 339, 700)
    floats = (struct.pack("<f", float("inf")), struct.pack("<f", float("nan")))
    values = (struct.pack("<I", 2**31), *floats, random.bytes(4))
    count = int(random.choice([0, 1, 1, 1, 2, 5, 2**31]))
    return int(random.choice(numbers)), int(random.integers(0, 18)), count, values[int(random.integers(len(values)))]


STRUCTURES: Final = {
    "PNG": Structure(_split_png, _join_png, _hostile_png),
    "JPEG": Structure(_split_jpeg, b"".join, _hostile_jpeg),
    "WEBP": Structure(_split_webp, _join_webp, _hostile_webp),
    "GIF": Structure(_split_gif, b"".join, _hostile_gif),
    "BMP": Structure(_split_bmp, b"".join, lambda random: random.bytes(64)),
    "TIFF": Structure(_split_tiff, _join_tiff, _hostile_tiff),
}
