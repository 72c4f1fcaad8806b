"""Write JPEGs (ITU-T T.81, JFIF): with the source's own coefficients where that can be, else compressed anew."""

from __future__ import annotations

import io
import re
import struct
from functools import cache
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from imgguard.sanitize.attached import NOTHING, Attached
from imgguard.types import Encoding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imgguard.types import Pixels

# Below 75 a second compression shows; above 95 a file only grows.
_QUALITY_RANGE = (75, 95)
_DEFAULT_QUALITY = 92
_SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
_DEFAULT_SUBSAMPLING = "4:2:0"
_FULL_CHROMA = "4:4:4"
_PLAIN_JFIF = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
SOS, APP14 = 0xDA, 0xEE
_COM, _APP0, _APP1, _APP2 = 0xFE, 0xE0, 0xE1, 0xE2
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def encode(pixels: Pixels, encoding: Encoding, attached: Attached = NOTHING, quality: int | None = None) -> bytes:
    """Compress anew, as a baseline JPEG at the source's own subsampling.

    Args:
        pixels: (H, W, 3) uint8.
        encoding: How the source was compressed.
        attached: What to say besides the picture.
        quality: IJG quality; None for the source's own, but 75 to 95.
    """
    if quality is None:
        least, most = _QUALITY_RANGE
        quality = min(max(encoding.quality or _DEFAULT_QUALITY, least), most)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=encoding.subsampling or _DEFAULT_SUBSAMPLING)
    return assembled(out.getvalue(), attached)


def assembled(content: bytes, attached: Attached) -> bytes:
    """Put a picture's segments behind a header of one's own; comments and application data are left behind.

    Args:
        content: A JPEG that a library has just written.
        attached: What to say besides the picture.
    """
    told = [_segment(_APP0, _PLAIN_JFIF)]
    if attached.exif:
        told.append(_segment(_APP1, b"Exif\0\0" + attached.exif))
    if attached.icc:
        told.append(_segment(_APP2, b"ICC_PROFILE\0\1\1" + attached.icc))
    picture = [content[begin:end] for marker, begin, end in segments(content) if not _is_told(marker)]
    return b"".join([_SOI, *told, *picture, _EOI])


def only_picture(content: bytes) -> bytes:
    """Give a JPEG without anything that a decoder of pixels does not need."""
    needed = [content[begin:end] for marker, begin, end in segments(content) if not _is_told(marker) or marker == APP14]
    return b"".join([_SOI, *needed, _EOI])


def _is_told(marker: int) -> bool:
    return _APP0 <= marker <= _APP0 + 15 or marker == _COM


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, begin and end of each segment up to the end of the picture; a scan takes its data along.

    Stops where the structure ends; never raises.
    """
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == 0xD9 or end > len(content):
            return
        if marker == SOS:
            found = _NEXT_MARKER.search(content, end)
            end = found.start() if found else len(content)
        yield marker, at, end
        at = end


def estimate_quality(tables: Mapping[int, Sequence[int]]) -> int | None:
    """Find the IJG quality whose luminance table is nearest to a file's own.

    Args:
        tables: Quantisation tables as Pillow gives them, by number.
    """
    if 0 not in tables:
        return None
    target = sum(tables[0])
    return min(range(1, 101), key=lambda quality: abs(_table_sum(quality) - target))


@cache
def _table_sum(quality: int) -> int:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG", quality=quality)
    image: Any = Image.open(out)
    return sum(image.quantization[0])


def read_subsampling(image: Image.Image) -> str:
    """Tell an opened JPEG's chroma subsampling; "4:4:4", which loses nothing, where it is none of the usual ones."""
    try:
        sampling: int = get_sampling(image)
    except (AttributeError, IndexError, KeyError):
        return _FULL_CHROMA
    return _SUBSAMPLINGS[sampling] if 0 <= sampling < len(_SUBSAMPLINGS) else _FULL_CHROMA
