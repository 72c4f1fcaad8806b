"""HEIC/HEIF and AVIF (ISO/IEC 14496-12, 23008-12 and AVIF 1.1)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from imgguard.types import Part

if TYPE_CHECKING:
    from imgguard.sanitize.attached import Attached
    from imgguard.types import Pixels

_MAX_BOXES = 10_000
_MEANINGS = {
    "ftyp": "file type",
    "meta": "pictures, their properties and what belongs to them",
    "mdat": "picture data and what belongs to it",
    "moov": "a video or sequence",
    "uuid": "private data",
    "free": "unused space",
    "skip": "unused space",
}
_ITEMS = {
    b"Exif": "EXIF: camera, time, place",
    b"mime": "XMP: names, face regions, edits",
    b"uri ": "private item",
}
_REFERENCES = {b"thmb": "thumbnail picture", b"auxl": "auxiliary picture (depth, gain map, mask)"}


_HEIC_QUALITY, _AVIF_QUALITY, _AVIF_SPEED = 90, 88, 8


@dataclass(frozen=True, slots=True)
class Box:
    """A box (ISO/IEC 14496-12, 4.2): its name, and where it, its contents and its end are."""

    name: bytes
    at: int
    body: int
    end: int


def encode_heif(pixels: Pixels, attached: Attached) -> bytes:
    """Write a HEIC at a high quality."""
    import pillow_heif

    out = io.BytesIO()
    beside = {"exif": attached.exif} if attached.exif else {}
    icc = {"icc_profile": attached.icc} if attached.icc is not None else {}
    # The encoder's default preset takes half a minute for what this one does in seconds, at the same size.
    options = {"quality": _HEIC_QUALITY, "chroma": 444, "enc_params": {"preset": "veryfast"}}
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(out, **options, **beside, **icc)
    return out.getvalue()


def encode_avif(pixels: Pixels, attached: Attached) -> bytes:
    """Write an AVIF at a high quality."""
    out = io.BytesIO()
    beside = {"exif": attached.exif} if attached.exif else {}
    icc = {"icc_profile": attached.icc} if attached.icc is not None else {}
    options = {"quality": _AVIF_QUALITY, "speed": _AVIF_SPEED, "subsampling": "4:4:4"}
    Image.fromarray(pixels).save(out, "AVIF", **options, **beside, **icc)
    return out.getvalue()


def top_boxes(content: bytes) -> list[Box]:
    """List the boxes of the file itself, not those inside them."""
    return list(boxes(content, 0, len(content)))


def boxes(content: bytes, at: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets; stops at the first that does not fit."""
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        length, header = int.from_bytes(content[at : at + 4], "big"), 8
        if length == 1:
            length, header = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        elif length == 0:
            length = end - at
        if length < header or at + length > end:
            return
        yield Box(content[at + 4 : at + 8], at, at + header, at + length)
        at += length


def scan(content: bytes) -> list[Part]:
    """List the boxes and, inside `meta`, the items that tell more than the picture.

    Nothing is allowed: HEIF is never published.
    """
    parts = []
    for name, offset, length, header in _boxes(content, 0, len(content)):
        parts.append(Part(name, offset, length, _MEANINGS.get(name, "unknown box"), False))
        if name == "meta":
            parts += _meta(content, offset + header + 4, offset + length)
    return parts


def _boxes(content: bytes, at: int, end: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, offset, length and header length of each box between two offsets."""
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        length, header = int.from_bytes(content[at : at + 4], "big"), 8
        if length == 1:
            length, header = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        elif length == 0:
            length = end - at
        if length < header or at + length > end:
            yield "damaged", at, end - at, 8
            return
        yield content[at + 4 : at + 8].decode("latin-1"), at, length, header
        at += length


def _meta(content: bytes, start: int, end: int) -> Iterator[Part]:
    for name, offset, length, header in _boxes(content, start, end):
        body, stop = offset + header, offset + length
        if name == "iinf":
            skip = 6 if content[body : body + 1] == b"\0" else 8
            for kind, at, size, inner in _boxes(content, body + skip, stop):
                if kind == "infe" and (item := _item_type(content[at + inner : at + size])) in _ITEMS:
                    yield Part(f"item {item.decode()}", at, size, _ITEMS[item], False)
        elif name == "iref":
            for kind, at, size, _ in _boxes(content, body + 4, stop):
                if (meaning := _REFERENCES.get(kind.encode("latin-1"))) is not None:
                    yield Part(f"reference {kind}", at, size, meaning, False)


def _item_type(entry: bytes) -> bytes:
    version = entry[0] if entry else 0
    at = {2: 8, 3: 10}.get(version, len(entry))
    return entry[at : at + 4]
