"""Files drawn in code to make a reader crash, hang, run out of memory or publish what it should not.

The marker stands in those that might be taken for pictures.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np

from tests.planted import bmp, gif, isobmff, jpeg, png, tiff, webp
from tests.planted.common import MARKER, box, full_box
from tests.planted.ifd import ASCII, BYTE, HEADER, LONG, SHORT, Directory, long, short

Draw = Callable[[], bytes]
_MOST = 0xFFFFFFFF


def _small() -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.kron(rng.integers(40, 200, (6, 8, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))


def _whole() -> dict[str, bytes]:
    picture = _small()
    return {
        "jpeg": jpeg.plain(picture),
        "png": png.plain(picture),
        "webp": webp.plain(picture, lossless=False),
        "gif": gif.plain(picture),
        "tiff": tiff.plain(picture),
        "bmp": bmp.plain(picture),
        "heic": isobmff.write(isobmff.plain(b"heic", picture)),
        "avif": isobmff.write(isobmff.plain(b"avif", picture)),
    }


def _cut() -> Iterator[tuple[str, bytes]]:
    for kind, content in _whole().items():
        for share in (0.02, 0.1, 0.3, 0.5, 0.8, 0.99):
            yield f"{kind} cut off after {round(share * 100)} percent", content[: max(1, round(len(content) * share))]
        yield f"{kind} without its last byte", content[:-1]
        yield f"{kind} with nothing but zeros behind its head", content[:40] + bytes(len(content))
        yield f"{kind} with its first 64 bytes a thousand times", content[:64] * 1000


# JPEG


def _frame(content: bytes, height: int, width: int) -> bytes:
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def _jpeg(*segments: tuple[int, bytes]) -> bytes:
    return jpeg.holding(jpeg.plain(_small()), *segments)


def _exif(block: bytes) -> bytes:
    return _jpeg((0xE1, b"Exif\0\0" + block))


def _scans(side: int, scans: int) -> bytes:
    """A grey progressive picture in which every scan says of all blocks that there is nothing new."""
    runs = side * side // 64 // 16384 + 1
    header = struct.pack(">BHHB3B", 8, side, side, 1, 1, 0x11, 0)
    # One symbol: a run of 2^14 and more blocks without coefficients; fourteen zero bits say that there are no more.
    table = b"\x10" + bytes([1] + [0] * 15) + b"\xe0"
    dc_table = b"\x00" + bytes([1] + [0] * 15) + b"\0"
    bits = "".join("0" + "0" * 14 for _ in range(runs))
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    one = jpeg.segment(0xDA, b"\1\1\0\1\x3f\0") + data
    first = jpeg.segment(0xDA, b"\1\1\0\0\0\0") + bytes(side * side // 64 // 8 + 1)
    tables = jpeg.segment(0xDB, b"\0" + bytes([1] * 64)) + jpeg.segment(0xC4, dc_table) + jpeg.segment(0xC4, table)
    return b"\xff\xd8" + tables + jpeg.segment(0xC2, header) + first + one * scans + b"\xff\xd9"


_JPEG: dict[str, Draw] = {
    "jpeg of 65535 x 65535 pixels": lambda: _frame(jpeg.plain(_small()), 65535, 65535),
    "jpeg of 14000 x 14000 pixels": lambda: _frame(jpeg.plain(_small()), 14000, 14000),
    "jpeg of no height": lambda: _frame(jpeg.plain(_small()), 0, 64),
    "jpeg with a segment of length 0": lambda: jpeg.plain(_small())[:20] + b"\xff\xe1\0\0" + jpeg.plain(_small())[20:],
    "jpeg with a segment of length 1": lambda: jpeg.plain(_small())[:20] + b"\xff\xe1\0\1" + jpeg.plain(_small())[20:],
    "jpeg with 20000 segments": lambda: _jpeg(*[(0xE5, b"")] * 20000),
    "jpeg with a million fill bytes": lambda: jpeg.plain(_small())[:20] + b"\xff" * 10**6 + jpeg.plain(_small())[20:],
    "jpeg of a million beginnings": lambda: b"\xff\xd8" * 10**6,
    "jpeg in a jpeg's segment": lambda: _jpeg((0xE3, jpeg.plain(_small())), (0xFE, MARKER)),
    "jpeg with 10000 scans": lambda: _scans(4096, 10000),
    "jpeg whose table ends early": lambda: b"\xff\xd8\xff\xdb\0\x43\0" + bytes(10),
    "EXIF that leads to itself": lambda: _exif(HEADER + short(1) + _entry(0x8769, LONG, 1, 8) + long(8)),
    "EXIF that claims 4 GB": lambda: _exif(HEADER + short(1) + _entry(0x927C, BYTE, _MOST, 26) + long(0)),
    "EXIF that begins behind its end": lambda: _exif(HEADER[:4] + long(_MOST)),
    "EXIF of 65535 entries": lambda: _exif(HEADER + short(65535) + _entry(0x010E, ASCII, 4, 0) * 3000),
    "EXIF thumbnail of 4 GB": lambda: _exif(
        HEADER + short(0) + long(14) + short(2) + _entry(0x201, LONG, 1, 0) + _entry(0x202, LONG, 1, _MOST) + long(14)
    ),
    "ICC profile of 255 pieces": lambda: _jpeg(*[(0xE2, b"ICC_PROFILE\0\1\xff" + MARKER)] * 255),
}


def _entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


# PNG


def _png(width: int, height: int, *parts: png.Chunk, bits: int = 8, colour: int = 2) -> bytes:
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return png.join([head, *parts, (b"IEND", b"")])


def _zeros(megabytes: int) -> bytes:
    """A zlib stream (RFC 1950) of so many times 2^20 zeros: after a full flush every piece is packed alike."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = pack.compress(bytes(2**20)) + pack.flush(zlib.Z_FULL_FLUSH)
    adler = (megabytes * 2**20 % 65521) << 16 | 1
    return b"\x78\x01" + piece * megabytes + b"\3\0" + struct.pack(">I", adler)


def _chunk_of(length: int) -> bytes:
    content = png.plain(_small())
    return content[:33] + struct.pack(">I", length) + b"zzZz" + MARKER + content[33:]


_PNG: dict[str, Draw] = {
    "png of 2147483647 x 2147483647 pixels": lambda: _png(2**31 - 1, 2**31 - 1, (b"IDAT", _zeros(1))),
    "png of 0 x 0 pixels": lambda: _png(0, 0, (b"IDAT", _zeros(1))),
    "png bomb of 14000 x 14000 pixels": lambda: _png(14000, 14000, (b"IDAT", _zeros(562))),
    "png bomb of 14000 x 14000 pixels with 16 bits and transparency": lambda: _png(
        14000, 14000, (b"IDAT", _zeros(1496)), bits=16, colour=6
    ),
    "png with a gigabyte behind its rows": lambda: _png(64, 48, (b"IDAT", _zeros(1024))),
    "png with a profile of a gigabyte": lambda: png.holding(png.plain(_small()), (b"iCCP", b"x\0\0" + _zeros(1024))),
    "png with text of a gigabyte": lambda: png.holding(png.plain(_small()), (b"zTXt", b"x\0\0" + _zeros(1024))),
    "png with 100 texts of 60 MB": lambda: png.holding(png.plain(_small()), *[(b"zTXt", b"x\0\0" + _zeros(60))] * 100),
    "png with a chunk of 4 GB": lambda: _chunk_of(_MOST),
    "png with a chunk of 2 GB": lambda: _chunk_of(2**31 - 1),
    "png with 50000 empty picture chunks": lambda: png.holding(png.plain(_small()), *[(b"IDAT", b"")] * 50000),
    "png without a header": lambda: png.join([(b"IDAT", _zeros(1)), (b"IEND", b"")]),
    "png with two headers": lambda: png.holding(png.plain(_small()), next(png.chunks(png.plain(_small())))),
    "png that claims 4294967295 frames": lambda: png.holding(png.plain(_small()), (b"acTL", b"\xff" * 8)),
    "png that claims one frame": lambda: png.holding(png.plain(_small()), (b"acTL", struct.pack(">II", 1, 0))),
    "png with a wrong sum": lambda: png.plain(_small())[:-20] + b"\0\1\2\3" + png.plain(_small())[-16:],
}

# WebP


def _riff(*parts: bytes, length: int | None = None) -> bytes:
    content = webp.riff(*parts)
    return content if length is None else content[:4] + struct.pack("<I", length) + content[8:]


def _webp() -> bytes:
    return webp.plain(_small(), lossless=False)[12:]


_WEBP: dict[str, Draw] = {
    "webp with a chunk of 4 GB": lambda: _riff(b"zzzz" + struct.pack("<I", _MOST) + MARKER, _webp()),
    "webp of length 0": lambda: _riff(_webp(), length=0),
    "webp of 4 GB": lambda: _riff(_webp(), length=_MOST),
    "webp on a canvas of 16777216 x 16777216": lambda: _riff(webp.chunk(b"VP8X", bytes(4) + b"\xff" * 6), _webp()),
    "webp of 16383 x 16383 pixels": lambda: _riff(
        webp.chunk(b"VP8L", b"\x2f" + struct.pack("<I", 0x3FFF | 0x3FFF << 14) + bytes(64))
    ),
    "webp with 50000 empty chunks": lambda: _riff(_webp(), *[webp.chunk(b"zzzz", b"")] * 50000),
    "webp of nothing but a list of extensions": lambda: _riff(webp.chunk(b"VP8X", bytes(10))),
    "webp in a webp": lambda: _riff(_riff(_riff(_webp()))),
}

# GIF


def _screen(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(6)


_DOT = b"," + struct.pack("<4H", 0, 0, 1, 1) + b"\0\2\2\x44\x01\0"
_GIF: dict[str, Draw] = {
    "gif of 65535 x 65535 pixels": lambda: _screen(65535, 65535) + _DOT + b";",
    "gif of 14000 x 14000 pixels": lambda: _screen(14000, 14000) + _DOT + b";",
    "gif of 20000 frames": lambda: _screen(64, 48) + _DOT * 20000 + b";",
    "gif of 200 frames of 14000 x 14000": lambda: _screen(14000, 14000) + _DOT * 200 + b";",
    "gif without an end": lambda: _screen(64, 48) + _DOT[:-1] + (b"\xff" + bytes(255)) * 4000,
    "gif with a comment that never ends": lambda: _screen(64, 48) + b"!\xfe" + (b"\xff" + bytes(255)) * 4000,
    "gif with codes of 255 bits": lambda: _screen(64, 48) + _DOT[:10] + b"\xff" + _DOT[11:] + b";",
    "gif of nothing": lambda: _screen(0, 0) + b";",
}

# TIFF


def _changed(changes: dict[int, tuple[int, bytes]], picture: np.ndarray | None = None) -> bytes:
    entries = {entry[0]: entry for entry in tiff.page(_small() if picture is None else picture)}
    entries |= {tag: (tag, *change) for tag, change in changes.items()}
    return tiff.block(list(entries.values()))


def _deep(levels: int) -> Directory:
    # A chain of directories one within the other, as offsets from the block's beginning.
    directory: list[object] = [(0x0100, LONG, long(1))]
    for _ in range(levels):
        directory = [(0x014A, LONG, [directory])]
    return directory  # type: ignore[return-value]


def _chain(length: int) -> bytes:
    each = 2 + 12 + 4
    links = (short(1) + _entry(0x0100, LONG, 1, 1) + long(8 + each * (at + 1)) for at in range(length))
    return HEADER + b"".join(links)


def _big(size: int) -> bytes:
    return _changed({0x0100: (LONG, long(size)), 0x0101: (LONG, long(size)), 0x0116: (LONG, long(size))})


_TIFF: dict[str, Draw] = {
    "tiff that leads to itself": lambda: HEADER + short(1) + _entry(0x0100, LONG, 1, 1) + long(8),
    "tiff of two directories in a circle": lambda: (
        HEADER + (short(1) + _entry(0x0100, LONG, 1, 1) + long(26)) + (short(1) + _entry(0x014A, LONG, 1, 8) + long(8))
    ),
    "tiff of 50000 directories": lambda: _chain(50000),
    "tiff of 200 directories in each other": lambda: tiff.block(_deep(200)),
    "tiff that claims 4 GB": lambda: HEADER + short(1) + _entry(0x010E, ASCII, _MOST, 26) + long(0),
    "tiff of 4294967295 x 4294967295 pixels": lambda: _big(_MOST),
    "tiff of 14000 x 14000 pixels": lambda: _big(14000),
    "tiff that begins behind its end": lambda: HEADER[:4] + long(_MOST),
    "tiff with its rows behind its end": lambda: _changed({0x0111: (LONG, long(_MOST))}),
    "tiff with rows of 4 GB": lambda: _changed({0x0117: (LONG, long(_MOST))}),
    "tiff bomb": lambda: _changed(
        {0x0103: (SHORT, short(8)), 0x0111: (LONG, tiff.Elsewhere(_zeros(512))), 0x0117: (LONG, long(len(_zeros(512))))}
    ),
    "tiff with 65535 samples": lambda: _changed({0x0115: (SHORT, short(65535))}),
    "tiff with 64 bits a sample": lambda: _changed({0x0102: (SHORT, short(64, 64, 64))}),
    "tiff of 65535 entries": lambda: HEADER + short(65535) + _entry(0x010E, ASCII, 4, 0) * 70000,
    "tiff in 64 bits": lambda: b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63),
}

# BMP


def _header(width: int, height: int, bits: int = 24, compression: int = 0, length: int = 40, start: int = 54) -> bytes:
    info = struct.pack("<IiiHHIIiiII", length, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, start) + info


_BMP: dict[str, Draw] = {
    "bmp of 2147483647 x 2147483647 pixels": lambda: _header(2**31 - 1, 2**31 - 1) + bytes(100),
    "bmp of -1 x -2147483648 pixels": lambda: _header(-1, -(2**31)) + bytes(100),
    "bmp of 14000 x 14000 pixels, in runs": lambda: _header(14000, 14000, 8, 1) + bytes(1024) + b"\xff\0" * 1000,
    "bmp of no width, with a palette": lambda: _header(0, 48, 8, start=1078) + bytes(range(256)) * 4 + bytes(100),
    "bmp with a header of 4 GB": lambda: _header(8, 8, length=_MOST) + bytes(400),
    "bmp with its rows behind its end": lambda: _header(8, 8, start=_MOST) + bytes(400),
    "bmp with its rows in its header": lambda: _header(8, 8, start=2) + bytes(400),
    "bmp of 65535 bits a pixel": lambda: _header(8, 8, bits=65535) + bytes(400),
    "bmp with runs that jump": lambda: _header(64, 48, 8, 1) + bytes(1024) + b"\0\2\xff\xff" * 5000 + b"\0\1",
}

# HEIC and AVIF


def _boxes(*made: bytes) -> bytes:
    return box(b"ftyp", b"heic", bytes(4), b"heicmif1") + b"".join(made)


def _nested(levels: int) -> bytes:
    inner = MARKER
    for _ in range(levels):
        inner = full_box(b"meta", 0, 0, inner)
    return inner


def _derived(kind: bytes, data: bytes, to: int) -> bytes:
    file = isobmff.plain(b"heic", _small())
    first = isobmff.Item(kind, data, file.items[0].properties[-2:], (b"dimg", to))
    return isobmff.write(isobmff.replace(file, items=(first, *file.items)))


def _sized(size: int) -> bytes:
    content = isobmff.write(isobmff.plain(b"heic", _small()))
    at = content.index(b"ispe") + 8
    return content[:at] + struct.pack(">II", size, size) + content[at + 8 :]


_ISOBMFF: dict[str, Draw] = {
    "heic with a box of 2^63 bytes": lambda: _boxes(struct.pack(">I4sQ", 1, b"mdat", 2**63), MARKER),
    "heic with a box of length 0 in another": lambda: _boxes(full_box(b"meta", 0, 0, b"\0\0\0\0iinf" + MARKER)),
    "heic with a box of 7 bytes": lambda: _boxes(struct.pack(">I4s", 7, b"meta") + MARKER),
    "heic with a long box of 3 bytes": lambda: _boxes(struct.pack(">I4sQ", 1, b"meta", 3) + MARKER),
    "heic of 3000 boxes in each other": lambda: _boxes(_nested(3000)),
    "heic of 100000 boxes": lambda: _boxes(box(b"free") * 100000),
    "heic that claims 65535 items": lambda: _boxes(
        full_box(b"meta", 0, 0, full_box(b"iinf", 0, 0, b"\xff\xff"), full_box(b"iloc", 0, 0, b"\x88\x88\xff\xff"))
    ),
    "heic that claims 4294967295 properties": lambda: _boxes(
        full_box(b"meta", 0, 0, box(b"iprp", box(b"ipco"), full_box(b"ipma", 0, 1, b"\xff" * 8)))
    ),
    "heic that is made of itself": lambda: _derived(b"iden", b"", 1),
    "heic that is a grid of itself": lambda: _derived(b"grid", b"\0\1\xff\xff\xff\xff" + b"\xff" * 4, 1),
    "heic that is a grid of 65536 tiles": lambda: _derived(b"grid", b"\0\0\xff\xff\x7f\xff\x7f\xff", 2),
    "heic of 2147483647 x 2147483647 pixels": lambda: _sized(2**31 - 1),
    "heic of 14000 x 14000 pixels": lambda: _sized(14000),
    "heic of nothing but a head": _boxes,
}
_FOREIGN: dict[str, Draw] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"\xff",
    "a megabyte of zeros": lambda: bytes(2**20),
    "a megabyte of noise": lambda: np.random.default_rng(0).integers(0, 256, 2**20, dtype=np.uint8).tobytes(),
    "a web page": lambda: b"<!DOCTYPE html><svg onload='x'/>",
    "a vector picture": lambda: b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "PostScript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n/x {x} def x\n",
}


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Names and contents, one after the other: together they are large."""
    yield from _cut()
    for table in (_JPEG, _PNG, _WEBP, _GIF, _TIFF, _BMP, _ISOBMFF, _FOREIGN):
        for name, draw in table.items():
            yield name, draw()
