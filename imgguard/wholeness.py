"""Tell whether a file that lies still holds its picture to the end, without decoding it.

Programs that copy make a file first and fill it afterwards, some at its full size: such a file ends in zeros. What is
taken for whole here may still be refused when it is decoded; what is not whole is not even tried.
"""

from __future__ import annotations

import re
from pathlib import Path

from imgguard.errors import PhotoError
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.isoboxes import boxes
from imgguard.photo import read_content
from imgguard.sanitize.jpeg import segments
from imgguard.tiffdirs import byte_order, numbers, pages
from imgguard.types import Format

_TAIL = 4096
_JPEG_END, _PNG_END, _GIF_END = b"\xff\xd9", b"IEND\xaeB`\x82", b";"
_END_OF_IMAGE = re.compile(rb"\xff+\xd9")
_PNG_CHUNKS_AT = 8
# TIFF 6.0: offsets and lengths of strips and of tiles.
_PIECES = ((273, 279), (324, 325))
_MOST_PIECES = 1_000_000


def is_whole(path: Path) -> bool:
    """Say whether a picture is there to its end; True as well for what is no picture that can be cleaned.

    Args:
        path: The file. One that cannot be read counts as whole: whoever cleans it says why it cannot.
    """
    try:
        if not path.is_file():
            # Nobody may ever write to a pipe.
            return True
        with path.open("rb") as stream:
            container = sniff_format(stream.read(HEAD_BYTES), path)
            stream.seek(max(0, stream.seek(0, 2) - _TAIL))
            if _ends(container, stream.read(_TAIL)):
                return True
        return holds_all(read_content(path), container)
    except PhotoError as error:
        # A file of no bytes is about to be filled.
        return error.kind != "photo_empty"
    except OSError:
        return True


def _ends(container: Format, tail: bytes) -> bool:
    """See at once that a file ends as nearly all of its kind do."""
    if container is Format.JPEG:
        return tail.endswith(_JPEG_END)
    return container is Format.PNG and tail.endswith(_PNG_END)


def holds_all(content: bytes, container: Format) -> bool:
    """Say whether these bytes hold a picture to its end, as far as the structure of the container tells."""
    if container is Format.JPEG:
        return _jpeg(content)
    if container is Format.PNG:
        return _png(content)
    if container is Format.GIF:
        return content.rstrip(b"\0").endswith(_GIF_END)
    # These have no mark at their end: what was made at its full size and is not filled yet ends in zeros.
    if not content[-_TAIL:].strip(b"\0"):
        return False
    if container is Format.TIFF:
        return _tiff(content)
    if container in (Format.HEIF, Format.AVIF):
        return _boxes_end(content) == len(content)
    claimed = content[4:8] if container is Format.WEBP else content[2:6]
    return int.from_bytes(claimed, "little") + (8 if container is Format.WEBP else 0) <= len(content)


def _jpeg(content: bytes) -> bool:
    end = max((end for _, _, end in segments(content)), default=len(content))
    # A marker may be filled up in front (ITU-T T.81, B.1.1.2).
    return bool(_END_OF_IMAGE.match(content, end))


def _png(content: bytes) -> bool:
    at = _PNG_CHUNKS_AT
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] == b"IEND":
            return end <= len(content)
        at = end
    return False


def _boxes_end(content: bytes) -> int:
    return max((box.end for box in boxes(content, 0, len(content))), default=0)


def _tiff(content: bytes) -> bool:
    order, found = byte_order(content), pages(content)
    if order is None or not found:
        return False
    for page in found:
        if page.end > len(content) or any(one.at + one.length > len(content) for one in page.entries):
            return False
        for offsets, lengths in _PIECES:
            begins, sizes = (numbers(content, order, page.find(tag), _MOST_PIECES) for tag in (offsets, lengths))
            if any(at + size > len(content) for at, size in zip(begins or (), sizes or (), strict=False)):
                return False
    return True
