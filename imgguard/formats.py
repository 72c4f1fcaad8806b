"""Tell what a file is from its first bytes. Extensions are never trusted: phones and web sites get them wrong."""

from __future__ import annotations

from pathlib import Path

from imgguard.errors import FormatNotSupported, NotAPhoto, PhotoEmpty
from imgguard.types import Format

HEAD_BYTES = 64

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1"}
_HEIF_SEQUENCE_BRANDS = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_SAVE_AS = "Save it as JPEG or PNG and clean that."
_UNSUPPORTED = (
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF or camera raw picture"),
    (b"MM\0*", "a TIFF or camera raw picture"),
    (b"II+\0", "a BigTIFF picture"),
    (b"MM\0+", "a BigTIFF picture"),
    (b"IIU\0", "a camera raw picture"),
    (b"FUJIFILMCCD-RAW", "a camera raw picture"),
    (b"8BPS", "a Photoshop file"),
    (b"%PDF", "a PDF document"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"OggS", "a video or sound file"),
)


def sniff_format(head: bytes, path: Path) -> Format:
    """Tell the container from the first `HEAD_BYTES` bytes of a file.

    Raises:
        PhotoEmpty: if there are none.
        FormatNotSupported: for a known kind of file that cannot be cleaned, naming it.
        NotAPhoto: for anything else.
    """
    if not head:
        raise PhotoEmpty(f"{path}: the file is empty (0 bytes)", "Copy it again from the camera or phone.")
    if head.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Format.WEBP
    if head[4:8] == b"ftyp":
        return _iso_media(head, path)
    for magic, name in _UNSUPPORTED:
        if head.startswith(magic):
            raise FormatNotSupported(f"{path}: {name}, which imgguard does not clean", _SAVE_AS)
    if head.startswith(b"RIFF") or head.startswith(b"\0\0\x01\xba"):
        raise FormatNotSupported(f"{path}: a video or sound file, which imgguard does not clean", "Leave it out.")
    if head.startswith(b"BM") and len(head) >= 26 and head[6:10] == b"\0\0\0\0":
        raise FormatNotSupported(f"{path}: a BMP picture, which imgguard does not clean", _SAVE_AS)
    raise NotAPhoto(f"{path}: not a photo (its bytes are none of JPEG, PNG, WebP, HEIC)", "Leave it out.")


def _iso_media(head: bytes, path: Path) -> Format:
    length = int.from_bytes(head[:4], "big")
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, min(length, len(head)), 4))}
    if brands & _AVIF_BRANDS:
        raise FormatNotSupported(f"{path}: an AVIF picture, which imgguard does not clean", _SAVE_AS)
    if head[8:12] in _HEIF_SEQUENCE_BRANDS:
        raise FormatNotSupported(f"{path}: a moving HEIC picture, which imgguard does not clean", _SAVE_AS)
    if brands & _HEIF_BRANDS:
        return Format.HEIF
    raise FormatNotSupported(f"{path}: a video, which imgguard does not clean", "Leave it out.")
