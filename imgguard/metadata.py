"""Say in words what a file tells besides its picture: for a person to see before it is removed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import piexif

from imgguard.captions import captions, places, region_names
from imgguard.sanitize import leftovers, scan
from imgguard.sanitize.exif import read_credit
from imgguard.tiffdirs import number_at

if TYPE_CHECKING:
    from imgguard.types import Format, Part, Photo

_LONGEST_VALUE = 80
_IFD_NAMES = {"0th": "EXIF", "Exif": "EXIF", "GPS": "GPS", "Interop": "EXIF", "1st": "EXIF thumbnail"}
_MOST_DIRECTORIES = 16
_MOST_CREDIT_BYTES = 4096
_THUMBNAIL_TAGS = {0x0201, 0x0202}
# Latitude and longitude with their references: told as a place.
_PLACE_TAGS = {1, 2, 3, 4}
_DIRECTORY_TAGS = {0x8769, 0x8825, 0xA005}
# piexif believes what a block claims; more than the block has is a lie that costs gigabytes.
_MOST_EXIF_BYTES = 1024 * 1024
_EXIF_HEADER = b"Exif\0\0"
_TIFF_HEADERS = (b"II*\0", b"MM\0*")
# HEIC and AVIF keep EXIF anywhere in the file, behind this header or behind the four zeros of an offset.
_EXIF_ANYWHERE = re.compile(rb"(?:Exif\0\0|\0\0\0\0)(?=II\*\0|MM\0\*)")
# In a TIFF picture, fields that say how its pixels are stored (TIFF 6.0, part 1).
_PIXEL_TAGS = {254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320, 322, 323, 324}
_PIXEL_TAGS |= {325, 338, 339, 347, 529, 530, 531, 532}
# Bytes of a value of each type (TIFF 6.0, section 2).
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
# Exif 3.0, 4.6.6.4 asks for colons; some programs write dashes.
_DAY = re.compile(r"([0-9]{4})[:-]([0-9]{2})[:-]([0-9]{2})")


@dataclass(frozen=True, slots=True)
class MetadataItem:
    """One thing that a file tells: where it says so, under which name, and what."""

    place: str
    name: str
    value: str


def read_metadata(content: bytes, container: Format) -> tuple[MetadataItem, ...]:
    """List what a file tells besides its picture. Decodes no picture, and never raises, whatever the file holds.

    Args:
        content: The file.
        container: What it is, told from its bytes.

    Returns:
        The place of taking first, then names, then EXIF fields, then every other part that would be removed.
    """
    parts = leftovers(content, container)
    items = [*_exif_items(_exif_of(content, parts)), *_texts(content, parts)]
    items += [MetadataItem(part.name, part.meaning, f"{part.length} bytes") for part in parts]
    first = {"GPS": 0, "XMP": 1, "IPTC": 1, "EXIF": 2}
    return tuple(sorted(items, key=lambda item: first.get(item.place, 3)))


def credit_of(content: bytes, container: Format) -> str | None:
    """Give the line of credit of a file whose EXIF holds nothing more than may be published; None where it has none."""
    for part in scan(content, container):
        block = content[part.offset : part.offset + part.length] if part.allowed else b""
        start = block.find(_EXIF_HEADER, 0, 16) + len(_EXIF_HEADER) if _EXIF_HEADER in block[:16] else 8
        # Behind the block may stand the checksum of PNG or the padding of WebP.
        for tail in (0, 1, 4) if part.length < _MOST_CREDIT_BYTES else ():
            if credit := read_credit(block[start : len(block) - tail]):
                return credit
    return None


def day_taken(photo: Photo) -> date | None:
    """Give the day on which a photo says it was taken (EXIF DateTimeOriginal); None where it does not, or badly."""
    items = _exif_items(_exif_of(photo.content, leftovers(photo.content, photo.format)))
    told = next((item.value for item in items if (item.place, item.name) == ("EXIF", "DateTimeOriginal")), "")
    match = _DAY.match(told)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def _exif_of(content: bytes, parts: Sequence[Part]) -> bytes:
    """Find the EXIF block: a TIFF structure, wherever the container keeps it."""
    for part in parts:
        block = content[part.offset : part.offset + part.length]
        if part.name == "APP1" and block[4:10] == _EXIF_HEADER:
            return block[10:]
        if part.name in ("eXIf", "EXIF"):
            return block[8:].removeprefix(_EXIF_HEADER)
    if not parts or content.startswith(_TIFF_HEADERS):
        return content if parts else b""
    if content[4:8] != b"ftyp":
        return b""
    found = _EXIF_ANYWHERE.search(content)
    return content[found.end() : found.end() + _MOST_EXIF_BYTES] if found else b""


def _is_honest(block: bytes) -> bool:
    """Say whether the entries of a TIFF block (TIFF 6.0, section 2) claim no more bytes than it has, all together."""
    order = "<" if block[:2] == b"II" else ">"
    first = number_at(block, 4, order + "I")
    pending, seen, claimed = [first], set[int](), 0
    while pending and len(seen) < _MOST_DIRECTORIES:
        at = pending.pop()
        if not at or at in seen:
            continue
        seen.add(at)
        count = number_at(block, at, order + "H") or 0
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, values = number_at(block, entry, order + "H"), number_at(block, entry + 4, order + "I")
            if values is None:
                break
            claimed += values * _TYPE_SIZES.get(number_at(block, entry + 2, order + "H") or 0, 1)
            if claimed > len(block):
                return False
            if tag in _DIRECTORY_TAGS:
                pending.append(number_at(block, entry + 8, order + "I"))
        if at == first:
            # Only the first directory leads on, to the thumbnail's; behind the others stands anything.
            pending.append(number_at(block, at + 2 + 12 * count, order + "I"))
    return bool(block)


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
            if (
                tag in _DIRECTORY_TAGS | _THUMBNAIL_TAGS
                or (ifd == "0th" and tag in _PIXEL_TAGS)
                or (place and ifd == "GPS" and tag in _PLACE_TAGS)
            ):
                continue
            known = piexif.TAGS[ifd if ifd in ("Exif", "GPS", "Interop") else "Image"].get(tag)
            yield MetadataItem(label, known["name"] if known else f"tag {tag}", text_of(value))
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
    return _on_earth(-latitude if north == "S" else latitude, -longitude if east == "W" else longitude)


def _on_earth(north: float, east: float) -> str:
    return f"{abs(north):.5f}° {'S' if north < 0 else 'N'}, {abs(east):.5f}° {'W' if east < 0 else 'E'}"


def _degrees(value: tuple[tuple[int, int], ...]) -> float:
    degrees, minutes, seconds = (top / bottom if top else 0.0 for top, bottom in value)
    return float(degrees + minutes / 60 + seconds / 3600)


def _texts(content: bytes, parts: Sequence[Part]) -> Iterator[MetadataItem]:
    """Tell names and places that are written as text in the parts that would be removed."""
    pieces = (content[part.offset : part.offset + part.length] for part in parts)
    # HEIC and AVIF keep texts among the pictures' data, where no part of their own shows them.
    told = content if parts and content[4:8] == b"ftyp" else b"\n".join(pieces)
    for where, north, east in places(told):
        yield MetadataItem("GPS", f"place of taking ({where})", _on_earth(north, east))
    for name in region_names(told):
        yield MetadataItem("XMP", "name of a person", text_of(name))
    for part in parts:
        block = content[part.offset : part.offset + part.length]
        if b"8BIM" in block[:64]:
            yield from (MetadataItem("IPTC", meaning, text_of(text)) for meaning, text in captions(block))


def text_of(value: object) -> str:
    """Give a value as one short line that can be shown: UTF-8 where it is bytes, nothing that cannot be printed."""
    if isinstance(value, bytes):
        value = value.rstrip(b"\0").decode("utf-8", errors="replace")
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
