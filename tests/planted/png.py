"""PNG (W3C, Third Edition): its chunks, and what stands in and behind its compressed stream."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.planted.common import MARKER, TEXT, Builder, Pixels, as_bytes, c2pa, old_file, profile, second_picture
from tests.planted.ifd import exif_blocks
from tests.planted.packets import XMP, iptc

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TIME = b"tIME" + struct.pack(">H5B", 2031, 6, 17, 10, 30, 59)
Chunk = tuple[bytes, bytes]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def chunks(content: bytes) -> Iterator[Chunk]:
    at = len(SIGNATURE)
    while at + 12 <= len(content):
        length = struct.unpack(">I", content[at : at + 4])[0]
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += 12 + length


def join(parts: list[Chunk]) -> bytes:
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


def plain(pixels: Pixels) -> bytes:
    return as_bytes(Image.fromarray(pixels), "PNG", compress_level=1)


def holding(content: bytes, *extra: Chunk, before: bytes = b"IDAT") -> bytes:
    """Put chunks before the first of a name."""
    parts = list(chunks(content))
    at = next(number for number, (name, _) in enumerate(parts) if name == before)
    return join([*parts[:at], *extra, *parts[at:]])


def _chunks(*extra: Chunk, before: bytes = b"IDAT") -> Builder:
    return lambda pixels: holding(plain(pixels), *extra, before=before)


def _stream(content: bytes) -> bytes:
    return b"".join(body for name, body in chunks(content) if name == b"IDAT")


def _in_stream(change: bool, apart: bool = False) -> Builder:
    """Put the marker behind the compressed stream (in its chunk or one of its own), or behind its rows inside it."""

    def build(pixels: Pixels) -> bytes:
        content = plain(pixels)
        head, *_ = chunks(content)
        stream = _stream(content)
        stream = zlib.compress(zlib.decompress(stream) + MARKER) if change else stream + MARKER * (not apart)
        return join([head, (b"IDAT", stream), *([(b"IDAT", MARKER)] if apart else []), (b"IEND", b"")])

    return build


def _animated(pixels: Pixels) -> bytes:
    frame = second_picture().resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.NEAREST)
    frame.paste(second_picture())
    return as_bytes(Image.fromarray(pixels), "PNG", save_all=True, append_images=[frame])


def hidden_pixels(pixels: Pixels) -> Image.Image:
    """A picture that is transparent where the marker stands in its colours."""
    with_alpha = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    with_alpha[8, 8:16, :3] = np.frombuffer(MARKER, np.uint8).reshape(8, 3)
    with_alpha[4:20, 4:40, 3] = 0
    return Image.fromarray(with_alpha)


def _palette(pixels: Pixels) -> bytes:
    content = as_bytes(Image.fromarray(pixels).quantize(100), "PNG")
    return join([(name, body + MARKER if name == b"PLTE" else body) for name, body in chunks(content)])


def _rewritten(pixels: Pixels) -> bytes:
    new = plain(pixels)
    return new + old_file("PNG")[len(new) :]


def _end_with_data(pixels: Pixels) -> bytes:
    return join([(name, MARKER if name == b"IEND" else body) for name, body in chunks(plain(pixels))])


def _raw_profile(kind: bytes, body: bytes) -> Chunk:
    """How ImageMagick keeps a profile: in hexadecimal digits."""
    digits = b"\n%s\n%8d\n%s\n" % (kind, len(body), body.hex().encode())
    return b"zTXt", b"Raw profile type " + kind + b"\0\0" + zlib.compress(digits)


def _text(body: bytes) -> Chunk:
    return b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + body


_SUGGESTED = (b"PLTE", bytes(range(36)) + MARKER[:24])
_CHUNKS: dict[str, tuple[Chunk, ...]] = {
    "tEXt": ((b"tEXt", b"Author\0" + MARKER),),
    "tEXt keyword": ((b"tEXt", MARKER + b"\0"),),
    "zTXt": ((b"zTXt", b"Comment\0\0" + zlib.compress(MARKER)),),
    "iTXt": ((b"iTXt", b"Title\0\0\0en\0\0" + MARKER),),
    "iTXt compressed": ((b"iTXt", b"Title\0\1\0en\0\0" + zlib.compress(MARKER)),),
    "tIME": ((TIME[:4], TIME[4:]),),
    "raw profile EXIF": (_raw_profile(b"exif", b"Exif\0\0" + exif_blocks()["EXIF IFD0"]),),
    "raw profile IPTC": (_raw_profile(b"iptc", iptc()),),
    "ICC profile": ((b"iCCP", b"ICC profile\0\0" + zlib.compress(profile())),),
    "ICC profile (Display P3)": ((b"iCCP", b"ICC profile\0\0" + zlib.compress(profile(wide=True))),),
    "ICC profile name": ((b"iCCP", MARKER + b"\0\0" + zlib.compress(profile())),),
    "C2PA": ((b"caBX", c2pa()),),
    "private chunk": ((b"prVt", MARKER),),
    "unknown ancillary chunk": ((b"zzZz", MARKER),),
    "sPLT": ((b"sPLT", MARKER + b"\0\x08" + bytes(6)),),
    "suggested palette": (_SUGGESTED,),
    "hIST": ((b"PLTE", bytes(36)), (b"hIST", MARKER)),
    "pCAL": ((b"pCAL", MARKER + b"\0" + bytes(8) + b"\0\0m\0" + b"1"),),
    "gIFx": ((b"gIFx", b"APPLICAT1.0" + MARKER),),
    "dSIG": ((b"dSIG", MARKER),),
    **{name: (_text(packet),) for name, packet in XMP.items()},
    **{name: ((b"eXIf", one),) for name, one in exif_blocks().items()},
}
PLACES: dict[str, Builder] = {
    **{name: _chunks(*extra) for name, extra in _CHUNKS.items()},
    "text after the picture": _chunks((b"tEXt", b"Author\0" + TEXT.encode()), before=b"IEND"),
    "bytes after the end": lambda pixels: plain(pixels) + MARKER,
    "second picture after the end": lambda pixels: plain(pixels) + as_bytes(second_picture(), "PNG"),
    "rest of an older file": _rewritten,
    "data in IEND": _end_with_data,
    "bytes behind the compressed stream": _in_stream(change=False),
    "further IDAT behind the compressed stream": _in_stream(change=False, apart=True),
    "bytes behind the rows": _in_stream(change=True),
    "further frames": _animated,
    "colours under transparent pixels": lambda pixels: as_bytes(hidden_pixels(pixels), "PNG"),
    "unused palette entries": _palette,
}
