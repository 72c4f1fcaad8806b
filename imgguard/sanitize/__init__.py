"""Write pictures with nothing attached, and list what is in a container.

Each family has a writer, which makes a file from a bare array of pixels, and a scanner, which knows the format's
structure and says of each part what it is and whether a published file may hold it. Whatever is not on the
allow-list is a leak. The scanners read bytes and lengths only; they share no code with the writers and never
decode a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from imgguard.grid import PIXELS, Grid
from imgguard.sanitize import isobmff, jpeg, jpeg_scan, png, riff
from imgguard.sanitize.jpeg_exact import photo_grid, write_jpeg
from imgguard.types import Encoding, Format, Part, Written

if TYPE_CHECKING:
    from imgguard.redact import Redacted
    from imgguard.types import Photo, Pixels

__all__ = ["SUFFIXES", "block_grid", "encode", "fits", "leftovers", "output_format", "scan", "write"]

SUFFIXES = {Format.JPEG: ".jpg", Format.PNG: ".png", Format.WEBP: ".webp"}

_LONGEST_SIDE = {Format.JPEG: 65500, Format.WEBP: 16383}
_ENCODERS: dict[Format, Callable[[Pixels, Encoding], bytes]] = {
    Format.JPEG: jpeg.encode,
    Format.PNG: png.encode,
    Format.WEBP: riff.encode,
}
_SCANNERS: dict[Format, Callable[[bytes], list[Part]]] = {
    Format.JPEG: jpeg_scan.scan,
    Format.PNG: png.scan,
    Format.WEBP: riff.scan,
    Format.HEIF: isobmff.scan,
}


def output_format(source: Format, wanted: Format | None) -> Format:
    """Choose the container to write: the wanted one, else the source's own, and JPEG for HEIF."""
    if wanted is not None:
        return wanted
    return Format.JPEG if source is Format.HEIF else source


def fits(size: tuple[int, int], container: Format) -> bool:
    """Say whether a container can hold a picture of `size` (width, height)."""
    return max(size) <= _LONGEST_SIDE.get(container, max(size))


def encode(pixels: Pixels, container: Format, encoding: Encoding) -> bytes:
    """Encode pixels, with nothing attached.

    Args:
        pixels: (H, W, 3) uint8 sRGB.
        container: JPEG, PNG or WebP.
        encoding: How the source was compressed; the output will be near it.
    """
    return _ENCODERS[container](pixels, encoding)


def block_grid(photo: Photo) -> Grid:
    """Give the blocks of which a photo's file is made, as they lie in the upright picture."""
    return photo_grid(photo) if photo.format is Format.JPEG else PIXELS


def write(
    photo: Photo,
    redacted: Redacted,
    container: Format,
    credit: str | None = None,
    *,
    keep_orientation_tag: bool = False,
    exact: bool = True,
) -> Written:
    """Write a covered photo into a container; exactly outside of the covers where that can be.

    Args:
        photo: The source.
        redacted: The same picture with its covers.
        container: What to write.
        credit: A line of credit to put in; None for none.
        keep_orientation_tag: Leave a JPEG as it is stored and say how to turn it, instead of turning it.
        exact: Whether to keep a JPEG's coefficients; False where that did not pass its check.
    """
    if container is photo.format is Format.JPEG:
        return write_jpeg(photo, redacted, credit, keep_orientation_tag=keep_orientation_tag, exact=exact)
    content = encode(redacted.pixels, container, photo.encoding)
    exact = container is Format.PNG or (container is Format.WEBP and photo.encoding.lossless)
    return Written(content, 0 if exact else None)


def scan(content: bytes, container: Format) -> tuple[Part, ...]:
    """List every part of a file in order, without gaps; never raises, whatever the bytes are."""
    return tuple(_SCANNERS[container](content))


def leftovers(content: bytes, container: Format) -> tuple[Part, ...]:
    """List the parts that a published file may not hold."""
    return tuple(part for part in scan(content, container) if not part.allowed)
