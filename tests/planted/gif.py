"""GIF (GIF89a specification)."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from tests.planted.common import MARKER, Builder, Pixels, as_bytes, c2pa, film, profile, second_picture
from tests.planted.packets import XMP

_COLOURS = 100


def plain(pixels: Pixels) -> bytes:
    return as_bytes(Image.fromarray(pixels).quantize(_COLOURS), "GIF")


def sub_blocks(body: bytes) -> bytes:
    pieces = [body[at : at + 255] for at in range(0, len(body), 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0"


def application(name: bytes, body: bytes) -> bytes:
    return b"!\xff\x0b" + name + body


def _head(content: bytes) -> int:
    """Where the palette ends."""
    return 13 + (3 << (content[10] & 7) + 1) * (content[10] >> 7)


def _extension(block: bytes) -> Builder:
    def build(pixels: Pixels) -> bytes:
        content = plain(pixels)
        at = _head(content)
        return b"GIF89a" + content[6:at] + block + content[at:]

    return build


def _behind(trailer: bytes) -> Builder:
    return lambda pixels: plain(pixels) + trailer


def _palette(pixels: Pixels) -> bytes:
    content = plain(pixels)
    at = _head(content)
    return content[: at - len(MARKER)] + MARKER + content[at:]


def _in_stream(pixels: Pixels) -> bytes:
    """Put a block behind the one that ends the compressed picture."""
    content = plain(pixels)
    return content[:-2] + bytes([len(MARKER)]) + MARKER + content[-2:]


def _frames(pixels: Pixels) -> bytes:
    content = _second(pixels)
    at, begin = _head(content), content.index(_corner())
    loop = application(b"NETSCAPE2.0", b"\x03\x01\0\0\0")
    return content[:at] + loop + content[at:begin] + b"!\xf9\4\4\x10\0\0\0" + content[begin:]


def _second(pixels: Pixels) -> bytes:
    """A second picture of one small corner, shown at once: no animation for many a viewer."""
    return plain(pixels)[:-1] + _corner() + b";"


def _corner() -> bytes:
    """A picture of eight pixels, with colours of its own."""
    corner = Image.fromarray(np.arange(8, dtype=np.uint8)[None])
    corner.putpalette(MARKER)
    content = as_bytes(corner, "GIF", optimize=False)
    at = _head(content)
    begin = content.index(b",", at)
    return content[begin : begin + 9] + bytes([0x80 | content[10] & 7]) + content[13:at] + content[begin + 10 : -1]


_PLAIN_TEXT = b"!\x01\x0c" + struct.pack("<4H4B", 0, 0, 80, 16, 8, 8, 1, 0)
_EXTENSIONS = {
    "comment": b"!\xfe" + sub_blocks(MARKER),
    "application extension": application(b"IMGGUARD1.0", sub_blocks(MARKER)),
    "loop extension with more": application(b"NETSCAPE2.0", b"\x03\x01\0\0" + sub_blocks(MARKER)),
    "plain text": _PLAIN_TEXT + sub_blocks(MARKER),
    "unknown extension": b"!\x42" + sub_blocks(MARKER),
    "ICC profile": application(b"ICCRGBG1012", sub_blocks(profile())),
    "ICC profile (Display P3)": application(b"ICCRGBG1012", sub_blocks(profile(wide=True))),
    "C2PA": application(b"C2PA_GIF\1\0\0", sub_blocks(c2pa())),
    **{
        # The packet stands there as it is; the bytes behind it lead a reader of blocks to the end (XMP, part 3).
        name: application(b"XMP DataXMP", packet + b"\1" + bytes(range(255, -1, -1)) + b"\0")
        for name, packet in XMP.items()
    },
}
PLACES: dict[str, Builder] = {
    **{name: _extension(block) for name, block in _EXTENSIONS.items()},
    "bytes after the end": _behind(MARKER),
    "second picture after the end": _behind(as_bytes(second_picture(), "PNG")),
    "motion photo (bare film)": _behind(film()),
    "further frames": _frames,
    "second picture": _second,
    "unused palette entries": _palette,
    "bytes behind the compressed stream": _in_stream,
}
