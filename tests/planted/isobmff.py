"""HEIC (ISO/IEC 23008-12) and AVIF: boxes and items.

An encoder makes the compressed picture and its properties; the file around them is put together here.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from PIL import Image

from tests.planted.common import (
    MARKER,
    Builder,
    Pixels,
    as_bytes,
    box,
    c2pa,
    film,
    full_box,
    profile,
    second_jpeg,
    second_picture,
)
from tests.planted.ifd import block, exif_blocks
from tests.planted.packets import XMP

_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_OWN_UUID = bytes.fromhex("00112233445566778899aabbccddeeff")
_HIDDEN = 1


@dataclass(frozen=True)
class Item:
    """One item: its type, data, properties, what it refers to (kind and number), its name and flags."""

    kind: bytes
    data: bytes
    properties: tuple[bytes, ...] = ()
    refers: tuple[bytes, int] | None = None
    name: bytes = b""
    flags: int = 0
    mime: bytes = b""


@dataclass(frozen=True)
class File:
    """What a file is made of; the first item is the picture, numbered 1."""

    brand: bytes
    items: tuple[Item, ...]
    brands: bytes = b""
    handler: bytes = b""
    in_meta: bytes = b""
    before: bytes = b""
    gap: bytes = b""
    behind: bytes = b""


def boxes(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Names, beginnings of the bodies and ends of the boxes between two offsets."""
    while at + 8 <= end:
        length = struct.unpack(">I", content[at : at + 4])[0] or end - at
        yield content[at + 4 : at + 8], at + 8, at + length
        at += length


def _inner(content: bytes, path: tuple[bytes, ...], skip: int = 0) -> tuple[int, int]:
    begin, end = 0, len(content)
    for name in path:
        begin, end = next((b, e) for n, b, e in boxes(content, begin, end) if n == name)
        begin += 4 if name == b"meta" else 0
    return begin + skip, end


def picture_of(content: bytes, kind: bytes) -> Item:
    """Take the one picture out of an encoder's file."""
    begin, end = _inner(content, (b"meta", b"iprp", b"ipco"))
    made = [content[b - 8 : e] for _, b, e in boxes(content, begin, end)]
    begin, end = _inner(content, (b"mdat",))
    length = _first_extent(content)
    return Item(kind, content[begin : begin + length], tuple(one for one in made if one[4:8] != b"colr"))


def _first_extent(content: bytes) -> int:
    _, end = _inner(content, (b"meta", b"iloc"))
    return int(struct.unpack(">I", content[end - 4 : end])[0])


@cache
def _encoded(brand: bytes, pixels: bytes, shape: tuple[int, ...]) -> Item:
    image = Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(shape))
    if brand == b"avif":
        return picture_of(as_bytes(image, "AVIF", quality=80, speed=9), b"av01")
    import pillow_heif

    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=80)
    return picture_of(out.getvalue(), b"hvc1")


def encoded(brand: bytes, pixels: Pixels) -> Item:
    return _encoded(brand, pixels.tobytes(), pixels.shape)


def second(brand: bytes) -> Item:
    return encoded(brand, np.asarray(second_picture()))


def write(file: File) -> bytes:
    """Put a file together."""
    head = box(b"ftyp", file.brand, bytes(4), file.brand, b"mif1", file.brands) + file.before
    meta = b""
    for _ in range(2):
        start = len(head) + len(meta) + 8 + len(file.gap)
        meta = _meta(file, start)
    return head + meta + box(b"mdat", file.gap, *(item.data for item in file.items)) + file.behind


def _meta(file: File, start: int) -> bytes:
    handler = full_box(b"hdlr", 0, 0, bytes(4), b"pict", bytes(12), file.handler + b"\0")
    primary = full_box(b"pitm", 0, 0, struct.pack(">H", 1))
    entries, places, links = b"", b"", b""
    properties: list[bytes] = []
    for number, item in enumerate(file.items, 1):
        mime = item.mime + b"\0" if item.kind == b"mime" else b""
        entries += full_box(b"infe", 2, item.flags, struct.pack(">HH", number, 0), item.kind, item.name + b"\0", mime)
        places += struct.pack(">HHHII", number, 0, 1, start, len(item.data))
        start += len(item.data)
        if item.properties:
            indices = bytes(len(properties) + index for index in range(1, len(item.properties) + 1))
            links += struct.pack(">HB", number, len(indices)) + indices
            properties += item.properties
    shown = sum(bool(item.properties) for item in file.items)
    references = b"".join(
        box(item.refers[0], struct.pack(">HHH", number, 1, item.refers[1]))
        for number, item in enumerate(file.items, 1)
        if item.refers
    )
    return full_box(
        b"meta", 0, 0, handler, primary,
        full_box(b"iloc", 0, 0, b"\x44\0", struct.pack(">H", len(file.items)), places),
        full_box(b"iinf", 0, 0, struct.pack(">H", len(file.items)), entries),
        full_box(b"iref", 0, 0, references) if references else b"",
        box(b"iprp", box(b"ipco", *properties), full_box(b"ipma", 0, 0, struct.pack(">I", shown), links)),
        file.in_meta,
    )  # fmt: skip


def plain(brand: bytes, pixels: Pixels) -> File:
    return File(brand, (encoded(brand, pixels),))


def _auxiliary(brand: bytes, meaning: bytes) -> Item:
    kind = full_box(b"auxC", 0, 0, meaning + b"\0")
    made = second(brand)
    return replace(made, properties=(*made.properties, kind), refers=(b"auxl", 1), flags=_HIDDEN)


def _exif(body: bytes) -> Item:
    return Item(b"Exif", struct.pack(">I", 0) + body, refers=(b"cdsc", 1), flags=_HIDDEN)


def _xmp(packet: bytes) -> Item:
    return Item(b"mime", packet, refers=(b"cdsc", 1), flags=_HIDDEN, mime=b"application/rdf+xml")


def _with_property(item: Item, made: bytes) -> Item:
    return replace(item, properties=(*item.properties, made))


def _sequence(brand: bytes, pixels: Pixels) -> bytes:
    frame = Image.fromarray(pixels)
    frame.paste(second_picture())
    if brand == b"avif":
        return as_bytes(Image.fromarray(pixels), "AVIF", save_all=True, append_images=[frame, frame], speed=9)
    still = write(plain(brand, pixels))
    return still.replace(b"ftypheic", b"ftyphevc", 1) + film()[film().index(b"moov") - 4 :] + second(brand).data


_DESCRIPTION = full_box(b"udes", 0, 0, b"en\0", MARKER + b"\0", MARKER + b"\0", MARKER + b"\0")
_MORE: dict[str, Callable[[bytes], Item]] = {
    "thumbnail": lambda brand: replace(second(brand), refers=(b"thmb", 1), flags=_HIDDEN),
    "thumbnail as JPEG": lambda brand: Item(b"jpeg", second_jpeg(), second(brand).properties[1:2], (b"thmb", 1)),
    "depth map": lambda brand: _auxiliary(brand, b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth"),
    "gain map": lambda brand: _auxiliary(brand, b"urn:com:apple:photo:2020:aux:hdrgainmap"),
    "matte": lambda brand: _auxiliary(brand, b"urn:com:apple:photo:2018:aux:portraiteffectsmatte"),
    "tone map": lambda brand: Item(b"tmap", MARKER, second(brand).properties[:1], (b"dimg", 1), flags=_HIDDEN),
    "private item": lambda brand: Item(b"uri ", MARKER, name=b"private", refers=(b"cdsc", 1)),
    "name of an item": lambda brand: replace(_exif(block([])), name=MARKER),
    "second picture": second,
    "hidden second picture": lambda brand: replace(second(brand), flags=_HIDDEN),
}


def _profiled(file: File, *, wide: bool) -> File:
    made = box(b"colr", b"prof", profile(wide))
    return replace(file, items=(_with_property(file.items[0], made), *file.items[1:]))


_CHANGED: dict[str, Callable[[File], File]] = {
    "ICC profile": partial(_profiled, wide=False),
    "ICC profile (Display P3)": partial(_profiled, wide=True),
    "description": lambda f: replace(f, items=(_with_property(f.items[0], _DESCRIPTION), *f.items[1:])),
    "private property": lambda f: replace(
        f, items=(_with_property(f.items[0], box(b"uuid", _OWN_UUID, MARKER)), *f.items[1:])
    ),
    "name of the picture": lambda f: replace(f, items=(replace(f.items[0], name=MARKER), *f.items[1:])),
    "handler's name": lambda f: replace(f, handler=MARKER),
    "brands": lambda f: replace(f, brands=MARKER),
    "free box": lambda f: replace(f, before=box(b"free", MARKER)),
    "skip box": lambda f: replace(f, behind=box(b"skip", MARKER)),
    "free box in meta": lambda f: replace(f, in_meta=box(b"free", MARKER)),
    "user data": lambda f: replace(f, behind=box(b"udta", box(b"auth", bytes(6) + MARKER + b"\0"))),
    "private box": lambda f: replace(f, behind=box(b"uuid", _OWN_UUID, MARKER)),
    "unknown box": lambda f: replace(f, behind=box(b"zzzz", MARKER)),
    "data box in meta": lambda f: replace(f, in_meta=box(b"idat", MARKER)),
    "C2PA": lambda f: replace(f, before=box(b"uuid", _C2PA_UUID, bytes(4), b"manifest\0", bytes(8), c2pa())),
    "gap": lambda f: replace(f, gap=MARKER),
    "further data": lambda f: replace(f, behind=box(b"mdat", MARKER + second_jpeg())),
    "bytes after the end": lambda f: replace(f, behind=MARKER),
    "second picture after the end": lambda f: replace(f, behind=second_jpeg()),
    "motion photo (Google)": lambda f: replace(f, behind=box(b"mpvd", film())),
    "motion photo (bare film)": lambda f: replace(f, behind=film()),
}


def places(brand: bytes) -> dict[str, Builder]:
    def more(item: Callable[[bytes], Item]) -> Builder:
        return lambda pixels: write(File(brand, (encoded(brand, pixels), item(brand))))

    def changed(change: Callable[[File], File]) -> Builder:
        return lambda pixels: write(change(plain(brand, pixels)))

    return {
        **{name: more(lambda _, one=one: _exif(one)) for name, one in exif_blocks().items()},
        **{name: more(lambda _, packet=packet: _xmp(packet)) for name, packet in XMP.items()},
        **{name: more(item) for name, item in _MORE.items()},
        **{name: changed(change) for name, change in _CHANGED.items()},
        "further frames": lambda pixels: _sequence(brand, pixels),
    }
