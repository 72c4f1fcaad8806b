"""Find names and places in the text that files carry: XMP, IPTC, and the place notes of videos.

Only searches of bytes with a bound; no parser, so that no file can make one do anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Region names as the Metadata Working Group, Microsoft and IPTC write them.
_NAME = re.compile(rb"(?:mwg-rs:Name|MPReg:PersonDisplayName)(?:=\"([^\"]{0,200})\"|>([^<]{0,200})<)")
_LIST_BEGIN, _LIST_END = b"<Iptc4xmpExt:PersonInImage>", b"</Iptc4xmpExt:PersonInImage>"
_LIST_ITEM = re.compile(rb"<rdf:li[^>]{0,200}>([^<]{1,200})</rdf:li>")
_MOST_NAMES = 500
_MOST_XMP_BYTES = 4 * 1024 * 1024
# XMP specification part 2, 1.2.7.4: "53,32.766N", or degrees, minutes and seconds.
_GPS = re.compile(rb"exif:GPS(Latitude|Longitude)(?:=\"|>)([0-9]{1,3}),([0-9.]{1,12})(?:,([0-9.]{1,12}))?([NSEW])")
# ISO 6709, as phones write it into the videos of motion photos: +53.5461-113.4938+668.000/
_ISO_6709 = re.compile(rb"([+-][0-9]{2}\.[0-9]{2,8})([+-][0-9]{3}\.[0-9]{2,8})(?:[+-][0-9.]{1,12})?/")
# IPTC-IIM 4.2, record 2: marker, record, data set, length below 32 kB.
_IPTC = re.compile(rb"\x1c\x02([\x05\x19\x28\x37\x50\x5a\x5c\x5f\x65\x69\x74\x78\x7a])([\x00-\x7f].)", re.DOTALL)
_IPTC_NAMES = {
    5: "title",
    25: "keyword",
    40: "instructions",
    55: "day of taking",
    80: "photographer",
    90: "city",
    92: "place in the city",
    95: "province or state",
    101: "country",
    105: "headline",
    116: "copyright",
    120: "caption",
    122: "writer of the caption",
}
_MOST_IPTC = 200


def region_names(content: bytes) -> tuple[bytes, ...]:
    """Give the names of people that XMP puts beside faces, each once."""
    content = content[:_MOST_XMP_BYTES]
    found = [one or other for one, other in _NAME.findall(content)]
    begin = content.find(_LIST_BEGIN)
    if begin >= 0:
        found += _LIST_ITEM.findall(content[begin : content.rfind(_LIST_END) + 1])
    return tuple(filter(None, list(dict.fromkeys(name.strip() for name in found))[:_MOST_NAMES]))


def places(content: bytes) -> Iterator[tuple[str, float, float]]:
    """Yield where a file says that it was taken: in which of its parts, latitude north and longitude east."""
    found: dict[bytes, float] = {}
    for which, degrees, minutes, seconds, side in _GPS.findall(content[:_MOST_XMP_BYTES]):
        try:
            value = float(degrees) + float(minutes) / 60 + float(seconds or 0) / 3600
        except ValueError:
            continue
        found.setdefault(which, -value if side in b"SW" else value)
    if len(found) == 2:
        yield "XMP", found[b"Latitude"], found[b"Longitude"]
    match = _ISO_6709.search(content)
    if match:
        yield "video", float(match[1]), float(match[2])


def captions(block: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what the IPTC records of a Photoshop block tell, with the meaning of each."""
    at = 0
    for _ in range(_MOST_IPTC):
        match = _IPTC.search(block, at)
        if match is None:
            return
        at = match.end() + int.from_bytes(match[2], "big")
        yield _IPTC_NAMES[match[1][0]], block[match.end() : at]
