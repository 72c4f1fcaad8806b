"""TIFF directories (TIFF 6.0, section 2), as EXIF blocks and TIFF files are made of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tests.planted.common import MARKER, TEXT, second_jpeg

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_SIZE = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1}
HEADER = b"II*\0\x08\0\0\0"


@dataclass(frozen=True)
class Elsewhere:
    """Bytes to which an entry's value is the offset."""

    content: bytes


Directory = Sequence[tuple[int, int, "bytes | Elsewhere | list[Directory]"]]


def block(*chain: Directory, after: bytes = b"") -> bytes:
    """A whole TIFF block: the header, the directories one after the other, and bytes to which nothing refers."""
    return HEADER + directories(chain, len(HEADER)) + after


def directories(chain: Sequence[Directory], at: int) -> bytes:
    out = b""
    for number, directory in enumerate(chain):
        out += _directory(directory, at + len(out), last=number + 1 == len(chain))
    return out


def _directory(entries: Directory, at: int, *, last: bool) -> bytes:
    body = at + 2 + 12 * len(entries) + 4
    table, data = struct.pack("<H", len(entries)), b""
    for tag, kind, value in sorted(entries, key=lambda entry: entry[0]):
        place = body + len(data)
        if isinstance(value, Elsewhere):
            content, data = struct.pack("<I", place), data + value.content
        elif isinstance(value, list):
            offsets = []
            for inner in value:
                offsets.append(body + len(data))
                data += directories([inner], offsets[-1])
            content = struct.pack(f"<{len(offsets)}I", *offsets)
        else:
            content = value
        table += struct.pack("<HHI", tag, kind, len(content) // _SIZE[kind])
        if len(content) > 4:
            table += struct.pack("<I", body + len(data))
            data += content
        else:
            table += content.ljust(4, b"\0")
        data += bytes(len(data) % 2)
    return table + struct.pack("<I", 0 if last else body + len(data)) + data


def short(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def long(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def degrees(*values: int) -> bytes:
    return b"".join(struct.pack("<II", value, 1) for value in values)


_NAME = MARKER + b"\0"
_WIDE = TEXT.encode("utf-16-le") + b"\0\0"
GPS: Directory = [
    (0, BYTE, b"\2\3\0\0"),
    (1, ASCII, b"N\0"),
    (2, RATIONAL, degrees(53, 30, 0)),
    (3, ASCII, b"W\0"),
    (4, RATIONAL, degrees(110, 15, 0)),
    (0x12, ASCII, _NAME),
    (0x1C, UNDEFINED, b"ASCII\0\0\0" + MARKER),
    (0x1D, ASCII, b"2031:06:17\0"),
]
MAIN: Directory = [(tag, ASCII, _NAME) for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x013C, 0x8298)]
PHOTO: Directory = [
    (0x9000, UNDEFINED, b"0232"),
    (0x9003, ASCII, b"2031:06:17 10:30:00\0"),
    *((tag, ASCII, _NAME) for tag in (0xA420, 0xA430, 0xA431, 0xA433, 0xA434, 0xA435)),
]
THUMBNAIL: Directory = [
    (0x0103, SHORT, short(6)),
    (0x0201, LONG, Elsewhere(second_jpeg())),
    (0x0202, LONG, long(len(second_jpeg()))),
]


def _photo(*entries: tuple[int, int, bytes | Elsewhere | list[Directory]]) -> Directory:
    return [(0x8769, LONG, [[(0x9000, UNDEFINED, b"0232"), *entries]])]


EXIF: dict[str, Directory | tuple[Directory, ...]] = {
    "EXIF IFD0": MAIN,
    "EXIF Exif": [(0x8769, LONG, [PHOTO])],
    "EXIF GPS": [(0x8825, LONG, [GPS])],
    "EXIF Interop": _photo((0xA005, LONG, [[(1, ASCII, b"R98\0"), (0x1000, ASCII, _NAME)]])),
    "EXIF MakerNote": _photo((0x927C, UNDEFINED, b"Nikon\0\2\0\0\0" + MARKER + second_jpeg())),
    "EXIF UserComment": _photo((0x9286, UNDEFINED, b"UNICODE\0" + _WIDE)),
    "EXIF XP tags": [(tag, BYTE, _WIDE) for tag in range(0x9C9B, 0x9CA0)],
    "EXIF private tag": [(0xFDE8, UNDEFINED, MARKER)],
    "EXIF preview (SubIFD)": [(0x014A, LONG, [THUMBNAIL])],
    "EXIF thumbnail (IFD1)": ([(0x0112, SHORT, short(1))], THUMBNAIL),
}


def exif_blocks() -> dict[str, bytes]:
    """An EXIF block for each of its places, by the place's name."""
    blocks = {name: block(*chain) if isinstance(chain, tuple) else block(chain) for name, chain in EXIF.items()}
    return {**blocks, "EXIF gap": block([(0x0112, SHORT, short(1))], after=MARKER)}
