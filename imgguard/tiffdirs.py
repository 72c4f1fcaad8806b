"""Read the directories of a TIFF structure (TIFF 6.0, section 2): bytes and lengths only, whatever they claim.

The loader asks them what kind of picture a file holds before any decoder sees it; the scanner accounts for every byte
by them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MOST_DIRECTORIES = 64
_MOST_ENTRIES = 1024
# Bytes a value of each type takes; a type that is not here has no known length.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}
SUB_DIRECTORIES = (330,)


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of a directory.

    Attributes:
        tag: What it is about.
        kind: The type of its values, 1 to 13.
        count: How many it claims.
        at: Where its values begin.
        length: How many bytes they claim; -1 where the type is unknown.
    """

    tag: int
    kind: int
    count: int
    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Directory:
    """One image file directory.

    Attributes:
        at: Where it begins.
        end: Where it ends, after the pointer to the next one; beyond the file where it is cut off.
        entries: Its fields, in the file's order.
        following: The offset of the next directory, 0 for none.
    """

    at: int
    end: int
    entries: tuple[Entry, ...]
    following: int

    def find(self, tag: int) -> Entry | None:
        """Give the first field with a tag."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


def byte_order(content: bytes) -> str | None:
    """Give the byte order as `struct` writes it; None where these bytes are no TIFF structure."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(content[:4])


def pages(content: bytes) -> list[Directory]:
    """List the directories that follow each other from the header on, each once, at most `MOST_DIRECTORIES`."""
    order = byte_order(content)
    found: list[Directory] = []
    at = number_at(content, 4, f"{order}I") if order else 0
    seen = set[int]()
    while order and at and at not in seen and len(found) < MOST_DIRECTORIES:
        seen.add(at)
        directory = read_directory(content, order, at)
        if directory is None:
            break
        found.append(directory)
        at = directory.following
    return found


def read_directory(content: bytes, order: str, at: int) -> Directory | None:
    """Read one directory; None where there are not even the bytes for its number of fields."""
    count = number_at(content, at, order + "H")
    if count is None:
        return None
    end = at + 2 + 12 * count
    entries = tuple(_entries(content, order, at + 2, min(count, _MOST_ENTRIES)))
    return Directory(at, end + 4, entries, number_at(content, end, order + "I") or 0)


def numbers(content: bytes, order: str, entry: Entry | None, most: int) -> tuple[int, ...] | None:
    """Give the whole numbers of a field; None where there is none, or more than `most`, or not in the file."""
    layout = _NUMBERS.get(entry.kind) if entry else None
    if entry is None or layout is None or entry.count > most or entry.at + entry.length > len(content):
        return None
    return struct.unpack_from(f"{order}{entry.count}{layout}", content, entry.at)


def _entries(content: bytes, order: str, at: int, count: int) -> Iterator[Entry]:
    for start in range(at, at + 12 * count, 12):
        if start + 12 > len(content):
            return
        tag, kind, values, offset = struct.unpack_from(order + "HHII", content, start)
        length = values * _SIZES[kind] if kind in _SIZES else -1
        yield Entry(tag, kind, values, start + 8 if 0 <= length <= 4 else offset, length)


def number_at(content: bytes, at: int, layout: str) -> int | None:
    """Read one number as `struct` lays it out; None where the bytes for it are not there."""
    length = struct.calcsize(layout)
    return int(struct.unpack_from(layout, content, at)[0]) if 0 <= at <= len(content) - length else None
