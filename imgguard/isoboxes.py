"""Read boxes of the ISO base media format (ISO/IEC 14496-12) and what HEIF keeps in them: bytes and lengths only."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MOST_BOXES = 10_000
_MOST_ITEMS = 10_000
_MOST_UNITS = 100_000


@dataclass(frozen=True, slots=True)
class Box:
    """A box (4.2): its name, and where it, its contents and its end are."""

    name: bytes
    at: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a piece of an item's data lies in the file (8.11.3)."""

    item: int
    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the list of items (8.11.6); `plain` where nothing is set but kind and name."""

    number: int
    kind: bytes
    name: bytes
    plain: bool


def boxes(content: bytes, at: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets; stops at the first that does not fit."""
    for _ in range(_MOST_BOXES):
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


def read_item(entry: bytes) -> Item | None:
    """Read the contents of an `infe` box; None for versions before 2 and what is cut off."""
    width = {2: 2, 3: 4}.get(entry[0]) if entry else None
    if width is None or len(entry) < 4 + width + 2 + 4 + 1:
        return None
    number = int.from_bytes(entry[4 : 4 + width], "big")
    rest = entry[4 + width :]
    name, end, more = rest[6:].partition(b"\0")
    plain = entry[1:4] in (b"\0\0\0", b"\0\0\1") and rest[:2] == b"\0\0" and bool(end) and not more
    return Item(number, rest[2:6], name, plain)


def read_locations(body: bytes) -> list[Extent] | None:
    """Read the contents of an `iloc` box; None where a byte of it is not understood, or it points into other boxes."""
    reader = _Reader(body)
    version = reader.number(1)
    reader.number(3)
    sizes = reader.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    if version > 2 or not {offset_size, length_size, base_size} <= {0, 4, 8}:
        return None
    wide = 4 if version == 2 else 2
    found: list[Extent] = []
    for _ in range(min(reader.number(wide), _MOST_ITEMS)):
        item = reader.number(wide)
        method = reader.number(2) if version else 0
        reference = reader.number(2)
        base = reader.number(base_size)
        for _ in range(min(reader.number(2), _MOST_ITEMS)):
            index = reader.number(index_size) if version else 0
            found.append(Extent(item, base + reader.number(offset_size), reader.number(length_size)))
            if reader.ended or index or len(found) > _MOST_ITEMS:
                return None
        if method or reference:
            return None
    return found if reader.at == len(body) and not reader.ended else None


class _Reader:
    """Reads numbers one behind the other; `ended` once there were too few bytes."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.at = 0
        self.ended = False

    def number(self, length: int) -> int:
        self.ended = self.ended or self.at + length > len(self._body)
        value = int.from_bytes(self._body[self.at : self.at + length], "big")
        self.at += length
        return value


def nal_units(data: bytes) -> list[tuple[int, int]] | None:
    """List kind and length of each NAL unit with four bytes of length in front (ISO/IEC 14496-15, 8.3.2).

    None where they do not fill the data exactly.
    """
    found: list[tuple[int, int]] = []
    at = 0
    while at + 4 < len(data) and len(found) < _MOST_UNITS:
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4] >> 1 & 63, length))
        at += 4 + length
        if length < 2:
            return None
    return found if at == len(data) else None


def open_bitstream_units(data: bytes) -> list[tuple[int, int]] | None:
    """List kind and length of each AV1 OBU that tells its length (AV1, 5.3); None where they do not fill the data."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(data) and len(found) < _MOST_UNITS:
        head = data[at]
        at += 1
        # One more byte in front would name a layer, and a single picture has none.
        if head & 0x85 or not head & 2:
            return None
        length, at = _leb128(data, at)
        if length is None:
            return None
        found.append((head >> 3 & 15, length))
        at += length
    return found if at == len(data) else None


def _leb128(data: bytes, at: int) -> tuple[int | None, int]:
    value = 0
    for step in range(5):
        if at + step >= len(data):
            break
        value |= (data[at + step] & 127) << (7 * step)
        if not data[at + step] & 128:
            return value, at + step + 1
    return None, at


def unpacked(layout: str, body: bytes) -> tuple[int, ...] | None:
    """Unpack a body that has exactly the length of a layout; None where it has another."""
    return struct.unpack(layout, body) if len(body) == struct.calcsize(layout) else None
