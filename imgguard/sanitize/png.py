"""PNG (W3C, Third Edition)."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from imgguard.lazy import cv2
from imgguard.profiles import is_own_icc
from imgguard.sanitize.deflate import fills_exactly, inflated
from imgguard.sanitize.exif import is_plain_exif
from imgguard.sanitize.rows import Rows
from imgguard.sanitize.samples import as_image
from imgguard.types import Part

if TYPE_CHECKING:
    from imgguard.sanitize.attached import Attached
    from imgguard.types import Raster

ICC_NAME = b"profile"

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COMPRESS_LEVEL = 4
_AFTER_HEADER = 33
_RGB, _INDEXED = 2, 3
_LONGEST_PROFILE = 4096
_MOST_CHUNKS = 200_000
# The rows of the largest picture that is read, with 16 bits a channel and alpha.
_MOST_DATA = 1_700_000_000
_MEANINGS = {
    "IHDR": "header",
    "IDAT": "picture data",
    "IEND": "end of the picture",
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


def encode(raster: Raster, attached: Attached) -> bytes:
    """Write a PNG of the raster's own depth; grey of 2 and 4 bits becomes 8 bits of the same values."""
    content = _sixteen_bit(raster) if raster.bits == 16 and raster.samples.ndim == 3 else _by_pillow(raster)
    extra = b""
    if attached.icc is not None:
        extra += _chunk_of(b"iCCP", ICC_NAME + b"\0\0" + zlib.compress(attached.icc))
    if attached.exif:
        extra += _chunk_of(b"eXIf", attached.exif)
    return content[:_AFTER_HEADER] + extra + content[_AFTER_HEADER:]


def _by_pillow(raster: Raster) -> bytes:
    out = io.BytesIO()
    # Told in bits, a palette is not filled up.
    bits = {"bits": raster.bits} if raster.palette is not None else {}
    as_image(raster, deep=True).save(out, "PNG", compress_level=_COMPRESS_LEVEL, **bits)
    return out.getvalue()


def _sixteen_bit(raster: Raster) -> bytes:
    options = [cv2.IMWRITE_PNG_COMPRESSION, _COMPRESS_LEVEL, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_ALL_FILTERS]
    done, content = cv2.imencode(".png", np.ascontiguousarray(raster.samples[..., ::-1]), options)
    assert done
    return bytes(content.tobytes())


def _chunk_of(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def scan(content: bytes) -> list[Part]:
    """List a PNG's chunks; see `imgguard.sanitize.scan`."""
    if not content.startswith(_SIGNATURE):
        return [Part("damaged", 0, len(content), "no PNG signature", False)]
    parts = [Part("signature", 0, len(_SIGNATURE), "PNG signature", True)]
    at = len(_SIGNATURE)
    seen = {"signature"}
    while at < len(content):
        part = _chunk(content, at) if len(parts) < _MOST_CHUNKS else _too_many(content, at)
        parts.append(replace(part, allowed=part.allowed and _in_order(seen, parts[-1].name, part.name)))
        seen.add(part.name)
        at += part.length
        if part.name == "IEND" and at < len(content):
            parts.append(Part("trailer", at, len(content) - at, "bytes after the end of the picture", False))
            break
    if parts[-1].name not in ("IEND", "trailer", "damaged"):
        parts.append(Part("damaged", at, 0, "ends without an end chunk", False))
    return _with_exact_data(content, parts)


def _chunk(content: bytes, at: int) -> Part:
    length = int.from_bytes(content[at : at + 4], "big")
    end = at + 12 + length
    if end > len(content):
        return Part("damaged", at, len(content) - at, "a chunk that is longer than the file", False)
    kind, body = content[at + 4 : at + 8], content[at + 8 : end - 4]
    if zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
        return Part("damaged", at, end - at, "a chunk with a wrong checksum", False)
    name = kind.decode("latin-1")
    rule = _ALLOWED.get(name)
    return Part(name, at, end - at, _MEANINGS.get(name, "unknown chunk"), rule is not None and rule(body))


def _is_header(body: bytes) -> bool:
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8)}
    return len(body) == 13 and body[8] in depths.get(body[9], ()) and body[10:] == b"\0\0\0"


def _is_own_profile(body: bytes) -> bool:
    name, _, packed = body.partition(b"\0")
    if name != ICC_NAME or packed[:1] != b"\0":
        return False
    profile = inflated(packed[1:], _LONGEST_PROFILE)
    return profile is not None and is_own_icc(profile)


_ALLOWED: dict[str, Callable[[bytes], bool]] = {
    "IHDR": _is_header,
    "PLTE": lambda body: 3 <= len(body) <= 768 and len(body) % 3 == 0,
    "IDAT": lambda body: True,
    "IEND": lambda body: not body,
    "iCCP": _is_own_profile,
    "eXIf": is_plain_exif,
}
# What has to come before a chunk, and what may not (section 5.6).
_AFTER = {"IHDR": "signature", "PLTE": "IHDR", "iCCP": "IHDR", "eXIf": "IHDR", "IDAT": "IHDR", "IEND": "IDAT"}
_BEFORE = {"iCCP": {"PLTE", "IDAT"}, "PLTE": {"IDAT"}, "eXIf": {"IDAT"}}


def _in_order(seen: set[str], last: str, name: str) -> bool:
    if name == "IHDR" and last != "signature":
        return False
    if name == "IDAT" and "IDAT" in seen and last != "IDAT":
        return False
    repeated = name in seen and name != "IDAT"
    return not repeated and _AFTER[name] in seen and not seen & _BEFORE.get(name, set())


def _too_many(content: bytes, at: int) -> Part:
    return Part("damaged", at, len(content) - at, "more chunks than a picture needs", False)


def _with_exact_data(content: bytes, parts: list[Part]) -> list[Part]:
    """Disallow picture data that holds more or less than the rows of the picture, and a palette that nothing needs."""
    header = next((part for part in parts if part.name == "IHDR" and part.allowed), None)
    last = max((number for number, part in enumerate(parts) if part.name == "IDAT"), default=None)
    if header is None or last is None:
        return [replace(part, allowed=part.allowed and part.name not in ("PLTE", "IDAT")) for part in parts]
    width, height, depth, colour = struct.unpack_from(">IIBB", content, header.offset + 8)
    bits = width * depth * (3 if colour == _RGB else 1)
    length = height * (1 + -(-bits // 8))
    pieces = (content[p.offset + 8 : p.offset + p.length - 4] for p in parts if p.name == "IDAT")
    indexed = colour == _INDEXED
    rows = Rows(bits, filtered=True, depth=depth if indexed else 0)
    if length > _MOST_DATA or not fills_exactly(pieces, length, rows.look) or not rows.plain:
        meaning = "picture data, and bytes or bits that are none of the picture's"
        parts[last] = replace(parts[last], meaning=meaning, allowed=False)
    palettes = [content[part.offset + 8 : part.offset + part.length - 4] for part in parts if part.name == "PLTE"]
    fits = all(len(palette) // 3 <= 2**depth for palette in palettes) and bool(palettes) == indexed
    fits = fits and all(len(palette) % 3 == 0 and rows.all_used(palette) for palette in palettes)
    return [replace(part, allowed=part.allowed and (part.name != "PLTE" or fits)) for part in parts]
