"""WebP (RFC 9649)."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from imgguard.profiles import is_own_icc
from imgguard.raster import rgb8
from imgguard.sanitize.exif import is_plain_exif
from imgguard.types import Part

if TYPE_CHECKING:
    from imgguard.sanitize.attached import Attached
    from imgguard.types import Raster

_QUALITY = 92
# Without loss, quality means how hard the encoder tries.
_EFFORT = 60
_HEADER = 12
_MOST_CHUNKS = 10_000
_ICC_FLAG, _EXIF_FLAG = 0x20, 0x08
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
    parts = [Part("RIFF", 0, _HEADER, "WebP header", end == len(content))]
    at = _HEADER
    while at + 8 <= min(end, len(content)) and len(parts) < _MOST_CHUNKS:
        part = _chunk(content, at, min(end, len(content)))
        parts.append(part)
        at += part.length
    if len(parts) == 1:
        parts.append(Part("damaged", at, 0, "no picture in it", False))
    if end > len(content):
        parts.append(Part("damaged", at, len(content) - at, "shorter than its header says", False))
    elif at < len(content):
        parts.append(Part("trailer", at, len(content) - at, "bytes after the end of the picture", False))
    return parts if _is_plain(content, parts) else [_doubted(part) for part in parts]


def _chunk(content: bytes, at: int, end: int) -> Part:
    name = content[at : at + 4].decode("latin-1")
    length = int.from_bytes(content[at + 4 : at + 8], "little")
    padded = 8 + length + length % 2
    if at + padded > end:
        return Part("damaged", at, end - at, "a chunk that is longer than the file", False)
    if length % 2 and content[at + padded - 1]:
        return Part("damaged", at, padded, "a chunk with data in its padding", False)
    rule = _RULES.get(name)
    allowed = rule is not None and rule(content[at + 8 : at + 8 + length])
    return Part(name, at, padded, _PICTURES.get(name) or _MEANINGS.get(name, "unknown chunk"), allowed)


def _doubted(part: Part) -> Part:
    """Disallow the chunks that only make sense in the right order; one that is allowed by itself stays so."""
    return replace(part, allowed=part.allowed and part.name in ("RIFF", *_PICTURES))


def _is_plain(content: bytes, parts: list[Part]) -> bool:
    """Say whether there is one picture and, where there is more, a list of it that agrees (RFC 9649, 2.7)."""
    names = [part.name for part in parts[1:] if part.allowed]
    pictures = [name for name in names if name in _PICTURES]
    if len(names) != len(parts) - 1 or len(pictures) != 1:
        return False
    if "VP8X" not in names:
        return len(names) == 1
    ordered = ["VP8X", *(["ICCP"] if "ICCP" in names else []), pictures[0], *(["EXIF"] if "EXIF" in names else [])]
    at = parts[1].offset + 8
    flags = (_ICC_FLAG if "ICCP" in names else 0) | (_EXIF_FLAG if "EXIF" in names else 0)
    picture = next(part for part in parts if part.name in _PICTURES)
    size = _size(content[picture.offset + 8 : picture.offset + 18], picture.name)
    return names == ordered and content[at : at + 4] == bytes((flags, 0, 0, 0)) and canvas(content) == size


def _size(head: bytes, name: str) -> tuple[int, int] | None:
    """Read width and height of a picture's own header (RFC 6386, 9.1; RFC 9649, 3.4); None where it is none."""
    if name == "VP8 ":
        plain = len(head) == 10 and not head[0] & 1 and head[3:6] == b"\x9d\x01\x2a"
        sides = (int.from_bytes(head[at : at + 2], "little") for at in (6, 8))
        width, height = (side & 0x3FFF if side < 0x4000 else 0 for side in sides)
    else:
        bits = int.from_bytes(head[1:5], "little")
        # Neither alpha nor another version.
        plain = len(head) >= 5 and head[0] == 0x2F and not bits >> 28
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return (width, height) if plain and width and height else None


def _is_lossy_picture(body: bytes) -> bool:
    first = int.from_bytes(body[:3], "little") >> 5
    return _size(body[:10], "VP8 ") is not None and 10 + first <= len(body)


_RULES: dict[str, Callable[[bytes], bool]] = {
    "VP8 ": _is_lossy_picture,
    "VP8L": lambda body: _size(body[:10], "VP8L") is not None,
    "VP8X": lambda body: len(body) == 10,
    "ICCP": is_own_icc,
    "EXIF": is_plain_exif,
}


def canvas(content: bytes) -> tuple[int, int] | None:
    """Give the width and height that a WebP's extended header claims; None where it has none."""
    if content[12:16] != b"VP8X" or len(content) < 30:
        return None
    width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
    return width, height
