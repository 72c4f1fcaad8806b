"""JPEG (ITU-T T.81, JFIF).

The scanner knows segments, not what their contents mean to a decoder: bytes that somebody hides inside the compressed
picture data itself are not seen.
"""

from __future__ import annotations

import io
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from imgguard.types import Encoding, Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgguard.types import Pixels

# Below 75 a second compression shows; above 95 a file only grows.
_QUALITY_RANGE = (75, 95)
_DEFAULT_QUALITY = 92
_SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
_DEFAULT_SUBSAMPLING = "4:2:0"
_FULL_CHROMA = "4:4:4"
_PLAIN_JFIF = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_PICTURE_SEGMENTS = {
    0xC0: "frame header, baseline",
    0xC1: "frame header, extended",
    0xC2: "frame header, progressive",
    0xC4: "Huffman tables",
    0xDB: "quantisation tables",
    0xDD: "restart interval",
}
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_APP_MEANINGS = (
    (b"JFIF\0", "JFIF header"),
    (b"JFXX\0", "JFIF extension, may hold a thumbnail"),
    (b"Exif\0", "EXIF: camera, time, place, thumbnail"),
    (b"http://ns.adobe.com/xap/1.0/\0", "XMP: names, face regions, edits"),
    (b"http://ns.adobe.com/xmp/extension/\0", "extended XMP"),
    (b"ICC_PROFILE\0", "colour profile"),
    (b"MPF\0", "index of further pictures in the file"),
    (b"Photoshop 3.0\0", "Photoshop block: IPTC captions, names, thumbnail"),
    (b"Ducky", "Adobe 'save for web' comment"),
    (b"Adobe", "Adobe colour marker"),
    (b"JP", "content credentials (C2PA)"),
    (b"AROT", "Apple HDR data"),
)


def encode(pixels: Pixels, encoding: Encoding) -> bytes:
    """Write a baseline JPEG at the source's own quality (75 to 95) and subsampling."""
    least, most = _QUALITY_RANGE
    quality = min(max(encoding.quality or _DEFAULT_QUALITY, least), most)
    out = io.BytesIO()
    Image.fromarray(pixels).save(
        out, "JPEG", quality=quality, subsampling=encoding.subsampling or _DEFAULT_SUBSAMPLING, dpi=(0, 0)
    )
    return out.getvalue()


def estimate_quality(tables: Mapping[int, Sequence[int]]) -> int | None:
    """Find the IJG quality whose luminance table is nearest to a file's own.

    Args:
        tables: Quantisation tables as Pillow gives them, by number.
    """
    if 0 not in tables:
        return None
    target = sum(tables[0])
    return min(range(1, 101), key=lambda quality: abs(_table_sum(quality) - target))


@cache
def _table_sum(quality: int) -> int:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG", quality=quality)
    image: Any = Image.open(out)
    return sum(image.quantization[0])


def read_subsampling(image: Image.Image) -> str:
    """Tell an opened JPEG's chroma subsampling; "4:4:4", which loses nothing, where it is none of the usual ones."""
    try:
        sampling: int = get_sampling(image)
    except (AttributeError, IndexError, KeyError):
        return _FULL_CHROMA
    return _SUBSAMPLINGS[sampling] if 0 <= sampling < len(_SUBSAMPLINGS) else _FULL_CHROMA


def scan(content: bytes) -> list[Part]:
    """List a JPEG's segments; see `imgguard.sanitize.scan`."""
    parts: list[Part] = []
    at = 0
    while at < len(content):
        part = _segment(content, at) if at else _start(content)
        parts.append(part)
        at += part.length
        if part.name == "EOI" and at < len(content):
            parts.append(Part("trailer", at, len(content) - at, _trailer_meaning(content[at : at + 64]), False))
            break
    if not parts or parts[-1].name not in ("EOI", "trailer", "damaged"):
        parts.append(Part("damaged", at, 0, "ends without an end marker", False))
    return parts


def _start(content: bytes) -> Part:
    if content.startswith(b"\xff\xd8"):
        return Part("SOI", 0, 2, "start of the picture", True)
    return _damaged(content, 0)


def _damaged(content: bytes, at: int) -> Part:
    return Part("damaged", at, len(content) - at, "bytes that belong to no segment", False)


def _segment(content: bytes, at: int) -> Part:
    marker = content[at + 1] if content[at] == 0xFF and at + 1 < len(content) else 0
    if marker == _EOI:
        return Part("EOI", at, 2, "end of the picture", True)
    length = int.from_bytes(content[at + 2 : at + 4], "big")
    end = at + 2 + length
    if marker < 0xC0 or length < 2 or end > len(content):
        return _damaged(content, at)
    if marker == _SOS:
        end = _end_of_scan(content, end)
        return Part("SOS", at, end - at, "picture data", True)
    if marker in _PICTURE_SEGMENTS:
        return Part(f"0xFF{marker:02X}", at, end - at, _PICTURE_SEGMENTS[marker], True)
    payload = content[at + 4 : end]
    if marker == _COM:
        return Part("COM", at, end - at, "comment", False)
    if 0xE0 <= marker <= 0xEF:
        allowed = marker == 0xE0 and payload == _PLAIN_JFIF
        return Part(f"APP{marker - 0xE0}", at, end - at, _app_meaning(payload), allowed)
    return Part(f"0xFF{marker:02X}", at, end - at, "unknown segment", False)


def _end_of_scan(content: bytes, at: int) -> int:
    """Skip entropy-coded data: up to the next marker that is neither a stuffed byte nor a restart."""
    found = _NEXT_MARKER.search(content, at)
    return found.start() if found else len(content)


def _app_meaning(payload: bytes) -> str:
    return next((meaning for magic, meaning in _APP_MEANINGS if payload.startswith(magic)), "application data")


def _trailer_meaning(head: bytes) -> str:
    if head.startswith(b"\xff\xd8\xff"):
        return "a second picture after the end"
    if head[4:8] == b"ftyp":
        return "a video after the end (motion photo)"
    return "bytes after the end of the picture"
