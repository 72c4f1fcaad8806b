"""Look for what was planted, by other means than those that planted it: in bytes, streams and pixels."""

from __future__ import annotations

import base64
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np
from PIL import Image, ImageSequence

from imgguard.profiles import own_icc
from imgguard.types import Profile
from tests.planted import isobmff, jpeg, webp
from tests.planted.common import MARKER, TEXT, as_bytes, film, fingerprint, old_file, second_jpeg, second_picture
from tests.planted.png import TIME

_MOST = 8 * 1024 * 1024


@cache
def traces() -> dict[str, bytes]:
    """What to look for, by name."""
    kept = {f"the marker in base64, from byte {skip}": _base64(skip) for skip in range(3)}
    return {
        "the marker": MARKER,
        "the marker in UTF-16 BE": TEXT.encode("utf-16-be"),
        "the marker in UTF-16 LE": TEXT.encode("utf-16-le"),
        "the marker in hexadecimal": MARKER.hex().encode(),
        **kept,
        "the marker from the bottom upwards": MARKER[::-1],
        "a time": TIME,
        "the second picture (JPEG)": fingerprint(second_jpeg()),
        "the second picture (PNG)": fingerprint(as_bytes(second_picture(), "PNG")),
        "the second picture (WebP)": fingerprint(as_bytes(second_picture(), "WEBP", quality=80)),
        "the second picture (HEVC)": fingerprint(isobmff.second(b"heic").data),
        "the second picture (AV1)": fingerprint(isobmff.second(b"avif").data),
        "the film": fingerprint(film()),
        "the old picture (JPEG)": old_file("JPEG")[-64:-32],
        "the old picture (PNG)": old_file("PNG")[-64:-32],
    }


def _base64(skip: int) -> bytes:
    """The part of the marker's base64 that does not depend on its neighbours."""
    usable = MARKER[-skip % 3 :]
    return base64.b64encode(usable[: len(usable) // 3 * 3])


def find(content: bytes) -> set[str]:
    """Name the traces in a file: in its bytes, in whatever inflates, between its rows and chunks, in its pixels."""
    views = list(_views(content))
    found = {name for name, trace in traces().items() if any(trace in view for view in views)}
    found |= {"a padding byte"} if any(_paddings(content)) else set()
    found |= {"pixels beyond the edge"} if _beyond_the_edge(content) else set()
    return found | ({"further frames"} if sum(1 for _ in _frames(content)) > 1 else set())


def has_own_profile(content: bytes) -> bool:
    """Say whether a file holds a colour profile of the product's own, byte for byte."""
    own = [icc for icc in map(own_icc, Profile) if icc]
    return any(icc in view for view in (content, *_inflated(content), _sub_blocks(content)) for icc in own)


def _views(content: bytes) -> Iterator[bytes]:
    yield content
    yield from _inflated(content)
    yield _sub_blocks(content)
    yield _row_padding(content)
    yield from _pixels(content)


def _inflated(content: bytes) -> Iterator[bytes]:
    joined = _idat(content)
    for source in (content, joined):
        at = source.find(b"\x78")
        while at >= 0:
            if source[at + 1 : at + 2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
                unpack = zlib.decompressobj()
                try:
                    yield unpack.decompress(source[at:], _MOST)
                except zlib.error:
                    pass
                else:
                    yield unpack.unused_data
            at = source.find(b"\x78", at + 1)


def _idat(content: bytes) -> bytes:
    from tests.planted.png import SIGNATURE, chunks

    return b"".join(b for n, b in chunks(content) if n == b"IDAT") if content.startswith(SIGNATURE) else b""


def _sub_blocks(content: bytes) -> bytes:
    """A GIF's data without the lengths that stand between it, as far as every piece of 255 bytes goes."""
    return content.replace(b"\xff", b"") if content.startswith(b"GIF8") else b""


def _beyond_the_edge(content: bytes) -> bool:
    """Show a JPEG's last blocks to their ends, and look for the colour of what was cut away."""
    if not content.startswith(b"\xff\xd8"):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width, height = Image.open(io.BytesIO(content)).size
            whole = jpeg.resized(content, -(-height // 8) * 8, -(-width // 8) * 8)
            shown = np.asarray(Image.open(io.BytesIO(whole)).convert("RGB")).astype(int)
    except Exception:
        return False
    rim = np.concatenate([shown[height:].reshape(-1, 3), shown[:, width:].reshape(-1, 3)])
    return bool((np.abs(rim - jpeg.HIDDEN_COLOUR).max(axis=1) < 60).sum() > 20)


def _row_padding(content: bytes) -> bytes:
    """What fills up a BMP's rows, and its fourth bytes."""
    if not content.startswith(b"BM") or len(content) < 54:
        return b""
    start, _, width, height, _, bits = struct.unpack("<IIiiHH", content[10:30])
    stride = (width * bits + 31) // 32 * 4
    body = content[start : start + stride * abs(height)]
    if len(body) < stride * abs(height):
        return b""
    rows = np.frombuffer(body, np.uint8).reshape(-1, stride)
    return (rows[:, 3::4] if bits == 32 else rows[:, width * bits // 8 :]).tobytes()


def _paddings(content: bytes) -> bytes:
    """The bytes that make a WebP's chunks even."""
    if not content.startswith(b"RIFF"):
        return b""
    at, out = 12, b""
    for _, body in webp.chunks(content):
        at += 8 + len(body)
        if len(body) % 2:
            out += content[at : at + 1]
            at += 1
    return out


def _pixels(content: bytes) -> Iterator[bytes]:
    """Every frame's pixels, with and without transparency."""
    for frame in _frames(content):
        yield np.asarray(frame).tobytes()
        yield np.asarray(frame.convert("RGBA"))[..., :3].tobytes()


def _frames(content: bytes) -> Iterator[Image.Image]:
    import pillow_heif

    opened = pillow_heif.HeifImageFile if content[4:12] == b"ftypheic" else Image.open
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from ImageSequence.Iterator(opened(io.BytesIO(content)))
    except Exception:
        return
