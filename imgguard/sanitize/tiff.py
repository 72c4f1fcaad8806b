"""TIFF (revision 6.0): one directory, one picture in strips, and every byte is one of theirs.

The writer is the tool's own: what the libraries write leaves gaps, and none keeps every depth.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgguard.sanitize.attached import Attached
    from imgguard.types import Raster

_ASCII, _SHORT, _LONG, _UNDEFINED = 2, 3, 4, 7
_DEFLATE, _DIFFERENCES = 8, 2
_GREY, _RGB, _PALETTE = 1, 2, 3
_STRIP_BYTES = 1 << 20
_LEVEL = 5

_Field = tuple[int, int, bytes]


def encode(raster: Raster, attached: Attached) -> bytes:
    """Write a TIFF, compressed without loss, at the raster's own depth."""
    packed = _packed(raster)
    height, width = raster.samples.shape[:2]
    rows = max(1, min(height, _STRIP_BYTES // max(1, packed[:1].nbytes)))
    strips = [zlib.compress(packed[at : at + rows].tobytes(), _LEVEL) for at in range(0, height, rows)]
    channels = 3 if raster.samples.ndim == 3 else 1
    fields = [
        _longs(256, width),
        _longs(257, height),
        _shorts(258, *[raster.bits] * channels),
        _shorts(259, _DEFLATE),
        _shorts(262, _PALETTE if raster.palette is not None else _GREY if channels == 1 else _RGB),
        _longs(273, *_starts(strips)),
        _shorts(277, channels),
        _longs(278, rows),
        _longs(279, *map(len, strips)),
        _shorts(284, 1),
        *([_shorts(317, _DIFFERENCES)] if raster.bits >= 8 and raster.palette is None else []),
        *_extra_fields(raster, attached),
    ]
    body = b"".join(strips)
    body += bytes(len(body) % 2)
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + _directory(sorted(fields), 8 + len(body))


def _extra_fields(raster: Raster, attached: Attached) -> list[_Field]:
    fields: list[_Field] = []
    if raster.palette is not None:
        table = np.zeros((2**raster.bits, 3), "<u2")
        table[: len(raster.palette)] = raster.palette.astype(np.uint16) * 257
        fields.append((320, _SHORT, table.T.tobytes()))
    if attached.credit is not None:
        fields += [(tag, _ASCII, attached.credit.encode() + b"\0") for tag in (315, 33432)]
    if attached.icc is not None:
        fields.append((34675, _UNDEFINED, attached.icc))
    return fields


def _packed(raster: Raster) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Lay samples out as a strip has them: differences along rows, or several samples a byte."""
    samples, bits = raster.samples, raster.bits
    if bits < 8:
        bit_planes = (samples[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        return np.packbits(bit_planes.reshape(len(samples), -1).astype(bool), axis=1)
    if raster.palette is not None:
        return samples
    out = samples.astype("<u2" if bits == 16 else np.uint8)
    out[:, 1:] -= samples[:, :-1]
    return out


def _starts(strips: list[bytes]) -> list[int]:
    return [8 + int(at) for at in np.cumsum([0, *map(len, strips[:-1])])]


def _shorts(tag: int, *values: int) -> _Field:
    return tag, _SHORT, struct.pack(f"<{len(values)}H", *values)


def _longs(tag: int, *values: int) -> _Field:
    return tag, _LONG, struct.pack(f"<{len(values)}I", *values)


def _directory(fields: list[_Field], at: int) -> bytes:
    """Lay out a directory and, behind it, the values that do not fit into its fields."""
    out, values = struct.pack("<H", len(fields)), b""
    after = at + 2 + 12 * len(fields) + 4
    sizes = {_SHORT: 2, _LONG: 4}
    for tag, kind, value in fields:
        out += struct.pack("<HHI", tag, kind, len(value) // sizes.get(kind, 1))
        if len(value) <= 4:
            out += value.ljust(4, b"\0")
        else:
            out += struct.pack("<I", after + len(values))
            values += value + bytes(len(value) % 2)
    return out + bytes(4) + values
