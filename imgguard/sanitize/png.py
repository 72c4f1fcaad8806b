"""PNG (W3C, Third Edition)."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from PIL import Image

from imgguard.types import Encoding, Part

if TYPE_CHECKING:
    from imgguard.types import Pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COMPRESS_LEVEL = 4
_ALLOWED = {"IHDR": "header", "IDAT": "picture data", "IEND": "end of the picture"}
_MEANINGS = {
    "PLTE": "palette",
    "tRNS": "transparency",
    "tEXt": "text",
    "zTXt": "text",
    "iTXt": "text, may be XMP",
    "tIME": "time of the last change",
    "eXIf": "EXIF: camera, time, place, thumbnail",
    "iCCP": "colour profile",
    "caBX": "content credentials (C2PA)",
    "acTL": "animation",
    "fcTL": "animation",
    "fdAT": "further picture of an animation",
    "pHYs": "pixel size",
}


def encode(pixels: Pixels, encoding: Encoding) -> bytes:
    """Write an 8 bit RGB PNG; lossless, so the source's encoding does not matter."""
    del encoding
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=_COMPRESS_LEVEL)
    return out.getvalue()


def scan(content: bytes) -> list[Part]:
    """List a PNG's chunks; see `imgguard.sanitize.scan`."""
    if not content.startswith(_SIGNATURE):
        return [Part("damaged", 0, len(content), "no PNG signature", False)]
    parts = [Part("signature", 0, len(_SIGNATURE), "PNG signature", True)]
    at = len(_SIGNATURE)
    while at < len(content):
        part = _chunk(content, at)
        parts.append(part)
        at += part.length
        if part.name == "IEND" and at < len(content):
            parts.append(Part("trailer", at, len(content) - at, "bytes after the end of the picture", False))
            break
    if parts[-1].name not in ("IEND", "trailer", "damaged"):
        parts.append(Part("damaged", at, 0, "ends without an end chunk", False))
    return parts


def _chunk(content: bytes, at: int) -> Part:
    length = int.from_bytes(content[at : at + 4], "big")
    end = at + 12 + length
    if end > len(content):
        return Part("damaged", at, len(content) - at, "a chunk that is longer than the file", False)
    kind = content[at + 4 : at + 8]
    if zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
        return Part("damaged", at, end - at, "a chunk with a wrong checksum", False)
    name = kind.decode("latin-1")
    if name in _ALLOWED and (name != "IEND" or length == 0):
        return Part(name, at, end - at, _ALLOWED[name], True)
    return Part(name, at, end - at, _MEANINGS.get(name, "unknown chunk"), False)
