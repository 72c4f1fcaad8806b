"""Load a photo: decode safely, upright, in sRGB.

Each decoder is called by name after the format was told from the bytes, so that none of the many others that
the libraries know is ever reached by a hostile file.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgguard.colour import is_srgb, to_srgb
from imgguard.errors import (
    PhotoAnimated,
    PhotoBroken,
    PhotoError,
    PhotoTooLarge,
    PhotoTruncated,
    PhotoUnreadable,
    unreadable,
)
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.lazy import cv2
from imgguard.types import Encoding, Format, Photo

if TYPE_CHECKING:
    from PIL import Image

    from imgguard.types import Pixels

MAX_PIXELS = 200_000_000
MAX_BYTES = 512 * 1024 * 1024

_ORIENTATION_TAG = 0x0112
_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    # What to do for each EXIF orientation (Exif 3.0, 4.6.5.1.6).
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


def load_photo(path: Path | str) -> Photo:
    """Read and decode a photo.

    Args:
        path: A JPEG, PNG, WebP or HEIC/HEIF file.

    Returns:
        The photo, upright, 8 bit sRGB, with transparency flattened on white.

    Raises:
        PhotoError: of the kind that tells why it is refused; the message names the file and what to do.
    """
    path = Path(path)
    content = read_content(path)
    container = sniff_format(content[:HEAD_BYTES], path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = _OPEN[container](content)
            _check_is_one_picture(image, path)
            _check_size(image.size, path)
            icc = image.info.get("icc_profile") or None
            orientation = _orientation(image, container)
            pixels = _upright(_decode(image, icc, container, content), orientation)
    except PhotoError:
        raise
    except Exception as error:
        raise _undecodable(path, container, content, error) from error
    pixels.setflags(write=False)
    return Photo(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        pixels=pixels,
        format=container,
        icc=icc,
        encoding=_encoding(image, container, content),
        stored=pixels,
        orientation=orientation,
    )


def read_content(path: Path) -> bytes:
    """Read a regular file of bounded size; never waits on a pipe or reads a device.

    Raises:
        PhotoUnreadable: if it is missing, not a regular file, or may not be read.
        PhotoTooLarge: if it has more than `MAX_BYTES` bytes.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PhotoUnreadable(f"{path}: not a regular file", "Give a photo file.")
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(content) > MAX_BYTES:
        raise PhotoTooLarge(f"{path}: larger than {MAX_BYTES // 2**20} MB", "Save it smaller and clean that.")
    return content


def _open_jpeg(content: bytes) -> Image.Image:
    from PIL.JpegImagePlugin import JpegImageFile

    return JpegImageFile(io.BytesIO(content))


def _open_png(content: bytes) -> Image.Image:
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(io.BytesIO(content))


def _open_webp(content: bytes) -> Image.Image:
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(io.BytesIO(content))


def _open_heif(content: bytes) -> Image.Image:
    from pillow_heif import HeifImageFile

    image: Image.Image = HeifImageFile(io.BytesIO(content))  # type: ignore[no-untyped-call]
    return image


_OPEN: dict[Format, Callable[[bytes], Image.Image]] = {
    Format.JPEG: _open_jpeg,
    Format.PNG: _open_png,
    Format.WEBP: _open_webp,
    Format.HEIF: _open_heif,
}


def _decode(image: Image.Image, icc: bytes | None, container: Format, content: bytes) -> Pixels:
    """Decode to sRGB; a plain JPEG through OpenCV, which gives the array without the copies that Pillow needs."""
    plain = container is Format.JPEG and image.mode == "RGB" and is_srgb(icc) and not _ends_early(container, content)
    if plain:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        if decoded is not None and decoded.shape[:2] == image.size[::-1]:
            return np.asarray(decoded, np.uint8)
    image.load()
    return to_srgb(image, icc)


def _check_is_one_picture(image: Image.Image, path: Path) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 or getattr(image, "is_animated", False):
        raise PhotoAnimated(
            f"{path}: holds {frames} pictures (an animation or a burst)", "Save the one you want as a single picture."
        )


def _check_size(size: tuple[int, int], path: Path) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise PhotoTooLarge(
            f"{path}: {width} x {height} pixels, more than {MAX_PIXELS // 10**6} megapixels",
            "Save it smaller and clean that.",
        )


def _undecodable(path: Path, container: Format, content: bytes, error: Exception) -> PhotoError:
    remedy = "Copy it again from the camera or phone, or open it in a photo program and save it anew."
    if _ends_early(container, content):
        return PhotoTruncated(f"{path}: the file is cut off before the picture ends", remedy)
    return PhotoBroken(f"{path}: the picture is damaged and cannot be decoded ({str(error)[:100]})", remedy)


def _ends_early(container: Format, content: bytes) -> bool:
    if container is Format.JPEG:
        return b"\xff\xd9" not in content[-4096:]
    if container is Format.PNG:
        return b"IEND" not in content[-4096:]
    return container is Format.WEBP and int.from_bytes(content[4:8], "little") + 8 > len(content)


def _orientation(image: Image.Image, container: Format) -> int:
    if container is Format.HEIF:
        # The decoder has applied the container's own rotation, which alone counts in HEIF (ISO/IEC 23008-12).
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:
        # Broken EXIF turns no picture: viewers show it as it is stored, and so do we.
        return 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    turn = _UPRIGHT.get(orientation)
    return np.ascontiguousarray(turn(pixels)) if turn else pixels


def _encoding(image: Image.Image, container: Format, content: bytes) -> Encoding:
    from imgguard.sanitize import scan

    if container is Format.JPEG:
        from imgguard.sanitize.jpeg import estimate_quality, read_subsampling

        return Encoding(estimate_quality(image.quantization), read_subsampling(image), lossless=False)  # type: ignore[attr-defined]
    chunks = {part.name for part in scan(content, container)} if container is Format.WEBP else set()
    lossless = container is Format.PNG or "VP8L" in chunks
    return Encoding(None, None, lossless)
