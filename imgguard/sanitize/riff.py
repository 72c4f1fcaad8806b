"""WebP (RFC 9649)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from imgguard.raster import rgb8
from imgguard.types import Part

if TYPE_CHECKING:
    from imgguard.sanitize.attached import Attached
    from imgguard.types import Raster

_QUALITY = 92
# Without loss, quality means how hard the encoder tries.
_EFFORT = 60
_HEADER = 12
_PICTURES = {"VP8 ": "picture data", "VP8L": "picture data, lossless"}
_MEANINGS = {
    "VP8X": "list of extensions",
    "EXIF": "EXIF: camera, time, place, thumbnail",
    "XMP ": "XMP: names, face regions, edits",
    "ICCP": "colour profile",
    "ALPH": "transparency",
    "ANIM": "animation",
    "ANMF": "further picture of an animation",
    "C2PA": "content credentials (C2PA)",
}


def encode(raster: Raster, attached: Attached, *, lossless: bool) -> bytes:
    """Write a WebP, without loss or at a high quality; it has 8 bits a sample."""
    out = io.BytesIO()
    image = Image.fromarray(rgb8(raster))
    quality = _EFFORT if lossless else _QUALITY
    beside = {"exif": attached.exif} if attached.exif else {}
    icc = {"icc_profile": attached.icc} if attached.icc is not None else {}
    image.save(out, "WEBP", lossless=lossless, quality=quality, **beside, **icc)
    return out.getvalue()


def scan(content: bytes) -> list[Part]:
    """List a WebP's chunks; see `imgguard.sanitize.scan`."""
    if not (content.startswith(b"RIFF") and content[8:12] == b"WEBP"):
        return [Part("damaged", 0, len(content), "no WebP header", False)]
    end = 8 + int.from_bytes(content[4:8], "little")
    parts = [Part("RIFF", 0, _HEADER, "WebP header", True)]
    at = _HEADER
    while at + 8 <= min(end, len(content)):
        part = _chunk(content, at, min(end, len(content)), first=at == _HEADER)
        parts.append(part)
        at += part.length
    if len(parts) == 1:
        parts.append(Part("damaged", at, 0, "no picture in it", False))
    if end > len(content):
        parts.append(Part("damaged", at, len(content) - at, "shorter than its header says", False))
    elif at < len(content):
        parts.append(Part("trailer", at, len(content) - at, "bytes after the end of the picture", False))
    return parts


def _chunk(content: bytes, at: int, end: int, *, first: bool) -> Part:
    name = content[at : at + 4].decode("latin-1")
    length = int.from_bytes(content[at + 4 : at + 8], "little")
    padded = 8 + length + length % 2
    if at + padded > end:
        return Part("damaged", at, end - at, "a chunk that is longer than the file", False)
    if length % 2 and content[at + padded - 1]:
        return Part("damaged", at, padded, "a chunk with data in its padding", False)
    if name in _PICTURES:
        return Part(name, at, padded, _PICTURES[name], allowed=first)
    return Part(name, at, padded, _MEANINGS.get(name, "unknown chunk"), False)


def canvas(content: bytes) -> tuple[int, int] | None:
    """Give the width and height that a WebP's extended header claims; None where it has none."""
    if content[12:16] != b"VP8X" or len(content) < 30:
        return None
    width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
    return width, height
