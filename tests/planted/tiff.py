"""TIFF (revision 6.0), as a file of its own."""

from __future__ import annotations

import numpy as np

from tests.planted.common import MARKER, Builder, Pixels, c2pa, profile, second_jpeg, second_picture
from tests.planted.ifd import (
    ASCII,
    BYTE,
    EXIF,
    HEADER,
    LONG,
    SHORT,
    THUMBNAIL,
    UNDEFINED,
    Directory,
    Elsewhere,
    block,
    directories,
    long,
    short,
)
from tests.planted.packets import XMP, iptc, photoshop_iptc, photoshop_thumbnail
from tests.planted.png import hidden_pixels

_RGB, _PALETTE = 2, 3


def page(pixels: Pixels, behind: bytes = b"", kind: int = _RGB) -> list:  # type: ignore[type-arg]
    """The directory of an uncompressed picture, and bytes that its strip claims behind the pixels."""
    height, width = pixels.shape[:2]
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    strip = pixels.tobytes() + behind
    return [
        (0x0100, LONG, long(width)),
        (0x0101, LONG, long(height)),
        (0x0102, SHORT, short(*[8] * samples)),
        (0x0103, SHORT, short(1)),
        (0x0106, SHORT, short(kind)),
        (0x0111, LONG, Elsewhere(strip)),
        (0x0115, SHORT, short(samples)),
        (0x0116, LONG, long(height)),
        (0x0117, LONG, long(len(strip))),
        *([(0x0152, SHORT, short(2))] if samples == 4 else []),
    ]


def plain(pixels: Pixels, *entries: object) -> bytes:
    return block([*page(pixels), *entries])


def _entries(*entries: object) -> Builder:
    return lambda pixels: plain(pixels, *entries)


def _second() -> Directory:
    return page(np.asarray(second_picture()))


def _gap(pixels: Pixels) -> bytes:
    """Leave room between the header and the directory, to which nothing refers."""
    start = len(HEADER) + len(MARKER)
    return HEADER[:4] + long(start) + MARKER + directories([page(pixels)], start)


def _palette(pixels: Pixels) -> bytes:
    from PIL import Image

    image = Image.fromarray(pixels).quantize(100)
    colours = np.zeros((3, 256), np.uint16)
    own = np.array(image.getpalette(), np.uint16).reshape(-1, 3).T * 257
    colours[:, : own.shape[1]] = own
    colours[0, 240:252] = np.frombuffer(MARKER, np.uint16)
    return block([*page(np.asarray(image), kind=_PALETTE), (0x0140, SHORT, colours.astype("<u2").tobytes())])


_NAME = MARKER + b"\0"
_TAGS = {
    "private tag": (0xFDE8, UNDEFINED, MARKER),
    "page name": (0x011D, ASCII, _NAME),
    "target printer": (0x0151, ASCII, _NAME),
    "place on earth (GeoTIFF)": (0x87B1, ASCII, _NAME),
    "GDAL": (0xA480, ASCII, b"<GDALMetadata>" + _NAME),
    "IPTC": (0x83BB, UNDEFINED, iptc()),
    "Photoshop IPTC": (0x8649, BYTE, photoshop_iptc()),
    "Photoshop thumbnail": (0x8649, BYTE, photoshop_thumbnail()),
    "Photoshop layers": (0x935C, UNDEFINED, b"Adobe Photoshop Document Data Block\0" + MARKER),
    "ICC profile": (0x8773, UNDEFINED, profile()),
    "ICC profile (Display P3)": (0x8773, UNDEFINED, profile(wide=True)),
    "C2PA": (0xCD41, UNDEFINED, c2pa()),
    "further picture (SubIFD)": (0x014A, LONG, [_second()]),
    **{name: (0x02BC, BYTE, packet) for name, packet in XMP.items()},
}
PLACES: dict[str, Builder] = {
    **{name: _entries(entry) for name, entry in _TAGS.items()},
    **{name: _entries(*one) for name, one in EXIF.items() if isinstance(one, list)},
    "EXIF thumbnail (IFD1)": lambda pixels: block(page(pixels), THUMBNAIL),
    "further frames": lambda pixels: block(page(pixels), _second()),
    "gap": _gap,
    "bytes after the end": lambda pixels: plain(pixels) + MARKER,
    "second picture after the end": lambda pixels: plain(pixels) + second_jpeg(),
    "bytes behind the rows": lambda pixels: block(page(pixels, behind=MARKER)),
    "colours under transparent pixels": lambda pixels: block(page(np.asarray(hidden_pixels(pixels)))),
    "unused palette entries": _palette,
}
