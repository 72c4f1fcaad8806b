"""WebP (RFC 9649), lossy and lossless."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import Image

from tests.planted.common import MARKER, Builder, Pixels, as_bytes, c2pa, film, profile, second_picture
from tests.planted.ifd import exif_blocks
from tests.planted.packets import XMP
from tests.planted.png import hidden_pixels

_ICC, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
Chunk = tuple[bytes, bytes]


def chunks(content: bytes) -> Iterator[Chunk]:
    at = 12
    while at + 8 <= len(content):
        length = struct.unpack("<I", content[at + 4 : at + 8])[0]
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def chunk(name: bytes, body: bytes, pad: bytes = b"\0") -> bytes:
    return name + struct.pack("<I", len(body)) + body + pad * (len(body) % 2)


def riff(*parts: bytes) -> bytes:
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def plain(pixels: Pixels, lossless: bool) -> bytes:
    return as_bytes(Image.fromarray(pixels), "WEBP", lossless=lossless, quality=60 if lossless else 90)


def _picture(pixels: Pixels, lossless: bool) -> Chunk:
    return next(chunks(plain(pixels, lossless)))


def _extended(pixels: Pixels, lossless: bool, flags: int, before: tuple[Chunk, ...], after: tuple[Chunk, ...]) -> bytes:
    height, width = pixels.shape[:2]
    head = (b"VP8X", struct.pack("<I", flags) + _less_one(width, height))
    return riff(*(chunk(*part) for part in (head, *before, _picture(pixels, lossless), *after)))


def _pad_byte(pixels: Pixels, lossless: bool) -> bytes:
    """Put something into the byte that makes a chunk's length even."""
    name, body = _picture(pixels, lossless)
    return riff(chunk(name, body + bytes(1 - len(body) % 2), pad=MARKER[:1]))


def _in_chunk(pixels: Pixels, lossless: bool) -> bytes:
    name, body = _picture(pixels, lossless)
    return riff(chunk(name, body + MARKER))


def _animated(pixels: Pixels, lossless: bool) -> bytes:
    height, width = pixels.shape[:2]
    head = chunk(b"VP8X", struct.pack("<I", _ANIMATION) + _less_one(width, height)) + chunk(b"ANIM", bytes(6))
    return riff(head, _frame(width, height, _picture(pixels, lossless)), _frame(64, 48, _second()))


def _less_one(*lengths: int) -> bytes:
    return b"".join((length - 1).to_bytes(3, "little") for length in lengths)


def _frame(width: int, height: int, picture: Chunk) -> bytes:
    return chunk(b"ANMF", bytes(6) + _less_one(width, height) + bytes([100, 0, 0, 2]) + chunk(*picture))


def _second() -> Chunk:
    return next(chunks(as_bytes(second_picture(), "WEBP", quality=80)))


def _one_frame(pixels: Pixels, lossless: bool) -> bytes:
    """A still picture that carries a second one as a frame."""
    return _extended(pixels, lossless, 0, (), ((b"ANMF", _frame(64, 48, _second())[8:]),))


def _transparent(pixels: Pixels, lossless: bool) -> bytes:
    return as_bytes(hidden_pixels(pixels), "WEBP", lossless=lossless, exact=True, quality=60 if lossless else 90)


def places(lossless: bool) -> dict[str, Builder]:
    def extra(flags: int, *after: Chunk, before: tuple[Chunk, ...] = ()) -> Builder:
        return lambda pixels: _extended(pixels, lossless, flags, before, after)

    def made(build: object) -> Builder:
        return lambda pixels: build(pixels, lossless)  # type: ignore[operator, no-any-return]

    found = {
        **{name: extra(_EXIF, (b"EXIF", one)) for name, one in exif_blocks().items()},
        **{name: extra(_XMP, (b"XMP ", packet)) for name, packet in XMP.items()},
        "ICC profile": extra(_ICC, before=((b"ICCP", profile()),)),
        "ICC profile (Display P3)": extra(_ICC, before=((b"ICCP", profile(wide=True)),)),
        "C2PA": extra(0, (b"C2PA", c2pa())),
        "unknown chunk": extra(0, (b"zzzz", MARKER)),
        "unknown chunk without a list of extensions": lambda pixels: riff(
            chunk(*_picture(pixels, lossless)), chunk(b"zzzz", MARKER)
        ),
        "second picture as a chunk": extra(0, _second()),
        "second picture as a frame": made(_one_frame),
        "further frames": made(_animated),
        "bytes after the end": lambda pixels: plain(pixels, lossless) + MARKER,
        "second picture after the end": lambda pixels: (
            plain(pixels, lossless) + as_bytes(second_picture(), "WEBP", quality=80)
        ),
        "motion photo (bare film)": lambda pixels: plain(pixels, lossless) + film(),
        "bytes behind the picture data": made(_in_chunk),
        "padding byte": made(_pad_byte),
    }
    # A lossy picture does not keep what its transparent pixels were, to the bit.
    return {**found, "colours under transparent pixels": made(_transparent)} if lossless else found
