"""BMP: what stands between and behind its rows."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from tests.planted.common import MARKER, Builder, Pixels, as_bytes, film, profile, second_picture

_SRGB, _EMBEDDED, _LINKED = 0x73524742, 0x4D424544, 0x4C494E4B


def rows(pixels: Pixels) -> tuple[bytes, int]:
    """24 bit rows from the bottom upwards, the marker spread over the bytes that fill them up to a multiple of four."""
    turned = np.ascontiguousarray(pixels[::-1, :, ::-1])
    fill = -turned.shape[1] * 3 % 4
    spread = (MARKER * (turned.shape[0] * fill // len(MARKER) + 1))[: turned.shape[0] * fill]
    padding = np.frombuffer(spread, np.uint8).reshape(turned.shape[0], fill)
    return np.hstack([turned.reshape(turned.shape[0], -1), padding]).tobytes(), fill


def whole(header: bytes, between: bytes, body: bytes, behind: bytes = b"") -> bytes:
    start = 14 + len(header) + len(between)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + between + body + behind


def header(pixels: Pixels, bits: int = 24, length: int = 40) -> bytes:
    height, width = pixels.shape[:2]
    return struct.pack("<IiiHHIIiiII", length, width, height, 1, bits, 0, 0, 2835, 2835, 0, 0)


def plain(pixels: Pixels) -> bytes:
    return as_bytes(Image.fromarray(pixels), "BMP")


def _gap(pixels: Pixels) -> bytes:
    return whole(header(pixels), MARKER, plain(pixels)[54:])


def _padding(pixels: Pixels) -> bytes:
    narrow = pixels[:, : pixels.shape[1] // 4 * 4 - 3]
    return whole(header(narrow), b"", rows(narrow)[0])


def _version_5(kind: int, body: bytes) -> Builder:
    def build(pixels: Pixels) -> bytes:
        picture = plain(pixels)[54:]
        more = bytes(16) + struct.pack("<I", kind) + bytes(48) + struct.pack("<4I", 4, 124 + len(picture), len(body), 0)
        return whole(header(pixels, length=124) + more, b"", picture + body)

    return build


def _fourth_byte(pixels: Pixels) -> bytes:
    """32 bits a pixel, of which a plain BMP uses 24."""
    four = np.zeros((*pixels.shape[:2], 4), np.uint8)
    four[..., :3] = pixels[::-1, :, ::-1]
    four[..., 3].flat[: len(MARKER)] = np.frombuffer(MARKER, np.uint8)
    return whole(header(pixels, 32), b"", four.tobytes())


def _palette(pixels: Pixels) -> bytes:
    content = bytearray(as_bytes(Image.fromarray(pixels).quantize(100), "BMP"))
    start = struct.unpack("<I", content[10:14])[0]
    content[start - len(MARKER) : start] = MARKER
    content[46:54] = bytes(8)
    return bytes(content)


PLACES: dict[str, Builder] = {
    "gap": _gap,
    "bytes after the end": lambda pixels: plain(pixels) + MARKER,
    "second picture after the end": lambda pixels: plain(pixels) + as_bytes(second_picture(), "PNG"),
    "motion photo (bare film)": lambda pixels: plain(pixels) + film(),
    "ICC profile": _version_5(_EMBEDDED, profile()),
    "ICC profile (Display P3)": _version_5(_EMBEDDED, profile(wide=True)),
    "linked ICC profile": _version_5(_LINKED, b"C:\\Users\\" + MARKER + b"\\screen.icc\0"),
    "padding of rows": _padding,
    "unused fourth byte": _fourth_byte,
    "unused palette entries": _palette,
}
