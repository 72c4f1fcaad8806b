"""Say in words what a file tells besides its picture: for a person to see before it is removed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
_XMP_NAME = re.compile(
    rb"(?:mwg-rs:Name|MPReg:PersonDisplayName|Iptc4xmpExt:PersonInImage)(?:=\"([^\"]*)\"|>([^<]*)<)", re.DOTALL
)
_XMP_PERSON_LIST = re.compile(rb"<Iptc4xmpExt:PersonInImage>.*?</Iptc4xmpExt:PersonInImage>", re.DOTALL)
_XMP_ITEM = re.compile(rb"<rdf:li[^>]*>([^<]+)</rdf:li>")
_EXIF_HEADER = b"Exif\0\0"


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


def _exif_items(block: bytes) -> Iterator[MetadataItem]:
    try:
        tables = piexif.load(_EXIF_HEADER + block) if block else {}
    except Exception:
        yield MetadataItem("EXIF", "unreadable block", f"{len(block)} bytes")
        return
    place = _place_on_earth(tables.get("GPS") or {})
    if place:
        yield MetadataItem("GPS", "place of taking", place)
    for ifd, label in _IFD_NAMES.items():
        for tag, value in (tables.get(ifd) or {}).items():
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
    found = [one or other for one, other in _XMP_NAME.findall(content)]
    for people in _XMP_PERSON_LIST.findall(content):
        found += _XMP_ITEM.findall(people)
    for name in dict.fromkeys(name.strip() for name in found):
        if name:
            yield MetadataItem("XMP", "name of a person", _as_text(name))


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.rstrip(b"\0").decode("utf-8", errors="replace")
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
