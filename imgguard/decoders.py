"""Open a picture for decoding: which library takes which container, and what has to be known before it may.

Each decoder is called by name after the format was told from the bytes, so that none of the many others that
the libraries know is ever reached by a hostile file. Sizes, pages and kinds are read from the bytes first.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from imgguard.errors import PhotoBroken, PhotoTooLarge
from imgguard.formats import raw_picture, several_pictures, unsupported
from imgguard.isoboxes import boxes
from imgguard.sanitize.jpeg import SOS, segments
from imgguard.sanitize.riff import canvas
from imgguard.tiffdirs import SUB_DIRECTORIES, Directory, byte_order, numbers, pages, read_directory
from imgguard.types import Format

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 200_000_000
# A photo has more than a tenth of a byte a pixel; a large picture with less than this is made to fill the memory.
_PLAUSIBLE_PIXELS = 40_000_000
_MOST_PIXELS_A_BYTE = 64
# Progressive photos have about ten; each makes the decoder go through the whole picture again.
_MOST_SCANS = 200

_MODES = {
    "1",
    "L",
    "P",
    "RGB",
    "RGBA",
    "RGBX",
    "CMYK",
    "LA",
    "PA",
    "La",
    "RGBa",
    "I",
    "I;16",
    "I;16B",
    "I;16L",
    "I;16N",
}
_COUNTED_IN_HEADER = {Format.PNG, Format.WEBP, Format.HEIF, Format.AVIF}
# TIFF 6.0 and its supplements; DNG 1.7, chapter 2; TIFF/EP.
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_SAMPLES, _SAMPLE_FORMAT, _TILE_WIDTH, _TILE_HEIGHT, _DNG_VERSION = 277, 339, 322, 323, 50706
_RAW_PHOTOMETRIC = {32803, 34892}
_RAW_COMPRESSION = {32767, 32769, 32770, 34713, 34892, 65000, 65535}
# None, CCITT, LZW, JPEG, Deflate in both numbers, PackBits.
_DECODED_COMPRESSION = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}
_DECODED_PHOTOMETRIC = {0, 1, 2, 3, 5, 6}
_DECODED_BITS = {1, 2, 4, 8, 12, 16}
_MOST_SAMPLES = 5
_REDUCED_OR_MASK = 0b101
_MOST_VALUES = 64


def open_picture(content: bytes, container: Format, path: Path) -> Image.Image:
    """Open a picture without decoding it yet.

    Args:
        content: The file.
        container: What it is.
        path: For messages.

    Returns:
        The opened picture, of one of the kinds that can be turned into RGB.

    Raises:
        PhotoError: if it holds several pictures, is too large, or of a kind that cannot be cleaned.
        Exception: whatever the library raises on broken files.
    """
    if check := _CHECKS.get(container):
        check(content, path)
    image = _open(content, container)
    if container is not Format.TIFF and getattr(image, "is_animated", False):
        number = getattr(image, "n_frames", 0) if container in _COUNTED_IN_HEADER else 0
        raise several_pictures(path, number, "pictures" if container is Format.HEIF else "frames (an animation)")
    check_size(image.size, path)
    _check_plausible(image.size, len(content), path)
    if image.mode not in _MODES:
        raise unsupported(path, f"a picture with unusual samples ({image.mode})")
    return image


def check_size(size: tuple[int, int], path: Path) -> None:
    """Refuse a picture of more than `MAX_PIXELS`.

    Raises:
        PhotoTooLarge: naming its size.
    """
    width, height = size
    if width * height > MAX_PIXELS:
        raise PhotoTooLarge(
            f"{path}: {width} x {height} pixels, more than {MAX_PIXELS // 10**6} megapixels",
            "Save it smaller and clean that.",
        )


def _check_plausible(size: tuple[int, int], length: int, path: Path) -> None:
    pixels = size[0] * size[1]
    if pixels > max(_PLAUSIBLE_PIXELS, _MOST_PIXELS_A_BYTE * length):
        raise PhotoTooLarge(
            f"{path}: {size[0]} x {size[1]} pixels in {length / 1e6:.1f} MB, which would fill the memory with nothing",
            "Leave it out, or save it smaller and clean that.",
        )


def _check_jpeg(content: bytes, path: Path) -> None:
    scans = sum(marker == SOS for marker, _, _ in segments(content))
    if scans > _MOST_SCANS:
        raise PhotoBroken(f"{path}: a picture in {scans} scans, which no camera writes", "Leave it out.")


def _check_webp(content: bytes, path: Path) -> None:
    # The library takes memory for the whole canvas when it opens a file.
    if size := canvas(content):
        check_size(size, path)


def _check_gif(content: bytes, path: Path) -> None:
    check_size((int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")), path)


def _check_iso_media(content: bytes, path: Path) -> None:
    if any(box.name == b"moov" for box in boxes(content, 0, len(content))):
        raise several_pictures(path, 0, "frames (a moving picture)")


def _check_tiff(content: bytes, path: Path) -> None:
    order, found = byte_order(content), pages(content)
    if order is None or not found:
        raise PhotoBroken(f"{path}: the picture is damaged (no directory)", "Copy it again from where it came.")
    if any(_is_raw(content, order, one) for one in [*found, *_sub_directories(content, order, found)]):
        raise raw_picture(path)
    further = [one for one in found[1:] if not _first(content, order, one, _SUBFILE, 0) & _REDUCED_OR_MASK]
    if further:
        raise several_pictures(path, 1 + len(further), "pages")
    _check_first_page(content, order, found[0], path)


def _check_first_page(content: bytes, order: str, page: Directory, path: Path) -> None:
    check_size((_first(content, order, page, _WIDTH, 0), _first(content, order, page, _HEIGHT, 0)), path)
    check_size((_first(content, order, page, _TILE_WIDTH, 0), _first(content, order, page, _TILE_HEIGHT, 0)), path)
    if _first(content, order, page, _COMPRESSION, 1) not in _DECODED_COMPRESSION:
        raise unsupported(path, "a TIFF picture compressed in an unusual way")
    bits = set(numbers(content, order, page.find(_BITS), _MOST_VALUES) or (1,))
    samples = set(numbers(content, order, page.find(_SAMPLE_FORMAT), _MOST_VALUES) or (1,))
    plain = bits <= _DECODED_BITS and len(bits) == 1 and samples <= {1, 4}
    photometric = _first(content, order, page, _PHOTOMETRIC, 0) in _DECODED_PHOTOMETRIC
    if not (plain and photometric and _first(content, order, page, _SAMPLES, 1) <= _MOST_SAMPLES):
        raise unsupported(path, "a TIFF picture with unusual samples or colours")


def _is_raw(content: bytes, order: str, page: Directory) -> bool:
    photometric = _first(content, order, page, _PHOTOMETRIC, 0)
    compression = _first(content, order, page, _COMPRESSION, 1)
    coded = photometric in _RAW_PHOTOMETRIC or compression in _RAW_COMPRESSION
    return coded or page.find(_DNG_VERSION) is not None


def _sub_directories(content: bytes, order: str, found: list[Directory]) -> list[Directory]:
    offsets = [
        at for page in found for tag in SUB_DIRECTORIES for at in numbers(content, order, page.find(tag), 16) or ()
    ]
    return [one for at in offsets[:_MOST_VALUES] if (one := read_directory(content, order, at)) is not None]


def _first(content: bytes, order: str, page: Directory, tag: int, default: int) -> int:
    values = numbers(content, order, page.find(tag), _MOST_VALUES)
    return values[0] if values else default


_CHECKS: dict[Format, Callable[[bytes, Path], None]] = {
    Format.JPEG: _check_jpeg,
    Format.WEBP: _check_webp,
    Format.GIF: _check_gif,
    Format.TIFF: _check_tiff,
    Format.HEIF: _check_iso_media,
    Format.AVIF: _check_iso_media,
}


# Imported when first needed: each takes a while, and most photos are JPEGs.
_OPENERS = {
    Format.JPEG: ("PIL.JpegImagePlugin", "JpegImageFile"),
    Format.PNG: ("PIL.PngImagePlugin", "PngImageFile"),
    Format.WEBP: ("PIL.WebPImagePlugin", "WebPImageFile"),
    Format.GIF: ("PIL.GifImagePlugin", "GifImageFile"),
    Format.TIFF: ("PIL.TiffImagePlugin", "TiffImageFile"),
    Format.BMP: ("PIL.BmpImagePlugin", "BmpImageFile"),
    Format.HEIF: ("pillow_heif", "HeifImageFile"),
    Format.AVIF: ("PIL.AvifImagePlugin", "AvifImageFile"),
}


def _open(content: bytes, container: Format) -> Image.Image:
    module, name = _OPENERS[container]
    image: Image.Image = getattr(import_module(module), name)(io.BytesIO(content))
    return image
