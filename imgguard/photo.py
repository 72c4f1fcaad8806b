"""Load a photo: decode safely, upright, in sRGB."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgguard.colour import profile_of, to_srgb
from imgguard.decoders import open_picture
from imgguard.errors import PhotoBroken, PhotoError, PhotoTooLarge, PhotoTruncated, PhotoUnreadable, unreadable
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.lazy import cv2
from imgguard.places import Remote, place
from imgguard.raster import read_raster, rgb8
from imgguard.turning import TURNS, upright
from imgguard.types import Encoding, Format, Photo, Profile, Raster

if TYPE_CHECKING:
    from PIL import Image

    from imgguard.types import Pixels

MAX_BYTES = 512 * 1024 * 1024

_ORIENTATION_TAG = 0x0112
# HEIF has a rotation of its own, which alone counts (ISO/IEC 23008-12); of TIFF, Pillow turns what it decodes.
_TURNED_BY_DECODER = {Format.HEIF, Format.TIFF}
_LOSSLESS = (Format.PNG, Format.GIF, Format.TIFF, Format.BMP)


def load_photo(path: Path | str) -> Photo:
    """Read and decode a photo.

    Args:
        path: A JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC/HEIF or AVIF file. Of a JPEG with further pictures (MPO) it is the
            first.

    Returns:
        The photo, upright, 8 bit sRGB, with transparency flattened on white.

    Raises:
        PhotoError: of the kind that tells why it is refused; the message names the file and what to do.
    """
    return load_content(read_content(place(path)), place(path))


def load_content(content: bytes, path: Path) -> Photo:
    """Decode a photo of which the bytes are there already, such as one inside of a zip.

    Args:
        content: The file, as `load_photo` reads it.
        path: What the photo and the messages about it are named by; nothing is read there.

    Raises:
        PhotoError: as `load_photo`.
    """
    container = sniff_format(content[:HEAD_BYTES], path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = open_picture(content, container, path)
            icc = image.info.get("icc_profile") or None
            profile = profile_of(icc, _colours(image))
            orientation = _orientation(image, container)
            encoding = _encoding(image, container, content)
            raster = _raster(image, container, content, orientation) if profile and encoding.lossless else None
            own = None if profile else icc
            stored = rgb8(raster) if raster else upright(_decode(image, own, container, content), orientation)
            pixels = stored if profile in (None, Profile.SRGB) else _in_srgb(stored, icc)
    except PhotoError:
        raise
    except Exception as error:
        raise _undecodable(path, container, content, error) from error
    pixels.setflags(write=False)
    stored.setflags(write=False)
    return Photo(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        pixels=pixels,
        format=container,
        icc=icc,
        encoding=encoding,
        stored=stored,
        profile=profile or Profile.SRGB,
        raster=raster,
        orientation=orientation,
        converted=profile is None,
    )


def read_content(path: Path) -> bytes:
    """Read a regular file of bounded size; never waits on a pipe or reads a device.

    Raises:
        PhotoUnreadable: if it is missing, not a regular file, or may not be read.
        PhotoTooLarge: if it has more than `MAX_BYTES` bytes.
    """
    if isinstance(path, Remote):
        return _read_remote(path)
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
        raise _too_large(path)
    return content


def _read_remote(path: Remote) -> bytes:
    try:
        entry = path.entry()
        if entry is None or entry.is_folder:
            raise PhotoUnreadable(f"{path}: there is no such file", "Give a photo file.")
        if entry.size > MAX_BYTES:
            raise _too_large(path)
        return path.read_bytes() if entry.size else b""
    except OSError as error:
        raise unreadable(path, error) from error


def _too_large(path: Path) -> PhotoTooLarge:
    return PhotoTooLarge(f"{path}: larger than {MAX_BYTES // 2**20} MB", "Save it smaller and clean that.")


def _colours(image: Image.Image) -> str:
    """Name the mode of a picture's colours without alpha and palette, as `profile_of` wants it."""
    if image.mode in ("1", "L", "LA", "La", "I") or image.mode.startswith("I;16"):
        return "L"
    return "RGB" if image.mode in ("P", "PA", "RGB", "RGBA", "RGBX", "RGBa") else image.mode


def _raster(image: Image.Image, container: Format, content: bytes, orientation: int) -> Raster:
    raster = read_raster(image, content, container)
    samples = upright(raster.samples, orientation)
    samples.setflags(write=False)
    return Raster(samples, raster.bits, raster.palette)


def _decode(image: Image.Image, icc: bytes | None, container: Format, content: bytes) -> Pixels:
    """Decode, and convert to sRGB by a profile if one is given.

    A plain JPEG goes through OpenCV, which gives the array without the copies that Pillow needs.
    """
    if container is Format.JPEG and image.mode == "RGB" and icc is None and not _ends_early(container, content):
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
        if decoded is not None and decoded.shape[:2] == image.size[::-1]:
            return np.asarray(decoded, np.uint8)
    image.load()
    return to_srgb(image, icc)


def _in_srgb(stored: Pixels, icc: bytes | None) -> Pixels:
    from PIL import Image

    return to_srgb(Image.fromarray(stored), icc)


def _undecodable(path: Path, container: Format, content: bytes, error: Exception) -> PhotoError:
    from PIL.Image import DecompressionBombError

    remedy = "Copy it again from the camera or phone, or open it in a photo program and save it anew."
    if isinstance(error, DecompressionBombError):
        return PhotoTooLarge(f"{path}: claims more pixels than can be decoded", "Save it smaller and clean that.")
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
    """Tell how a picture has still to be turned, 1 to 8: by its EXIF block alone, as browsers and viewers do.

    Pillow would also believe XMP, of which they know nothing. What makes no sense turns no picture.
    """
    from PIL import Image

    if container in _TURNED_BY_DECODER:
        return 1
    try:
        if container is Format.PNG and "exif" not in image.info:
            # The block may stand behind the picture.
            image.load()
        exif = Image.Exif()
        exif.load(image.info.get("exif") or b"")
        orientation = int(exif.get(_ORIENTATION_TAG, 1))
    except Exception:
        return 1
    return orientation if orientation in TURNS else 1


def _encoding(image: Image.Image, container: Format, content: bytes) -> Encoding:
    from imgguard.sanitize import scan

    if container is Format.JPEG:
        from imgguard.sanitize.jpeg import estimate_quality, read_subsampling

        return Encoding(estimate_quality(image.quantization), read_subsampling(image), lossless=False)  # type: ignore[attr-defined]
    chunks = {part.name for part in scan(content, container)} if container is Format.WEBP else set()
    return Encoding(None, None, lossless=container in _LOSSLESS or "VP8L" in chunks)
