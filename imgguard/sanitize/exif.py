"""The one EXIF block that a published file may hold: which way is up, and a line of credit. Nothing else.

piexif writes it; `is_plain_exif` reads it with code of its own, byte by byte, so that a block that holds anything more
(a thumbnail, a place, an unused byte) is told from it. Layout: TIFF 6.0, section 2; tags: Exif 3.0, 4.6.5.
"""

from __future__ import annotations

import struct
import unicodedata

import piexif

from imgguard.errors import SetupError

# In characters; long enough for a name and a school, too short to hide a letter in.
LONGEST_CREDIT = 200

_ORIENTATION, _ARTIST, _COPYRIGHT = 0x0112, 0x013B, 0x8298
_CREDIT_TAGS = (_ARTIST, _COPYRIGHT)
# Which tags may stand in the directory, in the ascending order that TIFF asks for.
_ALLOWED_TAGS = ((_ORIENTATION,), _CREDIT_TAGS, (_ORIENTATION, *_CREDIT_TAGS))
_MOST_TAGS = 3
_ASCII, _SHORT = 2, 3
_ORIENTATIONS = range(1, 9)
_FIRST_IFD = 8
_ENTRY = 12
_EXIF_HEADER = b"Exif\0\0"
_MAGIC = {b"II*\0\x08\0\0\0": "<", b"MM\0*\0\0\0\x08": ">"}


def checked_credit(credit: str) -> str:
    r"""Give back a line of credit as it will be written: composed letters, plain blanks, none at its ends.

    Raises:
        SetupError: if it is empty, longer than `LONGEST_CREDIT` characters, or holds control or direction characters.

    >>> checked_credit(" Photo: A. Teacher, E\u0301cole Nord ")
    'Photo: A. Teacher, École Nord'
    """
    text = unicodedata.normalize("NFC", credit)
    text = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text).strip()
    if _is_credit(text):
        return text
    raise SetupError(
        f"{credit[:LONGEST_CREDIT]!r} cannot be written as a line of credit",
        f"Give one line of 1 to {LONGEST_CREDIT} printable characters, such as 'Photo: A. Teacher, North School'.",
    )


def exif_block(credit: str | None, orientation: int | None) -> bytes:
    r"""Make an EXIF block with a line of credit (as Artist and Copyright), an orientation, or both.

    EXIF calls these fields ASCII; letters beyond it are written as UTF-8, which is how exiftool and most others read
    them.

    Args:
        credit: The line; None for none.
        orientation: 1 to 8 (Exif 3.0, 4.6.5.1.6); None for none.

    Returns:
        A TIFF structure without the `Exif\0\0` in front that JPEG wants; no bytes where there is nothing to say.

    Raises:
        SetupError: if the credit cannot be written; see `checked_credit`.
        ValueError: if the orientation is none.
    """
    if orientation is not None and orientation not in _ORIENTATIONS:
        raise ValueError(f"orientation {orientation}")
    fields: dict[int, object] = {} if orientation is None else {_ORIENTATION: orientation}
    if credit is not None:
        fields.update(dict.fromkeys(_CREDIT_TAGS, checked_credit(credit).encode()))
    if not fields:
        return b""
    block: bytes = piexif.dump({"0th": fields})
    return block.removeprefix(_EXIF_HEADER)


def is_plain_exif(block: bytes) -> bool:
    """Say whether a TIFF structure holds what `exif_block` may write, and not one byte more.

    One directory without a successor; orientation, the same credit as Artist and Copyright, or all three; the texts
    one behind the other, nothing before, between or after them. Never raises.
    """
    return _fields(block) is not None


def read_credit(block: bytes) -> str | None:
    """Give the line of credit of a plain EXIF block; None where it has none or is not plain."""
    return str(credit) if (credit := (_fields(block) or {}).get(_COPYRIGHT)) else None


def _fields(block: bytes) -> dict[int, int | str] | None:
    """Read a plain block's fields by tag; None where anything is not as it has to be."""
    order = _MAGIC.get(block[:_FIRST_IFD])
    if order is None or len(block) < _FIRST_IFD + 2:
        return None
    (count,) = struct.unpack_from(order + "H", block, _FIRST_IFD)
    end = _FIRST_IFD + 2 + _ENTRY * count
    if count > _MOST_TAGS or block[end : end + 4] != bytes(4):
        return None
    found: dict[int, int | str] = {}
    at = end + 4
    for tag, kind, length, value in struct.iter_unpack(order + "HHI4s", block[_FIRST_IFD + 2 : end]):
        if tag == _ORIENTATION:
            field: int | str | None = _turn(order, kind, length, value)
        else:
            field, at = _text(block, order, at, kind, length, value)
        if field is None:
            return None
        found[tag] = field
    plain = tuple(found) in _ALLOWED_TAGS and len(found) == count and found.get(_ARTIST) == found.get(_COPYRIGHT)
    return found if plain and at == len(block) else None


def _turn(order: str, kind: int, length: int, value: bytes) -> int | None:
    turn, rest = struct.unpack(order + "HH", value)
    return int(turn) if (kind, length, rest) == (_SHORT, 1, 0) and turn in _ORIENTATIONS else None


def _text(block: bytes, order: str, at: int, kind: int, length: int, value: bytes) -> tuple[str | None, int]:
    """Read a text that has to begin at `at`, or inside its entry; give it with the place where the next begins."""
    if length <= len(value):
        raw, rest, end = value[:length], value[length:], at
    else:
        (offset,) = struct.unpack(order + "I", value)
        raw, rest, end = block[at : at + length], b"", at + length
        if offset != at or end > len(block):
            return None, at
    if kind != _ASCII or not raw.endswith(b"\0") or rest.strip(b"\0"):
        return None, at
    try:
        text = raw[:-1].decode()
    except UnicodeDecodeError:
        return None, at
    return (text if _is_credit(text) else None), end


def _is_credit(text: str) -> bool:
    """Say whether a text is a line of credit as `checked_credit` gives it back."""
    plain = text.isprintable() and text == text.strip() and text == unicodedata.normalize("NFC", text)
    return 0 < len(text) <= LONGEST_CREDIT and plain
