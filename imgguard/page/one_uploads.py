"""Take in a photo that a browser sends: never more than can be cleaned, and nothing on the way to a disk."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

from imgguard.errors import PhotoEmpty, PhotoTooLarge
from imgguard.page.texts import Text
from imgguard.photo import MAX_BYTES

_LONGEST = 100
_PLAIN = "photo"


def shown_name(given: str) -> str:
    r"""Make of an upload's name something to show: no folders, no invisible characters, not too long.

    It is shown and judged, and never used as a path.

    >>> shown_name("C:\\photos\\sports day.jpg")
    'sports day.jpg'
    >>> shown_name("../../etc/passwd")
    'passwd'
    >>> shown_name("..")
    'photo'
    """
    last = given.replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    plain = " ".join(seen.split()).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    if dot and len(ending) <= 5:
        return f"{stem[:_LONGEST]}.{ending}" if stem else _PLAIN
    return plain[:_LONGEST] or _PLAIN


async def read_upload(stream: AsyncIterator[bytes], length: str | None, label: Path, text: Text) -> bytes:
    """Read the body of a request, up to what the core reads of a file.

    Args:
        stream: The body.
        length: What the request says of its length.
        label: What messages call the photo by.
        text: Gives the sentences of the page's language.

    Raises:
        PhotoTooLarge: if it is more.
        PhotoEmpty: if it is nothing.
    """
    most = MAX_BYTES // 2**20
    too_large = PhotoTooLarge(text("one.too_many_bytes", name=label.name, most=most), text("one.smaller"))
    if length is not None and length.isdecimal() and int(length) > MAX_BYTES:
        raise too_large
    content = bytearray()
    async for part in stream:
        content += part
        if len(content) > MAX_BYTES:
            raise too_large
    if not content:
        raise PhotoEmpty(text("one.no_bytes", name=label.name), text("one.choose_another"))
    return bytes(content)
