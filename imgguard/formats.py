"""Tell what a file is from its first bytes. Extensions are never trusted: phones and web sites get them wrong."""

from __future__ import annotations

import re
from pathlib import Path

from imgguard.errors import FormatNotSupported, NotAPhoto, PhotoAnimated, PhotoEmpty
from imgguard.types import Format

HEAD_BYTES = 512

EXPORT = "Open it in the program that made it or in a photo program, export it as JPEG, and clean that."
_DEVELOP = "Develop it in a photo program, export it as JPEG, and clean that; or clean the camera's own JPEG of it."
_NO_VIDEO = "Leave it out: imgguard cleans single pictures only. A screenshot of it can be cleaned."
_SINGLE = "Open it in a photo program, save the picture that you want by itself as JPEG or PNG, and clean that."

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1"}
_HEIF_SEQUENCE_BRANDS = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}
_RAW_BRANDS = {b"crx "}
_JPEG_2000_BRANDS = {b"jp2 ", b"jpx ", b"jpm "}
_SIGNATURES = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
)
_RAW = "a camera raw picture"
_JPEG_2000, _JPEG_XL = "a JPEG 2000 picture", "a JPEG XL picture"
_UNSUPPORTED = (
    (b"II+\0", "a BigTIFF picture", EXPORT),
    (b"MM\0+", "a BigTIFF picture", EXPORT),
    (b"IIU\0", _RAW, _DEVELOP),
    (b"IIRO", _RAW, _DEVELOP),
    (b"IIRS", _RAW, _DEVELOP),
    (b"MMOR", _RAW, _DEVELOP),
    (b"FUJIFILMCCD-RAW", _RAW, _DEVELOP),
    (b"FOVb", _RAW, _DEVELOP),
    (b"\0MRM", _RAW, _DEVELOP),
    (b"8BPS", "a Photoshop file", EXPORT),
    (b"gimp xcf", "a GIMP file", EXPORT),
    (b"%PDF", "a PDF document", EXPORT),
    (b"%!PS", "a PostScript document", EXPORT),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", EXPORT),
    (b"\0\0\0\x0cjP  ", _JPEG_2000, EXPORT),
    (b"\xff\x4f\xff\x51", _JPEG_2000, EXPORT),
    (b"\xff\x0a", _JPEG_XL, EXPORT),
    (b"\0\0\0\x0cJXL ", _JPEG_XL, EXPORT),
    (b"II\xbc\x01", "a JPEG XR picture", EXPORT),
    (b"\x1aE\xdf\xa3", "a video", _NO_VIDEO),
    (b"OggS", "a video or sound file", _NO_VIDEO),
    (b"RIFF", "a video or sound file", _NO_VIDEO),
    (b"\0\0\x01\xba", "a video", _NO_VIDEO),
    (b"\0\0\x01\xb3", "a video", _NO_VIDEO),
    (b"FLV\x01", "a video", _NO_VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video or sound file", _NO_VIDEO),
)
# The first element may stand behind a byte order mark, an XML declaration, comments and a document type (XML 1.0, 2.8).
_SVG = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!--|<!DOCTYPE\s+svg|<svg[\s>:])")


def sniff_format(head: bytes, path: Path) -> Format:
    """Tell the container from the first `HEAD_BYTES` bytes of a file.

    Raises:
        PhotoEmpty: if there are none.
        FormatNotSupported: for a known kind of file that cannot be cleaned, naming it.
        PhotoAnimated: for a moving HEIC.
        NotAPhoto: for anything else.
    """
    if not head:
        raise PhotoEmpty(f"{path}: the file is empty (0 bytes)", "Copy it again from the camera or phone.")
    container = _known(head, path)
    if container is not None:
        return container
    for magic, name, remedy in _UNSUPPORTED:
        if head.startswith(magic):
            raise unsupported(path, name, remedy)
    if _SVG.match(head) and b"<svg" in head:
        raise unsupported(path, "an SVG drawing", EXPORT)
    raise NotAPhoto(
        f"{path}: not a photo (its bytes are none of JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC, AVIF)", "Leave it out."
    )


def _known(head: bytes, path: Path) -> Format | None:
    if head[:4] in (b"II*\0", b"MM\0*") and head[8:10] == b"CR":
        raise raw_picture(path)
    for magic, container in _SIGNATURES:
        if head.startswith(magic):
            return container
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Format.WEBP
    if head.startswith(b"BM") and len(head) >= 26 and int.from_bytes(head[14:18], "little") in range(12, 257):
        return Format.BMP
    return _iso_media(head, path) if head[4:8] == b"ftyp" else None


def unsupported(path: Path, name: str, remedy: str = EXPORT) -> FormatNotSupported:
    """Make the error for a kind of file that is known by name and cannot be cleaned."""
    return FormatNotSupported(f"{path}: {name}, which imgguard does not clean", remedy)


def raw_picture(path: Path) -> FormatNotSupported:
    """Make the error for what a camera's sensor saw, which has to be developed before it is a picture."""
    return unsupported(path, _RAW, _DEVELOP)


def several_pictures(path: Path, number: int, what: str) -> PhotoAnimated:
    """Make the error for a file with more than one picture, `what` they are being frames, pages or pictures."""
    many = str(number) if number > 1 else "several"
    return PhotoAnimated(f"{path}: holds {many} {what}, and imgguard cleans single pictures only", _SINGLE)


def _iso_media(head: bytes, path: Path) -> Format:
    length = int.from_bytes(head[:4], "big")
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, min(length, len(head)) - 3, 4))}
    if major in _RAW_BRANDS:
        raise raw_picture(path)
    if major in _JPEG_2000_BRANDS:
        raise unsupported(path, _JPEG_2000)
    if major == b"avis" or (major in _HEIF_SEQUENCE_BRANDS and not brands & {b"avif"}):
        raise several_pictures(path, 0, "frames (a moving picture)")
    if major == b"avif" or (b"avif" in brands and not brands & (_HEIF_BRANDS - {b"mif1"})):
        return Format.AVIF
    if brands & _HEIF_BRANDS:
        return Format.HEIF
    raise unsupported(path, "a video", _NO_VIDEO)
