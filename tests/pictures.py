"""Pictures drawn in code, and files in which something is planted."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import piexif
from PIL import Image, PngImagePlugin

from imgguard import BoundingBox, Encoding, Format, Photo
from imgguard.sanitize import SUFFIXES

MARKER = b"PLANTED-Freya-Lindqvist"


def scene(width: int = 320, height: int = 240, seed: int = 0) -> np.ndarray:
    """A smooth, busy picture without anybody in it."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 190, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).copy()


def noise_face(box: BoundingBox, seed: int = 0) -> np.ndarray:
    """Something with much structure, to stand for a face."""
    shape = (round(box.height), round(box.width), 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def photo_of(pixels: np.ndarray, container: Format = Format.PNG, name: str = "drawn.png") -> Photo:
    encoding = Encoding(None, None, container is Format.PNG)
    return Photo(Path(name), "0" * 64, b"", pixels, container, None, encoding, pixels)


def as_bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def planted_exif() -> bytes:
    thumbnail = as_bytes(Image.new("RGB", (32, 24), "red"), "JPEG", comment=MARKER)
    return piexif.dump(
        {
            "0th": {piexif.ImageIFD.Artist: MARKER, piexif.ImageIFD.ImageDescription: MARKER},
            "Exif": {piexif.ExifIFD.UserComment: b"ASCII\0\0\0" + MARKER, piexif.ExifIFD.MakerNote: MARKER},
            "GPS": {
                piexif.GPSIFD.GPSLatitudeRef: b"N",
                piexif.GPSIFD.GPSLatitude: ((53, 1), (30, 1), (0, 1)),
                piexif.GPSIFD.GPSLongitudeRef: b"W",
                piexif.GPSIFD.GPSLongitude: ((110, 1), (15, 1), (0, 1)),
                piexif.GPSIFD.GPSAreaInformation: MARKER,
            },
            "1st": {piexif.ImageIFD.Make: MARKER},
            "thumbnail": thumbnail,
        }
    )


XMP = b'<x:xmpmeta><rdf:li mwg-rs:Name="' + MARKER + b'"/></x:xmpmeta>'


def planted_jpeg(pixels: np.ndarray) -> bytes:
    """A JPEG with the marker in EXIF, thumbnail, XMP, comment, IPTC, JFXX, C2PA and after its end."""
    plain = as_bytes(Image.fromarray(pixels), "JPEG", quality=92, exif=planted_exif(), comment=MARKER)
    irb = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(MARKER)) + MARKER
    extra = [
        (0xE0, b"JFXX\0\x10" + MARKER),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        (0xE2, b"MPF\0" + MARKER),
        (0xEB, b"JP" + MARKER),
        (0xED, irb),
        (0xEC, b"Ducky" + MARKER),
        (0xEA, MARKER),
    ]
    segments = b"".join(struct.pack(">BBH", 0xFF, code, len(body) + 2) + body for code, body in extra)
    second = as_bytes(Image.fromarray(pixels[::2, ::2]), "JPEG", comment=MARKER)
    return plain[:2] + segments + plain[2:] + second + b"\0\0\0\x18ftypmp42" + MARKER


def planted_png(pixels: np.ndarray) -> bytes:
    """A PNG with the marker in EXIF, text of each kind, XMP, time, a private chunk and after its end."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", MARKER.decode())
    info.add_text("Comment", MARKER.decode(), zip=True)
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    plain = as_bytes(Image.fromarray(pixels), "PNG", pnginfo=info, exif=planted_exif()[6:])
    chunk = b"prVt" + MARKER
    private = struct.pack(">I", len(MARKER)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return plain[:33] + private + plain[33:] + MARKER


def planted_webp(pixels: np.ndarray) -> bytes:
    """A WebP with the marker in EXIF, XMP and after its end."""
    return as_bytes(Image.fromarray(pixels), "WEBP", quality=90, exif=planted_exif(), xmp=XMP) + MARKER


def planted_heic(pixels: np.ndarray) -> bytes:
    """A HEIC with the marker in EXIF and XMP."""
    import pillow_heif

    out = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(out, quality=90, exif=planted_exif(), xmp=XMP)
    return out.getvalue()


def planted_gif(pixels: np.ndarray) -> bytes:
    """A GIF with the marker as a comment, as a program's data and after its end."""
    plain = as_bytes(Image.fromarray(pixels).quantize(256, dither=Image.Dither.NONE), "GIF", comment=MARKER)
    at = plain.index(b"\x21\xfe")
    program = b"\x21\xff\x0bXMP DataXMP" + bytes([len(MARKER)]) + MARKER + b"\0"
    return plain[:at] + program + plain[at:] + MARKER


def planted_tiff(pixels: np.ndarray) -> bytes:
    """A TIFF with the marker in fields, in EXIF, XMP, IPTC and after its end."""
    fields = {270: MARKER.decode(), 315: MARKER.decode(), 700: XMP, 33723: MARKER, 34377: b"8BIM" + MARKER}
    return as_bytes(Image.fromarray(pixels), "TIFF", tiffinfo=fields) + MARKER


def planted_bmp(pixels: np.ndarray) -> bytes:
    """A BMP with the marker between its header and its rows, and after its end."""
    plain = bytearray(as_bytes(Image.fromarray(pixels), "BMP"))
    plain[10:14] = struct.pack("<I", 54 + len(MARKER))
    return bytes(plain[:54]) + MARKER + bytes(plain[54:]) + MARKER


def planted_avif(pixels: np.ndarray) -> bytes:
    """An AVIF with the marker in EXIF and XMP."""
    return as_bytes(Image.fromarray(pixels), "AVIF", quality=90, exif=planted_exif()[6:], xmp=XMP)


PLANTED = {
    Format.JPEG: planted_jpeg,
    Format.PNG: planted_png,
    Format.WEBP: planted_webp,
    Format.HEIF: planted_heic,
    Format.GIF: planted_gif,
    Format.TIFF: planted_tiff,
    Format.BMP: planted_bmp,
    Format.AVIF: planted_avif,
}
SUFFIX = SUFFIXES
