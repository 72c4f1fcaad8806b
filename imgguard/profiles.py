"""The colour spaces that a published picture may have, as profiles of the tool's own making.

A profile is recognised by what it does to colours, whatever it says of itself, and written anew from its primaries and
its curve: nothing of the source's profile, which can name the owner of a monitor, is copied. sRGB needs none.
"""

from __future__ import annotations

import struct
from functools import cache

from imgguard.types import Profile

# ICC.1:2022: primaries as the specifications of the spaces give them, adapted to D50 by Bradford.
_PRIMARIES = {
    # SMPTE EG 432-1, with white D65.
    Profile.DISPLAY_P3: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    # Adobe RGB (1998), 4.3.1.
    Profile.ADOBE_RGB: ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
}
_D50 = (0.9642, 1.0, 0.8249)
# From D65 to D50 by Bradford (ICC.1:2022, annex E).
_ADAPTATION = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
# IEC 61966-2-1, as a parametric curve of type 3; Adobe RGB (1998), 4.3.4.2, as a gamma.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_ADOBE_GAMMA = (2.19921875,)
_NAMES = {Profile.DISPLAY_P3: "Display P3", Profile.ADOBE_RGB: "Adobe RGB compatible"}


@cache
def own_icc(profile: Profile) -> bytes | None:
    """Give the tool's own ICC profile of a colour space; always the same bytes. None for sRGB, which needs none."""
    if profile is Profile.SRGB:
        return None
    curve = _parametric(_SRGB_CURVE, 3) if profile is Profile.DISPLAY_P3 else _parametric(_ADOBE_GAMMA, 0)
    red, green, blue = map(_xyz, _PRIMARIES[profile])
    elements = [
        (b"desc", _text(_NAMES[profile])),
        (b"cprt", _text("No copyright, use freely")),
        (b"wtpt", _xyz(_D50)),
        (b"chad", b"sf32\0\0\0\0" + b"".join(map(_fixed, _ADAPTATION))),
        (b"rXYZ", red),
        (b"gXYZ", green),
        (b"bXYZ", blue),
        *((name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    return _assembled(elements)


def is_own_icc(content: bytes) -> bool:
    """Say whether a colour profile is, byte for byte, one of the tool's own."""
    return any(content == own_icc(profile) for profile in Profile)


def _assembled(elements: list[tuple[bytes, bytes]]) -> bytes:
    at = 128 + 4 + 12 * len(elements)
    table, body, places = struct.pack(">I", len(elements)), b"", dict[bytes, int]()
    for name, element in elements:
        if element not in places:
            places[element] = at + len(body)
            body += element + bytes(-len(element) % 4)
        table += name + struct.pack(">II", places[element], len(element))
    # ICC.1:2022, 7.2: version 4.3, a display's profile, made on the first day of 2000 for everybody.
    header = struct.pack(">I4sI4s4s4s", at + len(body), b"", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + b"".join(map(_fixed, _D50))
    return header.ljust(128, b"\0") + table + body


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _parametric(values: tuple[float, ...], kind: int) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + b"".join(map(_fixed, values))


def _text(words: str) -> bytes:
    encoded = words.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded
