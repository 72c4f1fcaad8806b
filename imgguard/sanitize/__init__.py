"""Write pictures with nothing attached, and list what is in a container.

Each family has a writer, which makes a file from a bare array of pixels, and a scanner, which knows the format's
structure and says of each part what it is and whether a published file may hold it. Whatever is not on the
allow-list is a leak. The scanners read bytes and lengths only; they share no code with the writers and never
decode a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from imgguard.grid import PIXELS, Grid
from imgguard.raster import compact, merged, rgb8
from imgguard.sanitize import bmp, gif, isobmff, isobmff_scan, jpeg, jpeg_scan, png, riff, tiff, tiff_scan
from imgguard.sanitize.attached import NOTHING, Attached
from imgguard.sanitize.jpeg_exact import photo_grid, write_jpeg
from imgguard.types import Encoding, Format, Part, Profile, Raster, Written

if TYPE_CHECKING:
    from imgguard.redact import Redacted
    from imgguard.types import Photo, Pixels

__all__ = [
    "NO_CREDIT",
    "SUFFIXES",
    "block_grid",
    "encode",
    "fits",
    "leftovers",
    "output_format",
    "scan",
    "with_told_colours",
    "write",
]

SUFFIXES = {
    Format.JPEG: ".jpg",
    Format.PNG: ".png",
    Format.WEBP: ".webp",
    Format.GIF: ".gif",
    Format.TIFF: ".tif",
    Format.BMP: ".bmp",
    Format.HEIF: ".heic",
    Format.AVIF: ".avif",
}
# Formats without a place for a line of credit or a colour profile that is not a comment.
NO_CREDIT = frozenset({Format.GIF, Format.BMP})

_LONGEST_SIDE = {Format.JPEG: 65500, Format.WEBP: 16383, Format.GIF: 65535, Format.HEIF: 16384, Format.AVIF: 65536}
_MOST_COLOURS = 256
_SCANNERS: dict[Format, Callable[[bytes], list[Part]]] = {
    Format.JPEG: jpeg_scan.scan,
    Format.PNG: png.scan,
    Format.WEBP: riff.scan,
    Format.GIF: gif.scan,
    Format.TIFF: tiff_scan.scan,
    Format.BMP: bmp.scan,
    Format.HEIF: isobmff_scan.scan,
    Format.AVIF: isobmff_scan.scan,
}


def output_format(source: Format, wanted: Format | None) -> Format:
    """Choose the container to write: the wanted one, else the source's own, and JPEG for HEIF."""
    if wanted is not None:
        return wanted
    return Format.JPEG if source is Format.HEIF else source


def fits(size: tuple[int, int], container: Format) -> bool:
    """Say whether a container can hold a picture of `size` (width, height)."""
    return max(size) <= _LONGEST_SIDE.get(container, max(size))


def encode(pixels: Pixels, container: Format, encoding: Encoding, attached: Attached = NOTHING) -> bytes:
    """Encode pixels.

    Args:
        pixels: (H, W, 3) uint8, in the colours of `attached`.
        container: What to write.
        encoding: How the source was compressed; the output will be near it.
        attached: What is put beside the picture.
    """
    if container is Format.JPEG:
        return jpeg.encode(pixels, encoding, attached)
    return _encode_raster(Raster(pixels), container, encoding, attached)


def _encode_raster(raster: Raster, container: Format, encoding: Encoding, attached: Attached) -> bytes:
    if container is Format.PNG:
        return png.encode(raster, attached)
    if container is Format.TIFF:
        return tiff.encode(raster, attached)
    if container is Format.BMP:
        return bmp.encode(raster, attached)
    if container is Format.WEBP:
        return riff.encode(raster, attached, lossless=encoding.lossless)
    if container is Format.GIF:
        return gif.encode(raster, attached) if _fits_gif(raster) else gif.encode_reduced(rgb8(raster))
    return (isobmff.encode_heif if container is Format.HEIF else isobmff.encode_avif)(rgb8(raster), attached)


def _fits_gif(raster: Raster) -> bool:
    return raster.samples.ndim == 2 and raster.bits <= 8


def with_told_colours(photo: Photo, container: Format) -> Photo:
    """Give a photo in sRGB where the container cannot say which other colours it has; else as it is."""
    if container not in NO_CREDIT or photo.profile is Profile.SRGB:
        return photo
    return replace(photo, stored=photo.pixels, profile=Profile.SRGB, raster=None, converted=True)


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
    attached = Attached(credit if container not in NO_CREDIT else None, profile=photo.profile)
    if container is Format.JPEG:
        return Written(jpeg.encode(redacted.pixels, photo.encoding, attached), None)
    raster = merged(photo.raster, redacted) if photo.raster else Raster(redacted.pixels)
    content = _encode_raster(compact(raster), container, photo.encoding, attached)
    return Written(content, _tolerance(raster, container, photo.encoding))


def _tolerance(raster: Raster, container: Format, encoding: Encoding) -> int | None:
    if container in (Format.HEIF, Format.AVIF) or (container is Format.GIF and not _fits_gif(raster)):
        return None
    if container is Format.WEBP and not encoding.lossless:
        return None
    # Two libraries may show 16 bits as 8 by cutting or by rounding.
    return 1 if raster.bits == 16 else 0


def scan(content: bytes, container: Format) -> tuple[Part, ...]:
    """List every part of a file in order, without gaps; never raises, whatever the bytes are."""
    return tuple(_SCANNERS[container](content))


def leftovers(content: bytes, container: Format) -> tuple[Part, ...]:
    """List the parts that a published file may not hold."""
    return tuple(part for part in scan(content, container) if not part.allowed)
