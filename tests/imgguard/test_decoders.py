"""What kind of picture a file holds is known before a decoder sees it."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imgguard import Format, FormatNotSupported, NotAPhoto, PhotoAnimated, PhotoError, PhotoTooLarge, load_photo
from imgguard.formats import sniff_format
from imgguard.tiffdirs import pages
from tests.pictures import as_bytes, scene

Field = tuple[int, int, int, int]
PICTURE = Image.fromarray(scene(48, 32))


def tiff(*directories: Sequence[Field], order: str = "<", magic: int = 42) -> bytes:
    """A TIFF of directories (tag, type, count, value) with 4096 bytes of picture data in front."""
    out = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", magic, 8 + 4096) + bytes(4096)
    for number, fields in enumerate(directories):
        out += struct.pack(order + "H", len(fields))
        for tag, kind, count, value in fields:
            packed = struct.pack(order + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,)))
            out += struct.pack(order + "HHI", tag, kind, count) + packed
        last = number == len(directories) - 1
        out += struct.pack(order + "I", 0 if last else len(out) + 4)
    return out


PLAIN: list[Field] = [
    (256, 3, 1, 32),
    (257, 3, 1, 32),
    (258, 3, 1, 8),
    (259, 3, 1, 1),
    (262, 3, 1, 1),
    (273, 4, 1, 8),
    (277, 3, 1, 1),
    (278, 3, 1, 32),
    (279, 4, 1, 1024),
]


def changed(**values: int) -> list[Field]:
    tags = {int(name[1:]): value for name, value in values.items()}
    kept = [field for field in PLAIN if field[0] not in tags]
    return sorted([*kept, *((tag, 4 if value > 65535 else 3, 1, value) for tag, value in tags.items())])


def load(folder: Path, content: bytes) -> object:
    path = folder / "photo.tif"
    path.write_bytes(content)
    return load_photo(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_control_a_plain_tiff_is_loaded(tmp_path: Path, order: str) -> None:
    assert load(tmp_path, tiff(PLAIN, order=order)).size == (32, 32)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (tiff(changed(t50706=1)), FormatNotSupported, "raw"),
        (tiff(changed(t262=32803)), FormatNotSupported, "raw"),
        (tiff(changed(t262=34892)), FormatNotSupported, "raw"),
        (tiff(changed(t259=34713)), FormatNotSupported, "raw"),
        (tiff(PLAIN, changed(t254=1), changed(t262=32803)), FormatNotSupported, "raw"),
        (tiff(changed(t254=1, t330=8 + 4096 + 2 + 12 * 11 + 4), changed(t262=32803)), FormatNotSupported, "raw"),
        (tiff(PLAIN)[:8] + b"CR\2\0" + tiff(PLAIN)[12:], FormatNotSupported, "raw"),
        (tiff(PLAIN, PLAIN), PhotoAnimated, "2 pages"),
        (tiff(PLAIN, PLAIN, PLAIN), PhotoAnimated, "3 pages"),
        (tiff(changed(t259=6)), FormatNotSupported, "compressed"),
        (tiff(changed(t339=3)), FormatNotSupported, "samples"),
        (tiff(changed(t258=32)), FormatNotSupported, "samples"),
        (tiff(changed(t277=9)), FormatNotSupported, "samples"),
        (tiff(changed(t262=8)), FormatNotSupported, "colours"),
        (tiff(changed(t256=60_000, t257=60_000)), PhotoTooLarge, "60000 x 60000"),
        (tiff(changed(t322=60_000, t323=60_000)), PhotoTooLarge, "60000 x 60000"),
        (tiff(PLAIN, magic=43), FormatNotSupported, "BigTIFF"),
        (b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0) + bytes(90), PhotoTooLarge, "60000 x 60000"),
        (b"RIFF\x22\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff\xff\0" * 2, PhotoTooLarge, "65536 x 65536"),
    ],
)
def test_a_tiff_that_is_no_single_plain_picture_is_refused_by_name(
    tmp_path: Path, content: bytes, error: type[PhotoError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        load(tmp_path, content)
    assert type(caught.value) is error and caught.value.remedy


def test_a_thumbnail_beside_the_picture_is_left_behind(tmp_path: Path) -> None:
    assert load(tmp_path, tiff(PLAIN, changed(t254=1))).size == (32, 32)  # type: ignore[attr-defined]


def test_directories_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    content = bytearray(tiff(PLAIN))
    content[-4:] = struct.pack("<I", 8 + 4096)
    assert len(pages(bytes(content))) == 1
    many = tiff(*[[PLAIN[0]]] * 500)
    assert len(pages(many)) == 64


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"II*\0", b"MM\0*"]))
def test_directories_of_any_bytes_are_read_without_error(content: bytes, head: bytes) -> None:
    begin = time.monotonic()
    pages(head + content)
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"8BPS\0\1", "Photoshop"),
        (b"%PDF-1.7", "PDF"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg xmlns='x'>", "SVG"),
        (b"\n<svg width='1'>", "SVG"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51\0", "JPEG 2000"),
        (b"\xff\x0a\0", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n", "JPEG XL"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "raw"),
        (b"IIU\0\x18\0\0\0", "raw"),
        (b"FUJIFILMCCD-RAW 0201", "raw"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
        (b"\x1aE\xdf\xa3", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
    ],
)
def test_what_is_no_picture_to_clean_is_named_with_what_to_do(head: bytes, words: str) -> None:
    with pytest.raises(FormatNotSupported, match=words) as caught:
        sniff_format(head, Path("file"))
    assert caught.value.remedy


@pytest.mark.parametrize("head", [b"\0\0\0\x18ftypavis\0\0\0\0avifavis", b"\0\0\0\x18ftyphevc\0\0\0\0heichevc"])
def test_a_moving_heic_or_avif_is_refused(head: bytes) -> None:
    with pytest.raises(PhotoAnimated, match="moving"):
        sniff_format(head, Path("file"))


def test_brands_tell_avif_from_heic() -> None:
    assert sniff_format(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Path("file")) is Format.AVIF
    assert sniff_format(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", Path("file")) is Format.HEIF


def test_xml_that_is_no_drawing_and_text_are_not_photos() -> None:
    for head in (b"<?xml version='1.0'?><rdf/>", b"BMW is a car, and this is a letter", b"<html><svg></html>"):
        with pytest.raises(NotAPhoto):
            sniff_format(head, Path("file"))


def test_a_burst_of_heic_pictures_is_refused(tmp_path: Path) -> None:
    import pillow_heif

    burst = pillow_heif.from_pillow(PICTURE)
    burst.add_from_pillow(PICTURE.rotate(180))
    burst.save(tmp_path / "burst.heic")
    with pytest.raises(PhotoAnimated, match="2 pictures"):
        load_photo(tmp_path / "burst.heic")


def test_of_an_mpo_the_first_picture_is_taken_and_the_other_is_reported(tmp_path: Path) -> None:
    from imgguard.sanitize import leftovers

    content = as_bytes(PICTURE, "MPO", save_all=True, append_images=[Image.new("RGB", (48, 32), "red")], quality=95)
    path = tmp_path / "stereo.mpo"
    path.write_bytes(content)
    photo = load_photo(path)
    assert photo.format is Format.JPEG
    assert np.abs(photo.pixels.astype(int) - np.asarray(PICTURE)).mean() < 4
    assert any("second picture" in part.meaning for part in leftovers(content, Format.JPEG))
