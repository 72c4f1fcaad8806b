"""List what is in a JPEG (ITU-T T.81, JFIF), without code that the writer uses.

The scanner knows segments and how long each has to be, not what their contents mean to a decoder: bytes that somebody
hides inside the compressed picture data itself are not seen.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from imgguard.profiles import is_own_icc
from imgguard.sanitize.exif import is_plain_exif
from imgguard.types import Part

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
# Dots an inch or a centimetre.
_FINEST = 1200
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0\1\1"
_APP_MEANINGS = (
    (b"JFIF\0", "JFIF header"),
    (b"JFXX\0", "JFIF extension, may hold a thumbnail"),
    (b"Exif\0", "EXIF: camera, time, place, thumbnail"),
    (b"http://ns.adobe.com/xap/1.0/\0", "XMP: names, face regions, edits"),
    (b"http://ns.adobe.com/xmp/extension/\0", "extended XMP"),
    (b"ICC_PROFILE\0", "colour profile"),
    (b"MPF\0", "index of further pictures in the file"),
    (b"urn:iso:std:iso:ts:21496:-1\0", "gain map: a second version of the picture"),
    (b"Photoshop 3.0\0", "Photoshop block: IPTC captions, names, thumbnail"),
    (b"Ducky", "Adobe 'save for web' comment"),
    (b"Adobe", "Adobe colour marker"),
    (b"JP", "content credentials (C2PA)"),
    (b"AROT", "Apple HDR data"),
)


def scan(content: bytes) -> list[Part]:
    """List a JPEG's segments; see `imgguard.sanitize.scan`."""
    parts: list[Part] = []
    at = 0
    while at < len(content):
        part = _segment(content, at) if at else _start(content)
        parts.append(_unless_repeated(part, parts))
        at += part.length
        if part.name == "EOI" and at < len(content):
            parts.append(Part("trailer", at, len(content) - at, _trailer_meaning(content[at : at + 64]), False))
            break
    if not parts or parts[-1].name not in ("EOI", "trailer", "damaged"):
        parts.append(Part("damaged", at, 0, "ends without an end marker", False))
    parts = _disallowed(parts, _out_of_order(content, parts), "that a decoder passes over")
    return _disallowed(parts, _unused(content, parts), "of which one is never used")


def _disallowed(parts: list[Part], places: set[int], why: str) -> list[Part]:
    return [
        replace(part, meaning=f"{part.meaning}, {why}", allowed=False) if place in places and part.allowed else part
        for place, part in enumerate(parts)
    ]


def _out_of_order(content: bytes, parts: Sequence[Part]) -> set[int]:
    """Find scans that send nothing new, and restart intervals but one before the first scan, by their places."""
    found, known, sent = set[int](), set[int](), dict[tuple[int, int], int]()
    progressive, settled = False, False
    for place, part in enumerate(parts):
        header = content[part.offset + 4 : part.offset + 2 + _length(content, part.offset)] if part.allowed else b""
        if part.name in _FRAMES and header:
            known, progressive = set(header[6::3]), part.name == _PROGRESSIVE
        elif part.name == _INTERVAL:
            found |= {place} if settled else set()
            settled = True
        elif part.name == "SOS" and header:
            found |= set() if _sends_more(header, known, progressive, sent) else {place}
            settled = True
    return found


def _sends_more(header: bytes, known: set[int], progressive: bool, sent: dict[tuple[int, int], int]) -> bool:
    """Say whether a scan sends coefficients for the first time, or one bit more of each (T.81, G.1.1.1).

    Args:
        header: The scan's.
        known: The components of the frame.
        progressive: Whether coefficients may come in parts.
        sent: How many bits of each coefficient of each component are still missing; will be brought up to date.
    """
    components, (first, last, bits) = header[1:-3:2], header[-3:]
    before, missing = bits >> 4, bits & 15
    if not set(components) <= known or len(set(components)) != len(components):
        return False
    if not progressive and (first, last, bits) != (0, 63, 0):
        return False
    if progressive and (not first <= last <= 63 or (last if first == 0 else len(components) != 1)):
        return False
    for key in ((component, place) for component in components for place in range(first, last + 1)):
        if (before, missing) != (sent[key], sent[key] - 1) if key in sent else before:
            return False
        sent[key] = missing
    return bool(components)


def _length(content: bytes, at: int) -> int:
    return int.from_bytes(content[at + 2 : at + 4], "big")


def _unused(content: bytes, parts: Sequence[Part]) -> set[int]:
    """Find the tables that no frame or scan refers to, by their places among the parts: they could hold anything."""
    waiting: dict[tuple[int, int], int] = {}
    found, quantised = set[int](), set[int]()
    for place, part in enumerate(parts):
        payload = content[part.offset + 4 : part.offset + part.length] if part.allowed else b""
        if part.name in _FRAMES:
            quantised = set(payload[8::3])
        elif part.name in _TABLES:
            for key in _TABLES[part.name](payload):
                found |= {waiting[key]} if key in waiting else set()
                waiting[key] = place
        elif part.name == "SOS":
            for _, chosen in struct.iter_unpack("BB", payload[1 : 1 + 2 * payload[0]] if payload else b""):
                waiting.pop((_DC, chosen >> 4), None)
                waiting.pop((_AC, chosen & 15), None)
    return found | {
        place for (kind, number), place in waiting.items() if kind != _QUANTISATION or number not in quantised
    }


def _huffman_keys(payload: bytes) -> Iterator[tuple[int, int]]:
    while len(payload) >= 17:
        yield payload[0] >> 4, payload[0] & 15
        payload = payload[17 + sum(payload[1:17]) :]


def _quantisation_keys(payload: bytes) -> Iterator[tuple[int, int]]:
    while payload:
        yield _QUANTISATION, payload[0] & 15
        payload = payload[65 if payload[0] >> 4 == 0 else 129 :]


_DC, _AC, _QUANTISATION = 0, 1, 2
_FRAMES = ("0xFFC0", "0xFFC1", "0xFFC2")
_PROGRESSIVE, _INTERVAL = "0xFFC2", "0xFFDD"
# What the components of a frame are called: by number, or by the first letters of red, green, blue.
_COMPONENTS = (b"\1", b"\0", b"\1\2\3", b"\0\1\2", b"RGB", b"\1\2\3\4", b"CMYK")
_TABLES = {"0xFFC4": _huffman_keys, "0xFFDB": _quantisation_keys}


def _start(content: bytes) -> Part:
    if content.startswith(b"\xff\xd8"):
        return Part("SOI", 0, 2, "start of the picture", True)
    return _damaged(content, 0)


def _damaged(content: bytes, at: int) -> Part:
    return Part("damaged", at, len(content) - at, "bytes that belong to no segment", False)


def _segment(content: bytes, at: int) -> Part:
    marker = content[at + 1] if content[at] == 0xFF and at + 1 < len(content) else 0
    if marker == _EOI:
        return Part("EOI", at, 2, "end of the picture", True)
    length = _length(content, at)
    end = at + 2 + length
    if not 0xC0 <= marker <= 0xFE or length < 2 or end > len(content):
        return _damaged(content, at)
    payload = content[at + 4 : end]
    if marker == _SOS:
        begin, end = end, _end_of_scan(content, end)
        fits = bool(payload) and len(payload) == 4 + 2 * payload[0] and end > begin
        return Part("SOS", at, end - at, "picture data", fits)
    if 0xE0 <= marker <= 0xEF:
        return Part(f"APP{marker - 0xE0}", at, end - at, *_application(marker, payload))
    if marker == _COM:
        return Part("COM", at, end - at, "comment", False)
    return Part(f"0xFF{marker:02X}", at, end - at, *_structure(marker, payload))


def _end_of_scan(content: bytes, at: int) -> int:
    """Skip entropy-coded data: up to the next marker that is neither a stuffed byte nor a restart."""
    found = _NEXT_MARKER.search(content, at)
    return found.start() if found else len(content)


def _structure(marker: int, payload: bytes) -> tuple[str, bool]:
    """Say what a segment of the picture itself is, and whether it is as long as its contents ask for (T.81, B.2)."""
    if marker not in _STRUCTURE:
        return "unknown segment", False
    meaning, fits = _STRUCTURE[marker]
    return (meaning, True) if fits(payload) else (f"{meaning}, with more in it than belongs there", False)


def _is_frame(payload: bytes) -> bool:
    fits = len(payload) > 5 and len(payload) == 6 + 3 * payload[5] and payload[0] == 8
    if not fits or payload[6::3] not in _COMPONENTS:
        return False
    sampled = all(1 <= one >> 4 <= 4 and 1 <= one & 15 <= 4 for one in payload[7::3])
    return sampled and all(table <= 3 for table in payload[8::3])


def _is_huffman(payload: bytes) -> bool:
    while len(payload) >= 17:
        payload = payload[17 + sum(payload[1:17]) :]
        if not payload:
            return True
    return False


def _is_quantisation(payload: bytes) -> bool:
    while payload:
        length = 65 if payload[0] >> 4 == 0 else 129
        if len(payload) < length:
            return False
        payload = payload[length:]
    return True


_STRUCTURE: dict[int, tuple[str, Callable[[bytes], bool]]] = {
    0xC0: ("frame header, baseline", _is_frame),
    0xC1: ("frame header, extended", _is_frame),
    0xC2: ("frame header, progressive", _is_frame),
    0xC4: ("Huffman tables", _is_huffman),
    0xDB: ("quantisation tables", _is_quantisation),
    0xDD: ("restart interval", lambda payload: len(payload) == 2),
}


def _application(marker: int, payload: bytes) -> tuple[str, bool]:
    if marker == 0xE0 and _is_plain_jfif(payload):
        return "JFIF header", True
    if marker == 0xE1 and payload.startswith(_EXIF) and is_plain_exif(payload[len(_EXIF) :]):
        return "orientation or credit", True
    if marker == 0xE2 and payload.startswith(_ICC) and is_own_icc(payload[len(_ICC) :]):
        return "colour space, in the tool's own words", True
    return next((words for magic, words in _APP_MEANINGS if payload.startswith(magic)), "application data"), False


def _is_plain_jfif(payload: bytes) -> bool:
    """Say whether a JFIF header (T.871, 10.1) is as long as it has to be and has no thumbnail, nor an odd density."""
    if not payload.startswith(b"JFIF\0\1") or len(payload) != 14 or payload[6] > 2 or payload[7] > 2:
        return False
    across, down = struct.unpack(">HH", payload[8:12])
    return across == down <= _FINEST and payload[12:] == b"\0\0"


def _unless_repeated(part: Part, before: list[Part]) -> Part:
    """Allow one frame header, and one of each that is not part of the picture."""
    once = part.name.startswith("APP") or part.name in _FRAMES
    if once and any(other.name == part.name for other in before):
        return Part(part.name, part.offset, part.length, f"{part.meaning}, a second time", False)
    return part


def _trailer_meaning(head: bytes) -> str:
    if head.startswith(b"\xff\xd8\xff"):
        return "a second picture after the end"
    if head[4:8] == b"ftyp":
        return "a video after the end (motion photo)"
    return "bytes after the end of the picture"
