"""Pictures made to cost a decoder or the preprocessing much time or memory, or to confuse it."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.pictures import drawn, encoded, png_chunk

LARGEST_SIDE = 5000  # 25 million pixels
HALF_SIDE = 3535  # half of them, where a decoder holds a picture twice
THIRD_SIDE = 2886  # a third of them, where it holds a picture three times


def specks(side: int, step: int = 2) -> Image.Image:
    """Return a picture of as many separate pieces of ink as fit."""
    grey = np.full((side, side), 255, np.uint8)
    grey[::step, ::step] = 0
    return Image.fromarray(grey)


def rings(side: int, step: int) -> Image.Image:
    """Return frames within frames."""
    y, x = np.mgrid[:side, :side]
    distance = np.minimum(np.minimum(x, y), np.minimum(side - 1 - x, side - 1 - y))
    return Image.fromarray(np.where(distance % (2 * step) < step, 0, 255).astype(np.uint8))


def circles(side: int) -> Image.Image:
    """Return circles within circles."""
    y, x = np.mgrid[:side, :side]
    distance = np.hypot(x - side / 2, y - side / 2)
    return Image.fromarray(np.where((distance % 2 < 1) & (distance < side / 2), 0, 255).astype(np.uint8))


def boxes(side: int) -> Image.Image:
    """Return solid boxes within boxes, black and white in turn."""
    grey = np.full((side, side), 255, np.uint8)
    margin, level = 3, 0
    while side > 2 * margin + 20:
        grey[margin : side - margin, margin : side - margin] = level
        margin, level = margin + max(2, (side - 2 * margin) // 30), 255 - level
    return Image.fromarray(grey)


def noise(side: int, channels: int = 1) -> Image.Image:
    """Return random levels."""
    levels = np.random.default_rng(0).integers(0, 256, (side, side, channels), np.uint8)
    return Image.fromarray(levels.squeeze())


def busy_pictures(side: int) -> Iterator[Image.Image]:
    """Yield pictures on which there is much to find."""
    yield from (
        specks(side),
        specks(side, 3),
        rings(side, 1),
        rings(side, 2),
        rings(side, 8),
        circles(side),
        boxes(side),
    )
    yield noise(side).point(lambda level: 255 * (level > 64))
    yield from (noise(side), noise(side, 3), noise(side, 4))
    grid = np.full((side, side), 255, np.uint8)
    grid[::4] = grid[:, ::4] = 0
    yield Image.fromarray(grid)
    yield Image.fromarray(np.tile(np.linspace(0, 255, side).astype(np.uint8), (side, 1)))
    coloured = np.dstack([np.asarray(specks(side))] * 3)
    coloured[::2, ::2, 0] = 200
    yield Image.fromarray(coloured)


def png_with_texts(chunks: int, characters: int = 1_000_000) -> bytes:
    """Return a PNG of a four with compressed texts, one of which takes four bytes for each of its characters."""
    texts = [b"a" * characters] * (chunks - 1) + ["\N{GRINNING FACE}".encode() + b"a" * (characters - 4)]
    data = encoded(drawn(4))
    content = [b"Comment%d\0\1\0\0\0" % number + zlib.compress(text, 9) for number, text in enumerate(texts)]
    return data[:33] + b"".join(png_chunk(b"iTXt", text) for text in content) + data[33:]


def jpeg_with_scans(side: int, scans: int) -> bytes:
    """Return a progressive JPEG whose coefficients are refined again and again, by scans of twelve bytes."""
    data = encoded(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    end = data.rindex(b"\xff\xd9")
    refine = b"\xff\xda\0\x08\x01\x01\0\x01\x3f\x10" + b"\0\0"
    return data[:end] + refine * scans + data[end:]


def tiff(*tags: tuple[int, int, int, bytes], rest: bytes = b"") -> bytes:
    """Return a grey TIFF of 8x8 pixels with more tags: number, type, count, and four bytes of value or offset."""
    pixels = bytes(32) + bytes([255] * 32)
    usual = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    entries = {number: struct.pack("<HHII", number, 4, 1, value) for number, value in usual.items()}
    entries |= {number: struct.pack("<HHI", number, kind, count) + value for number, kind, count, value in tags}
    directory = struct.pack("<H", len(entries)) + b"".join(entries[number] for number in sorted(entries)) + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8 + len(pixels) + len(rest)) + pixels + rest + directory


def exif(*tags: tuple[int, int, int, bytes]) -> bytes:
    """Return EXIF data with these tags."""
    entries = b"".join(struct.pack("<HHI", number, kind, count) + value for number, kind, count, value in tags)
    return b"Exif\0\0" + struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)


def with_wrong_tags() -> dict[str, bytes]:
    """Return pictures whose EXIF or TIFF tags have wrong types or impossible values."""
    four = drawn(4).convert("RGB")
    turned = (0x0112, 3, 1, struct.pack("<HH", 6, 0))
    return {
        "orientation with a float description": encoded(
            four, "JPEG", exif=exif((0x010E, 11, 1, struct.pack("<f", 1.5)), turned)
        ),
        "cut EXIF": encoded(four, "JPEG", exif=exif(turned)[:12]),
        "EXIF with a far offset": encoded(four, "JPEG", exif=exif((0x010E, 2, 99, struct.pack("<I", 2**31)), turned)),
        "infinite rows": tiff((278, 11, 1, struct.pack("<f", float("inf")))),
        "huge offset": tiff((273, 16, 1, struct.pack("<I", 72)), rest=struct.pack("<Q", 2**63)),
        "negative rows": tiff((278, 9, 1, struct.pack("<i", -1))),
        "rows as text": tiff((278, 2, 4, b"many")),
        "tile of text": tiff((322, 2, 4, b"wide"), (323, 2, 4, b"high")),
        "compression as float": tiff((259, 11, 1, struct.pack("<f", float("nan")))),
    }


def webp_specks() -> bytes:
    """Return a WebP of about a hundred bytes with 160,000 specks."""
    file = io.BytesIO()
    specks(800).convert("RGB").save(file, "WEBP", lossless=True, quality=100, method=6)
    return file.getvalue()


def largest_pictures() -> Iterator[bytes]:
    """Yield the largest accepted picture of each format and mode."""
    grey = drawn(4, (500, 500), 40).resize((LARGEST_SIDE, LARGEST_SIDE))
    alpha = np.full((LARGEST_SIDE, LARGEST_SIDE), 255, np.uint8)
    alpha[:100] = 0
    for mode in ("1", "L", "P", "LA", "RGB"):
        yield encoded(grey.convert(mode), "PNG")
    yield encoded(Image.merge("RGBA", [grey, grey, grey, Image.fromarray(alpha)]), "PNG")
    yield encoded(grey.convert("P"), "PNG", transparency=3)
    yield encoded(Image.fromarray(np.asarray(grey, np.uint16) * 257), "PNG")
    yield encoded(grey.convert("P"), "GIF", transparency=3)
    yield encoded(grey.convert("1"), "BMP")
    yield encoded(grey.convert("RGB"), "JPEG", subsampling=0)
    yield encoded(grey.convert("CMYK"), "JPEG")
    for mode in ("CMYK", "RGBA", "F", "I"):
        yield encoded(grey.convert(mode), "TIFF", compression="tiff_deflate")
    half = grey.resize((HALF_SIDE, HALF_SIDE))
    yield encoded(grey.resize((THIRD_SIDE, THIRD_SIDE)).convert("RGB"), "WEBP")
    yield encoded(half.convert("RGB"), "JPEG", progressive=True, subsampling=0)
    yield encoded(half.convert("CMYK"), "JPEG", progressive=True)
    yield encoded(half.convert("RGBA"), "TIFF", compression="tiff_deflate", strip_size=2**29)
