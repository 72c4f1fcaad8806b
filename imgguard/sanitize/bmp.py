"""BMP (Windows GDI: BITMAPFILEHEADER, BITMAPINFOHEADER): one header, a palette, rows of pixels, and nothing else."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np

from imgguard.sanitize.samples import as_image
from imgguard.types import Part

if TYPE_CHECKING:
    from imgguard.sanitize.attached import Attached
    from imgguard.types import Raster

_FILE_HEADER = 14
_INFO_HEADER = 40
_DEPTHS = (1, 4, 8, 24)
# Pillow writes 96 dots an inch, in pixels a metre; 0 means nothing is said.
_RESOLUTIONS = (0, 3780)
_MOST_SIDE = 1 << 20
_RAMP = b"".join(bytes((level, level, level, 0)) for level in range(256))


def encode(raster: Raster, attached: Attached) -> bytes:
    """Write a BMP of 1, 8 or 24 bits a pixel; the format has no place for a line of credit or a profile."""
    del attached
    out = io.BytesIO()
    as_image(raster).save(out, "BMP")
    return out.getvalue()


def scan(content: bytes) -> list[Part]:
    """List a BMP's parts; see `imgguard.sanitize.scan`."""
    if len(content) < _FILE_HEADER + _INFO_HEADER or content[:2] != b"BM":
        return [Part("damaged", 0, len(content), "no BMP header", False)]
    length, reserved, pixels_at, header = struct.unpack_from("<IIII", content, 2)
    parts = [
        Part("file header", 0, _FILE_HEADER, "BMP header", length == len(content) and not reserved),
    ]
    if header != _INFO_HEADER or not _FILE_HEADER + _INFO_HEADER <= pixels_at <= len(content):
        rest = len(content) - _FILE_HEADER
        meaning = "a header of another kind: may hold a colour profile" if header > _INFO_HEADER else "a damaged header"
        return [*parts, Part("info header", _FILE_HEADER, rest, meaning, False)]
    return parts + _picture(content, pixels_at)


def _picture(content: bytes, pixels_at: int) -> list[Part]:
    at = _FILE_HEADER + _INFO_HEADER
    fields = struct.unpack_from("<iiHHIIiiII", content, _FILE_HEADER + 4)
    width, height, planes, depth, compression, size, x, y, colours, important = fields
    rows = abs(height)
    plain = planes == 1 and depth in _DEPTHS and compression == 0 and x == y and x in _RESOLUTIONS
    plain = plain and 0 < width <= _MOST_SIDE and 0 < rows <= _MOST_SIDE and important in (0, colours)
    stride = -(-width * depth // 32) * 4 if plain else 0
    plain = plain and size in (0, stride * rows)
    entries = 0 if not plain or depth == 24 else min(colours or 2**depth, 2**depth)
    exact = plain and pixels_at == at + 4 * entries and (entries > 0) == (depth != 24) and (depth != 24 or not colours)
    palette = content[at:pixels_at]
    parts = [Part("info header", _FILE_HEADER, _INFO_HEADER, "size and kind of the picture", bool(exact))]
    if palette:
        unused = any(palette[3::4]) or (depth == 8 and _has_unused(content[pixels_at:], palette, width, stride))
        parts.append(Part("palette", at, len(palette), "palette", bool(exact and not unused)))
    end = min(len(content), pixels_at + stride * rows)
    whole = end == pixels_at + stride * rows and bool(exact)
    parts.append(Part("pixels", pixels_at, end - pixels_at, "picture data", whole and _padded(content, fields, end)))
    if end < len(content):
        parts.append(Part("trailer", end, len(content) - end, "bytes after the end of the picture", False))
    return parts


def _padded(content: bytes, fields: tuple[int, ...], end: int) -> bool:
    """Say whether the bits that fill up each row are zero."""
    width, height, _, depth = fields[:4]
    used, stride = width * depth, -(-width * depth // 32) * 4
    begin = end - stride * abs(height)
    whole, loose = used // 8, used % 8
    last = range(begin + whole, end, stride) if loose else range(0)
    if any(content[at] & (0xFF >> loose) for at in last):
        return False
    first = whole + bool(loose)
    return not any(any(content[begin + column : end : stride]) for column in range(first, stride))


def _has_unused(rows: bytes, palette: bytes, width: int, stride: int) -> bool:
    """Say whether a palette has colours that no pixel uses, other than those of a ramp of greys."""
    if palette == _RAMP[: len(palette)]:
        return False
    indices = np.frombuffer(rows[: len(rows) // stride * stride], np.uint8).reshape(-1, stride)[:, :width]
    return not np.bincount(indices.ravel(), minlength=len(palette) // 4)[: len(palette) // 4].all()
