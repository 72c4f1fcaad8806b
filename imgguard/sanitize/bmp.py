"""BMP (Windows GDI: BITMAPFILEHEADER, BITMAPINFOHEADER): one header, a palette, rows of pixels, and nothing else."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imgguard.sanitize.rows import ends_empty
from imgguard.sanitize.samples import as_image
from imgguard.types import Part

if TYPE_CHECKING:
    from imgguard.sanitize.attached import Attached
    from imgguard.types import Raster

_FILE_HEADER = 14
_INFO_HEADER = 40
_DEPTHS = (1, 8, 24)
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


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the info header says of the picture; only kinds that are allowed."""

    width: int
    rows: int
    depth: int
    colours: int

    @property
    def stride(self) -> int:
        return -(-self.width * self.depth // 32) * 4


def _kind(content: bytes, pixels_at: int) -> _Kind | None:
    """Read the info header; None where anything in it is not as it has to be."""
    fields = struct.unpack_from("<iiHHIIiiII", content, _FILE_HEADER + 4)
    width, height, planes, depth, compression, size, x, y, colours, important = fields
    if planes != 1 or depth not in _DEPTHS or compression or x != y or x not in _RESOLUTIONS:
        return None
    if not (0 < width <= _MOST_SIDE and 0 < abs(height) <= _MOST_SIDE) or important not in (0, colours):
        return None
    entries = 0 if depth == 24 else colours or 2**depth
    if entries > 2**depth or (depth == 24 and colours) or pixels_at < _FILE_HEADER + _INFO_HEADER + 4 * entries:
        return None
    kind = _Kind(width, abs(height), depth, entries)
    return kind if size in (0, kind.stride * kind.rows) else None


def _picture(content: bytes, pixels_at: int) -> list[Part]:
    at, kind = _FILE_HEADER + _INFO_HEADER, _kind(content, pixels_at)
    parts = [Part("info header", _FILE_HEADER, _INFO_HEADER, "size and kind of the picture", kind is not None)]
    end = min(len(content), pixels_at + kind.stride * kind.rows) if kind else len(content)
    rows = content[pixels_at:end]
    whole = kind is not None and len(rows) == kind.stride * kind.rows
    palette = content[at : at + 4 * kind.colours] if kind else b""
    if palette:
        used = whole and kind is not None and not any(palette[3::4]) and not _has_unused(rows, palette, kind)
        parts.append(Part("palette", at, len(palette), "palette", used))
        at += len(palette)
    if pixels_at > at:
        parts.append(Part("gap", at, pixels_at - at, "bytes before the picture that belong to nothing", False))
    padded = whole and kind is not None and _padded(rows, kind)
    parts.append(Part("pixels", pixels_at, len(rows), "picture data", padded))
    if end < len(content):
        parts.append(Part("trailer", end, len(content) - end, "bytes after the end of the picture", False))
    return parts


def _padded(rows: bytes, kind: _Kind) -> bool:
    return ends_empty(np.frombuffer(rows, np.uint8).reshape(kind.rows, kind.stride), kind.width * kind.depth)


def _has_unused(rows: bytes, palette: bytes, kind: _Kind) -> bool:
    """Say whether a palette has colours that no pixel uses, other than those of a ramp of greys."""
    if kind.depth == 1 or palette == _RAMP[: len(palette)]:
        return False
    indices = np.frombuffer(rows, np.uint8).reshape(kind.rows, kind.stride)[:, : kind.width]
    return not np.bincount(indices.ravel(), minlength=kind.colours)[: kind.colours].all()
