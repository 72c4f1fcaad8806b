"""Say in words what a file tells besides its picture: for a person to see before it is removed."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import piexif
import pillow_heif

from imgguard.sanitize import leftovers
from imgguard.types import Format, Part

if TYPE_CHECKING:
    from imgguard.types import Photo

_LONGEST_VALUE = 80
_IFD_NAMES = {"0th": "EXIF", "Exif": "EXIF", "GPS": "GPS", "Interop": "EXIF", "1st": "EXIF thumbnail"}
# Region names as the Metadata Working Group, Microsoft and IPTC write them.
_XMP_NAME = re.compile(rb"(?:mwg-rs:Name|MPReg:PersonDisplayName)(?:=\"([^\"]{0,200})\"|>([^<]{0,200})<)")
_XMP_LIST_BEGIN, _XMP_LIST_END = b"<Iptc4xmpExt:PersonInImage>", b"</Iptc4xmpExt:PersonInImage>"
_XMP_ITEM = re.compile(rb"<rdf:li[^>]{0,200}>([^<]{1,200})</rdf:li>")
_MOST_NAMES = 500
_MOST_XMP_BYTES = 4 * 1024 * 1024
_MOST_DIRECTORIES = 16
_THUMBNAIL_TAGS = {0x0201, 0x0202}
# Latitude and longitude with their references: told as a place.
_PLACE_TAGS = {1, 2, 3, 4}
_DIRECTORY_TAGS = {0x8769, 0x8825, 0xA005}
# piexif believes what a block claims; a count larger than the block is a lie that costs gigabytes.
_MOST_EXIF_BYTES = 1024 * 1024
_EXIF_HEADER = b"Exif\0\0"
# Exif 3.0, 4.6.6.4 asks for colons; some programs write dashes.
_DAY = re.compile(r"([0-9]{4})[:-]([0-9]{2})[:-]([0-9]{2})")


@dataclass(frozen=True, slots=True)
class MetadataItem:
    """One thing that a file tells: where it says so, under which name, and what."""

    place: str
    name: str
    value: str


def read_metadata(photo: Photo) -> tuple[MetadataItem, ...]:
    """List what a photo's file tells besides the picture. Never raises, whatever the file holds.

    Args:
        photo: A loaded photo.

    Returns:
        The place of taking first, then names, then EXIF fields, then every other part that would be removed.
    """
    parts = leftovers(photo.content, photo.format)
    items = [*_exif_items(_exif_of(photo, parts)), *_names(photo.content)]
    items += [MetadataItem(part.name, part.meaning, f"{part.length} bytes") for part in parts]
    first = {"GPS": 0, "XMP": 1, "EXIF": 2}
    return tuple(sorted(items, key=lambda item: first.get(item.place, 3)))


def day_taken(photo: Photo) -> date | None:
    """Give the day on which a photo says it was taken (EXIF DateTimeOriginal); None where it does not, or badly."""
    items = _exif_items(_exif_of(photo, leftovers(photo.content, photo.format)))
    told = next((item.value for item in items if (item.place, item.name) == ("EXIF", "DateTimeOriginal")), "")
    match = _DAY.match(told)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def _exif_of(photo: Photo, parts: tuple[Part, ...]) -> bytes:
    """Find the EXIF block: a TIFF structure, wherever the container keeps it."""
    if photo.format is Format.HEIF:
        return _heif_exif(photo.content)
    for part in parts:
        block = photo.content[part.offset : part.offset + part.length]
        if part.name == "APP1" and block[4:10] == _EXIF_HEADER:
            return block[10:]
        if part.name in ("eXIf", "EXIF"):
            return block[8:].removeprefix(_EXIF_HEADER)
    return b""


def _heif_exif(content: bytes) -> bytes:
    try:
        block: bytes = pillow_heif.open_heif(io.BytesIO(content)).info.get("exif") or b""
    except Exception:
        return b""
    return block.removeprefix(_EXIF_HEADER)


def _is_honest(block: bytes) -> bool:
    """Say whether no entry of a TIFF block (TIFF 6.0, section 2) claims more values than the block has bytes."""
    order = "<" if block[:2] == b"II" else ">"
    first = _number(block, 4, order + "I")
    pending, seen = [first], set[int]()
    while pending and len(seen) < _MOST_DIRECTORIES:
        at = pending.pop()
        if not at or at in seen:
            continue
        seen.add(at)
        count = _number(block, at, order + "H") or 0
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, values = _number(block, entry, order + "H"), _number(block, entry + 4, order + "I")
            if values is None:
                break
            if values > len(block):
                return False
            if tag in _DIRECTORY_TAGS:
                pending.append(_number(block, entry + 8, order + "I"))
        if at == first:
            # Only the first directory leads on, to the thumbnail's; behind the others stands anything.
            pending.append(_number(block, at + 2 + 12 * count, order + "I"))
    return bool(block) and len(block) <= _MOST_EXIF_BYTES


def _number(block: bytes, at: int, layout: str) -> int | None:
    length = struct.calcsize(layout)
    return struct.unpack(layout, block[at : at + length])[0] if at + length <= len(block) else None


def _exif_items(block: bytes) -> Iterator[MetadataItem]:
    if not block:
        return
    try:
        if not _is_honest(block):
            raise ValueError("an entry claims more than there is")
        tables = piexif.load(_EXIF_HEADER + block)
    except Exception:
        yield MetadataItem("EXIF", "unreadable block", f"{len(block)} bytes")
        return
    place = _place_on_earth(tables.get("GPS") or {})
    if place:
        yield MetadataItem("GPS", "place of taking", place)
    for ifd, label in _IFD_NAMES.items():
        for tag, value in (tables.get(ifd) or {}).items():
            if tag in _DIRECTORY_TAGS | _THUMBNAIL_TAGS or (place and ifd == "GPS" and tag in _PLACE_TAGS):
                continue
            known = piexif.TAGS[ifd if ifd in ("Exif", "GPS", "Interop") else "Image"].get(tag)
            yield MetadataItem(label, known["name"] if known else f"tag {tag}", _as_text(value))
    if tables.get("thumbnail"):
        yield MetadataItem("EXIF thumbnail", "a second, uncovered picture", f"{len(tables['thumbnail'])} bytes")


def _place_on_earth(gps: Mapping[int, Any]) -> str | None:
    try:
        latitude = _degrees(gps[piexif.GPSIFD.GPSLatitude])
        longitude = _degrees(gps[piexif.GPSIFD.GPSLongitude])
        north = bytes(gps.get(piexif.GPSIFD.GPSLatitudeRef, b"N"))[:1].upper().decode("ascii")
        east = bytes(gps.get(piexif.GPSIFD.GPSLongitudeRef, b"E"))[:1].upper().decode("ascii")
    except (KeyError, TypeError, ValueError, ZeroDivisionError, UnicodeDecodeError):
        return None
    return f"{latitude:.5f}° {north}, {longitude:.5f}° {east}"


def _degrees(value: tuple[tuple[int, int], ...]) -> float:
    degrees, minutes, seconds = (top / bottom if top else 0.0 for top, bottom in value)
    return float(degrees + minutes / 60 + seconds / 3600)


def _names(content: bytes) -> Iterator[MetadataItem]:
    content = content[:_MOST_XMP_BYTES]
    found = [one or other for one, other in _XMP_NAME.findall(content)]
    begin = content.find(_XMP_LIST_BEGIN)
    if begin >= 0:
        found += _XMP_ITEM.findall(content[begin : content.rfind(_XMP_LIST_END) + 1])
    for name in list(dict.fromkeys(name.strip() for name in found))[:_MOST_NAMES]:
        if name:
            yield MetadataItem("XMP", "name of a person", _as_text(name))


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.rstrip(b"\0").decode("utf-8", errors="replace")
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
