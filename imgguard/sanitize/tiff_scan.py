"""List what is in a TIFF, without code that the writer uses: each byte belongs to a header, directory, value or strip.

Tiles, and compressions whose end only a decoder would find, are not on the allow-list: something could hide in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from imgguard.errors import SetupError
from imgguard.profiles import is_own_icc
from imgguard.sanitize.deflate import fills_exactly
from imgguard.sanitize.exif import checked_credit
from imgguard.sanitize.rows import Rows
from imgguard.tiffdirs import Directory, Entry, byte_order, numbers, pages, read_directory
from imgguard.types import Part

_HEADER = 8
_MOST_STRIPS = 1 << 18
# The rows of the largest picture that is read, with 16 bits a channel and alpha.
_MOST_DATA = 1_700_000_000
_MOST_COLOURS = 3 * 256
_MOST_SIDE = 1 << 20
_NONE, _DEFLATE = 1, 8
_ARTIST, _COPYRIGHT, _ICC, _STRIPS, _COUNTS, _COLOURS = 315, 33432, 34675, 273, 279, 320
_POINTERS = (330, 34665, 34853, 40965)
_MEANINGS = {
    269: "name of the document",
    270: "description",
    271: "maker of the camera",
    272: "model of the camera",
    285: "name of the page",
    305: "software",
    306: "time",
    315: "artist",
    316: "computer",
    330: "further pictures",
    347: "tables of JPEG",
    513: "thumbnail",
    700: "XMP: names, face regions, edits",
    33432: "copyright",
    33723: "IPTC: captions, names",
    34377: "Photoshop block: captions, names, thumbnail",
    34665: "EXIF: camera, time",
    34675: "colour profile",
    34853: "GPS: place",
    37724: "Photoshop layers",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the structural fields say of the picture."""

    width: int
    height: int
    bits: int
    channels: int
    compression: int
    rows: int

    @property
    def row_bits(self) -> int:
        return self.width * self.bits * self.channels

    @property
    def row_bytes(self) -> int:
        return -(-self.row_bits // 8)

    @property
    def strips(self) -> int:
        return -(-self.height // self.rows)

    def strip_bytes(self, number: int) -> int:
        return self.row_bytes * min(self.rows, self.height - number * self.rows)


def scan(content: bytes) -> list[Part]:
    """List a TIFF's parts; see `imgguard.sanitize.scan`."""
    order, found = byte_order(content), pages(content)
    if order is None or not found:
        return [Part("damaged", 0, len(content), "no TIFF header, or no directory", False)]
    kind = _kind(content, order, found[0])
    parts = [Part("header", 0, _HEADER, "TIFF header", True)]
    for number, page in enumerate(found):
        parts += _directory(content, order, page, kind if number == 0 else None, number)
    if kind is not None:
        colours = found[0].find(_COLOURS)
        rows = Rows(kind.row_bits, filtered=False, depth=kind.bits if colours and kind.bits <= 8 else 0)
        parts += _strips(content, order, found[0], kind, rows)
        if colours and kind.bits <= 8 and not _all_used(content, order, colours, rows):
            parts = [replace(p, allowed=p.allowed and p.name != f"tag {_COLOURS}") for p in parts]
        if not rows.plain:
            parts = [replace(p, allowed=p.allowed and p.name != "strip") for p in parts]
    return _tiled(content, parts)


def _all_used(content: bytes, order: str, colours: Entry, rows: Rows) -> bool:
    """Say whether every colour of a palette is used, or black: a palette has all its reds first, then greens, blues."""
    values = numbers(content, order, colours, _MOST_COLOURS) or ()
    third = len(values) // 3
    entries = zip(values[:third], values[third : 2 * third], values[2 * third :], strict=False)
    return all(rows.used[number] or not any(entry) for number, entry in enumerate(entries))


def _kind(content: bytes, order: str, page: Directory) -> _Kind | None:
    """Read the structural fields; None where they are not those of a plain picture in strips."""

    def value(tag: int, default: int = 0) -> int:
        values = numbers(content, order, page.find(tag), 4)
        return values[0] if values and len(set(values)) == 1 else default

    width, height, bits, channels = value(256), value(257), value(258, 1), value(277, 1)
    rows = min(value(278, height), height)
    if not (0 < width <= _MOST_SIDE and 0 < height <= _MOST_SIDE and rows > 0):
        return None
    if bits not in (1, 2, 4, 8, 16) or channels not in (1, 3) or value(259, 1) not in (_NONE, _DEFLATE):
        return None
    kind = _Kind(width, height, bits, channels, value(259, 1), rows)
    return kind if kind.row_bytes * height <= _MOST_DATA else None


def _directory(content: bytes, order: str, page: Directory, kind: _Kind | None, number: int) -> Iterator[Part]:
    tags = [entry.tag for entry in page.entries]
    plain = kind is not None and number == 0 and tags == sorted(set(tags)) and not page.following
    plain = plain and set(tags) >= _MANDATORY and (_ARTIST in tags) == (_COPYRIGHT in tags)
    name = "directory" if number == 0 else "further directory"
    meaning = "fields of the picture" if number == 0 else "a further picture or thumbnail"
    yield Part(name, page.at, min(page.end, len(content)) - page.at, meaning, plain)
    for entry in page.entries:
        allowed = kind is not None and _allowed(content, order, entry, kind, page)
        meaning = _MEANINGS.get(entry.tag, "value of a field")
        if entry.length > 4 and entry.at + entry.length <= len(content):
            yield Part(f"tag {entry.tag}", entry.at, entry.length, meaning, allowed)
        elif not allowed:
            yield Part(f"tag {entry.tag}", page.at, 0, meaning, False)
        if entry.tag in _POINTERS:
            yield from _inner(content, order, entry)


def _inner(content: bytes, order: str, entry: Entry) -> Iterator[Part]:
    """List the directories that a field points to, with their values; none of them is allowed."""
    for at in numbers(content, order, entry, 16) or ():
        if (page := read_directory(content, order, at)) is None:
            continue
        meaning = _MEANINGS.get(entry.tag, "further fields")
        yield Part(f"directory of tag {entry.tag}", page.at, min(page.end, len(content)) - page.at, meaning, False)
        for one in page.entries:
            if one.length > 4 and one.at + one.length <= len(content):
                yield Part(f"tag {one.tag}", one.at, one.length, meaning, False)


_Rule = Callable[[tuple[int, ...], _Kind], bool]


def _one(*allowed: int) -> _Rule:
    return lambda values, kind: len(values) == 1 and values[0] in allowed


_STRUCTURE: dict[int, _Rule] = {
    254: _one(0),
    256: lambda values, kind: values == (kind.width,),
    257: lambda values, kind: values == (kind.height,),
    258: lambda values, kind: values == (kind.bits,) * kind.channels,
    259: lambda values, kind: values == (kind.compression,),
    262: lambda values, kind: values in (((2,),) if kind.channels == 3 else ((0,), (1,), (3,))),
    266: _one(1),
    273: lambda values, kind: len(values) == kind.strips,
    274: _one(*range(1, 9)),
    277: lambda values, kind: values == (kind.channels,),
    278: lambda values, kind: len(values) == 1 and (values[0] == kind.rows or values[0] >= kind.height),
    279: lambda values, kind: len(values) == kind.strips,
    284: _one(1),
    317: lambda values, kind: values == (1,) or (values == (2,) and kind.bits >= 8),
    320: lambda values, kind: kind.bits <= 8 and kind.channels == 1 and len(values) == 3 * 2**kind.bits,
    339: lambda values, kind: values == (1,) * kind.channels,
}
_MANDATORY = {256, 257, 262, 273, 279}


def _allowed(content: bytes, order: str, entry: Entry, kind: _Kind, page: Directory) -> bool:
    body = content[entry.at : entry.at + entry.length] if 0 <= entry.length <= len(content) else b""
    if len(body) != entry.length:
        return False
    if 0 <= entry.length < 4 and any(content[entry.at + entry.length : entry.at + 4]):
        return False
    if entry.tag in (_ARTIST, _COPYRIGHT):
        other = page.find(_ARTIST if entry.tag == _COPYRIGHT else _COPYRIGHT)
        same = other is not None and content[other.at : other.at + other.length] == body
        return entry.kind == 2 and same and _is_credit(body)
    if entry.tag == _ICC:
        return is_own_icc(body)
    rule, values = _STRUCTURE.get(entry.tag), numbers(content, order, entry, _MOST_STRIPS)
    return rule is not None and values is not None and rule(values, kind)


def _is_credit(body: bytes) -> bool:
    try:
        text = body[:-1].decode()
        return body.endswith(b"\0") and checked_credit(text) == text
    except (UnicodeDecodeError, SetupError):
        return False


def _strips(content: bytes, order: str, page: Directory, kind: _Kind, rows: Rows) -> Iterator[Part]:
    starts = numbers(content, order, page.find(_STRIPS), _MOST_STRIPS) or ()
    lengths = numbers(content, order, page.find(_COUNTS), _MOST_STRIPS) or ()
    for number, (at, length) in enumerate(zip(starts, lengths, strict=False)):
        end = min(len(content), at + length)
        if at > end:
            continue
        wanted = kind.strip_bytes(number) if number < kind.strips else -1
        strip = content[at:end]
        if kind.compression == _NONE:
            exact = length == wanted
            rows.look(strip)
        else:
            exact = wanted >= 0 and fills_exactly([strip], wanted, rows.look)
        yield Part("strip", at, end - at, "picture data", exact and end == at + length)


def _tiled(content: bytes, parts: list[Part]) -> list[Part]:
    """Put parts in order; what overlaps is taken once, and what no part claims is a gap."""
    out: list[Part] = []
    at = 0
    for part in sorted(parts, key=lambda part: (part.offset, part.allowed)):
        if part.offset > at:
            out.append(_gap(content, at, part.offset))
            at = part.offset
        end = max(at, part.offset + part.length)
        overlaps = part.offset < at and part.length > 0
        out.append(Part(part.name, at, end - at, part.meaning, part.allowed and not overlaps))
        at = end
    if at < len(content):
        out.append(_gap(content, at, len(content)))
    return out


def _gap(content: bytes, at: int, end: int) -> Part:
    # Offsets are even (section 2), so that one byte may be left over before them.
    fill = end - at == 1 and at % 2 == 1 and content[at] == 0
    name = "fill" if fill else "trailer" if end == len(content) else "gap"
    meaning = "one byte, so that the next part begins at an even place" if fill else "bytes that belong to nothing"
    return Part(name, at, end - at, meaning, fill)
