"""List what is in a HEIC or AVIF (ISO/IEC 14496-12, 23008-12; AVIF 1.1), without code that the writers use.

One picture, described by the boxes that a decoder needs, and its data; every byte of the data belongs to an item. What
lies inside a unit of compressed data is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from imgguard.isoboxes import (
    Box,
    Extent,
    Item,
    boxes,
    read_item,
    read_locations,
    unpacked,
)
from imgguard.profiles import is_own_icc
from imgguard.sanitize.isobmff_items import is_plain_item
from imgguard.types import Part

# Boxes that hold boxes, and how many bytes stand before those.
_HOLDERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"iinf": 6, b"iref": 4}
_PLACES = {
    b"ftyp": b"",
    b"meta": b"",
    b"mdat": b"",
    b"hdlr": b"meta",
    b"pitm": b"meta",
    b"iloc": b"meta",
    b"iinf": b"meta",
    b"iref": b"meta",
    b"iprp": b"meta",
    b"infe": b"iinf",
    b"cdsc": b"iref",
    b"ipco": b"iprp",
    b"ipma": b"iprp",
    **dict.fromkeys((b"hvcC", b"av1C", b"colr", b"ispe", b"pixi", b"clap"), b"ipco"),
}
_MEANINGS = {
    b"ftyp": "file type",
    b"meta": "pictures, their properties and what belongs to them",
    b"mdat": "data",
    b"moov": "a video or sequence",
    b"mpvd": "a video (motion photo)",
    b"uuid": "private data",
    b"jumb": "content credentials (C2PA)",
    b"free": "unused space",
    b"skip": "unused space",
    b"udta": "data of a program",
    b"idat": "data of items",
    b"hdlr": "kind of the file",
    b"colr": "colours, or a colour profile",
    b"auxC": "kind of an auxiliary picture",
    b"udes": "description",
    b"grpl": "groups of pictures",
    b"thmb": "thumbnail picture",
    b"auxl": "auxiliary picture (depth, gain map, mask)",
    b"dimg": "a picture made of others",
}
_ITEM_MEANINGS = {
    b"Exif": "EXIF: camera, time, place",
    b"mime": "XMP: names, face regions, edits",
    b"uri ": "private item",
    b"hvc1": "picture",
    b"av01": "picture",
    b"jpeg": "picture",
    b"grid": "a picture made of tiles",
    b"tmap": "gain map",
}
_BRANDS = {b"heic", b"heix", b"mif1", b"miaf", b"avif", b"MA1A", b"MA1B"}
_PICTURES = (b"hvc1", b"av01")
_ITEM_NAMES = {b"hvc1": (b"",), b"av01": (b"", b"Color"), b"Exif": (b"", b"Exif")}
_LONGEST_SETUP = 1024
_HANDLER = bytes(8) + b"pict" + bytes(13)
_PARAMETER_SETS = (32, 33, 34)
_CONFIG = 4


@dataclass(frozen=True, slots=True)
class _Contents:
    """What `meta` tells: the items, where their data is, and which of them is the picture."""

    items: dict[int, Item]
    extents: tuple[Extent, ...]
    primary: int | None
    understood: bool

    @property
    def plain(self) -> bool:
        """Whether there is one picture and at most one EXIF item, each with one piece of data."""
        kinds = sorted(item.kind for item in self.items.values())
        alone = kinds in ([kind] for kind in _PICTURES) or kinds in (sorted([b"Exif", kind]) for kind in _PICTURES)
        primary = self.items.get(self.primary or 0)
        located = sorted(extent.item for extent in self.extents)
        named = all(item.plain and item.name in _ITEM_NAMES.get(item.kind, ()) for item in self.items.values())
        right = primary is not None and primary.kind in _PICTURES
        return self.understood and bool(alone) and named and right and located == sorted(self.items)


def scan(content: bytes) -> list[Part]:
    """List a HEIC's or AVIF's boxes and the data of its items; see `imgguard.sanitize.scan`."""
    found = _contents(content)
    parts = list(_walk(content, 0, len(content), b"", found))
    if not parts or parts[0].name != "ftyp" or sum(part.name == "mdat" for part in parts) != 1:
        parts.append(Part("damaged", len(content), 0, "no picture in it", False))
    return _without_repetition(parts)


def exif_of(content: bytes) -> bytes:
    """Give the EXIF block of a HEIC or AVIF, a TIFF structure; no bytes where there is none."""
    found = _contents(content)
    numbers = {item.number for item in found.items.values() if item.kind == b"Exif"}
    for extent in found.extents:
        if extent.item in numbers:
            data = content[extent.at : extent.at + extent.length]
            return data[4 + int.from_bytes(data[:4], "big") :]
    return b""


def _contents(content: bytes) -> _Contents:
    items: dict[int, Item] = {}
    extents: list[Extent] | None = []
    primary: int | None = None
    understood = True
    for meta in (box for box in boxes(content, 0, len(content)) if box.name == b"meta"):
        for box in boxes(content, meta.body + 4, meta.end):
            body = content[box.body : box.end]
            if box.name == b"iloc":
                extents = read_locations(body)
            elif box.name == b"pitm":
                primary = int.from_bytes(body[4:], "big") if len(body) in (6, 8) else None
            elif box.name == b"iinf":
                listed = list(_listed(content, box))
                items = {item.number: item for item in listed if item is not None}
                understood = understood and len(items) == len(listed)
    return _Contents(items, tuple(extents or ()), primary, understood and extents is not None)


def _listed(content: bytes, box: Box) -> Iterator[Item | None]:
    skip = 6 if content[box.body : box.body + 1] == b"\0" else 8
    for entry in boxes(content, box.body + skip, box.end):
        yield read_item(content[entry.body : entry.end]) if entry.name == b"infe" else None


def _walk(content: bytes, at: int, end: int, inside: bytes, found: _Contents) -> Iterator[Part]:
    """List the boxes between two offsets, and inside those that hold others; what is no box is damage."""
    for box in boxes(content, at, end):
        skip = _HOLDERS.get(box.name)
        if box.name == b"mdat" and not inside:
            yield from _data(content, box, found)
        elif skip is not None and _PLACES[box.name] == inside and box.body + skip <= box.end:
            yield _part(content, Box(box.name, box.at, box.body, box.body + skip), inside, found)
            yield from _walk(content, box.body + skip, box.end, box.name, found)
        else:
            yield _part(content, box, inside, found)
        at = box.end
    if at < end:
        yield Part("trailer" if not inside else "damaged", at, end - at, "bytes that belong to no box", False)


def _part(content: bytes, box: Box, inside: bytes, found: _Contents) -> Part:
    body = content[box.body : box.end]
    rule = _RULES.get(box.name)
    here = _PLACES.get(box.name) == inside and content[box.at : box.at + 4] not in (bytes(4), b"\0\0\0\1")
    allowed = here and rule is not None and rule(body, found)
    name, meaning = box.name.decode("latin-1"), _MEANINGS.get(box.name, "property of the picture")
    if box.name not in _MEANINGS and box.name not in _PLACES:
        meaning = "unknown box"
    if inside == b"iref" and box.name != b"cdsc":
        name = f"reference {name}"
    if inside == b"iinf" and (item := read_item(body)) is not None:
        name, meaning = f"item {item.kind.decode('latin-1')}", _ITEM_MEANINGS.get(item.kind, "unknown item")
    return Part(name, box.at, box.end - box.at, meaning, allowed)


def _data(content: bytes, box: Box, found: _Contents) -> Iterator[Part]:
    """List the data of the items; what none of them takes is a gap."""
    short = content[box.at : box.at + 4] not in (bytes(4), b"\0\0\0\1")
    yield Part("mdat", box.at, box.body - box.at, _MEANINGS[b"mdat"], short and found.plain)
    at = box.body
    for extent in sorted(found.extents, key=lambda extent: extent.at):
        if extent.at < at or extent.at + extent.length > box.end:
            continue
        if extent.at > at:
            yield Part("gap", at, extent.at - at, "data that belongs to no item", False)
        item = found.items.get(extent.item)
        kind = item.kind if item else b"?"
        data = content[extent.at : extent.at + extent.length]
        allowed = found.plain and is_plain_item(kind, data)
        name = f"data of item {kind.decode('latin-1')}"
        yield Part(name, extent.at, extent.length, _ITEM_MEANINGS.get(kind, "unknown item"), allowed)
        at = extent.at + extent.length
    if at < box.end:
        yield Part("gap", at, box.end - at, "data that belongs to no item", False)


def _without_repetition(parts: list[Part]) -> list[Part]:
    """Disallow what is there twice; of colours, there may be a profile and a code."""
    seen: dict[str, int] = {}
    out = []
    for part in parts:
        seen[part.name] = seen.get(part.name, 0) + 1
        out.append(replace(part, allowed=part.allowed and seen[part.name] <= (2 if part.name == "colr" else 1)))
    return out


def _is_file_type(body: bytes, found: _Contents) -> bool:
    brands = [body[:4], *(body[at : at + 4] for at in range(8, len(body), 4))]
    return body[4:8] == bytes(4) and len(set(brands[1:])) == len(brands) - 1 and set(brands) <= _BRANDS


def _is_hevc_setup(body: bytes, found: _Contents) -> bool:
    """Say whether a decoder's setup (ISO/IEC 14496-15, 8.3.3) holds one parameter set of each kind, and no more."""
    if not 23 <= len(body) <= _LONGEST_SETUP or body[0] != 1:
        return False
    at, kinds = 23, []
    for _ in range(body[22]):
        head = unpacked(">BHH", body[at : at + 5])
        if head is None or head[1] != 1 or head[2] < 2:
            return False
        kinds.append(head[0] & 63)
        if at + 5 >= len(body) or body[at + 5] >> 1 & 63 != kinds[-1]:
            return False
        at += 5 + head[2]
    return at == len(body) and tuple(kinds) == _PARAMETER_SETS


def _is_colour(body: bytes, found: _Contents) -> bool:
    if body[:4] == b"nclx":
        codes = unpacked(">HHHB", body[4:])
        return codes is not None and all(code < 32 for code in codes[:3]) and codes[3] in (0, 0x80)
    return body[:4] == b"prof" and is_own_icc(body[4:])


def _is_clean_aperture(body: bytes, found: _Contents) -> bool:
    """Say whether a picture is only cut by what its encoder added: a row or column, or more for one of a few pixels."""
    numbers = unpacked(">IIIIiIiI", body)
    if numbers is None or (numbers[1], numbers[3]) != (1, 1):
        return False
    sides = ((numbers[0], *numbers[4:6]), (numbers[2], *numbers[6:8]))
    return all(below in (1, 2) and -(64 if side < 64 else 1) <= offset <= 0 for side, offset, below in sides)


def _is_bit_depths(body: bytes, found: _Contents) -> bool:
    return body[:4] == bytes(4) and body[4:] in (b"\3\x08\x08\x08", b"\1\x08")


def _is_association(body: bytes, found: _Contents) -> bool:
    """Say whether properties (ISO/IEC 23008-12, 9.3) are those of the picture alone, each once."""
    if len(body) < 11 or body[:8] != bytes(7) + b"\1" or body[10] != len(body) - 11:
        return False
    used = [one & 127 for one in body[11:]]
    return int.from_bytes(body[8:10], "big") == found.primary and sorted(used) == list(range(1, len(used) + 1))


def _is_reference(body: bytes, found: _Contents) -> bool:
    numbers = unpacked(">HHH", body)
    if numbers is None or numbers[0] not in found.items:
        return False
    return found.items[numbers[0]].kind == b"Exif" and numbers[1:] == (1, found.primary)


_Rule = Callable[[bytes, _Contents], bool]
_RULES: dict[bytes, _Rule] = {
    b"ftyp": _is_file_type,
    b"meta": lambda body, found: body == bytes(4),
    b"hdlr": lambda body, found: body == _HANDLER,
    b"pitm": lambda body, found: len(body) == 6 and body[:4] == bytes(4),
    b"iloc": lambda body, found: found.plain,
    b"iinf": lambda body, found: body == bytes(4) + len(found.items).to_bytes(2, "big"),
    b"infe": lambda body, found: found.plain,
    b"iref": lambda body, found: body == bytes(4),
    b"cdsc": _is_reference,
    b"iprp": lambda body, found: not body,
    b"ipco": lambda body, found: not body,
    b"ipma": _is_association,
    b"hvcC": _is_hevc_setup,
    b"av1C": lambda body, found: len(body) == _CONFIG and body[0] == 0x81,
    b"colr": _is_colour,
    b"ispe": lambda body, found: len(body) == 12 and body[:4] == bytes(4),
    b"pixi": _is_bit_depths,
    b"clap": _is_clean_aperture,
}
