"""What all fixtures share: the marker, the second picture, the old pictures, a film, a colour profile."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from imgguard.profiles import own_icc
from imgguard.types import Profile

# 24 bytes: eight pixels, eight palette entries, six brands. It also stands in pixels, so none of its bytes may be
# one that a codec treats in another way.
MARKER = b"PLANTED-Freya-Lindqvist!"
TEXT = MARKER.decode()

Pixels = np.ndarray
Builder = Callable[[Pixels], bytes]


def as_bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@cache
def second_picture() -> Image.Image:
    """Another picture than the published one; the marker stands in its pixels, eight of them a row."""
    noise = np.random.default_rng(99).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    noise[:8, :8] = np.frombuffer(MARKER * 8, np.uint8).reshape(8, 8, 3)
    return Image.fromarray(noise)


@cache
def second_jpeg() -> bytes:
    return as_bytes(second_picture(), "JPEG", quality=80)


@cache
def old_picture() -> Image.Image:
    """What was there before the edit: larger than any published fixture in every format."""
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (480, 640, 3), dtype=np.uint8))


@cache
def old_file(kind: str) -> bytes:
    return as_bytes(old_picture(), kind)


def fingerprint(encoded: bytes) -> bytes:
    """Bytes from the middle of a picture's compressed data, which nothing else holds."""
    return encoded[len(encoded) // 2 : len(encoded) // 2 + 32]


def box(name: bytes, *bodies: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    body = b"".join(bodies)
    return struct.pack(">I", 8 + len(body)) + name + body


def full_box(name: bytes, version: int, flags: int, *bodies: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *bodies)


@cache
def film() -> bytes:
    """The outline of an MP4: enough for a reader to call it one."""
    frames = np.random.default_rng(3).integers(0, 256, 600, dtype=np.uint8).tobytes()
    return (
        box(b"ftyp", b"mp42\0\0\0\0mp42isom")
        + box(b"moov", box(b"udta", box(b"auth", b"\0\0\0\0\x15\xc7" + MARKER + b"\0")))
        + box(b"mdat", frames + MARKER)
    )


@cache
def profile(wide: bool = False) -> bytes:
    """A profile (ICC.1:2022) of sRGB or Display P3 whose description, device and copyright name somebody."""
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = own_icc(Profile.DISPLAY_P3) or b"" if wide else plain
    count = struct.unpack(">I", plain[128:132])[0]
    rows = [struct.unpack(">4sII", plain[at : at + 12]) for at in range(132, 132 + 12 * count, 12)]
    tags = {name: plain[at : at + length] for name, at, length in rows}
    words = TEXT.encode("utf-16-be")
    localised = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(words), 28) + words
    tags |= dict.fromkeys((b"desc", b"dmnd", b"dmdd"), localised)
    tags[b"cprt"] = b"text\0\0\0\0" + MARKER + b"\0"
    at = 132 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        body += bytes(-len(body) % 4)
        table += struct.pack(">4sII", name, at + len(data), len(body))
        data += body
    return struct.pack(">I", at + len(data)) + plain[4:128] + table + data


def c2pa() -> bytes:
    """A content credential (JUMBF, ISO 19566-5) with a claim and a thumbnail of the original."""
    uuid = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
    described = box(b"jumd", uuid, b"\x03", b"c2pa\0")
    signer = box(b"json", b'{"signer":"' + MARKER + b'"}')
    return box(b"jumb", described, signer, box(b"bidb", second_jpeg()))
