from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from consent.model import Subject
from imgguard.captions import captions, places, region_names
from imgguard.errors import SetupError
from imgguard.known_names import KnownNames
from imgguard.leaks import FileCheck, check_file, check_files
from imgguard.metadata import read_metadata
from imgguard.sanitize.exif import exif_block
from imgguard.types import Format
from tests.pictures import PLANTED, SUFFIX, as_bytes, planted_exif, scene

EMMA = KnownNames.of([Subject("020411", "Emma", "Nguyen")])
NOBODY = KnownNames()
PLAIN = {
    Format.JPEG: as_bytes(Image.fromarray(scene()), "JPEG"),
    Format.PNG: as_bytes(Image.fromarray(scene()), "PNG"),
    Format.WEBP: as_bytes(Image.fromarray(scene()), "WEBP"),
}


def told(check: FileCheck) -> dict[str, str]:
    return {leak.name: leak.value for leak in check.leaks}


@pytest.mark.parametrize("container", PLAIN)
def test_a_bare_picture_under_a_plain_name_is_clean_whoever_made_it(tmp_path: Path, container: Format) -> None:
    path = tmp_path / f"IMG_2034{SUFFIX[container]}"
    path.write_bytes(PLAIN[container])
    check = check_file(path, EMMA)
    assert check.ok and check.container is container and not check.leaks


@pytest.mark.parametrize("container", PLANTED)
def test_whatever_is_planted_makes_a_file_unclean_and_its_place_is_told(tmp_path: Path, container: Format) -> None:
    path = tmp_path / "photo"
    path.write_bytes(PLANTED[container](scene()))
    check = check_file(path, NOBODY)
    assert not check.ok
    if container not in (Format.GIF, Format.BMP, Format.TIFF):
        assert told(check)["place of taking"] == "53.50000° N, 110.25000° W"


def test_the_place_in_a_tiff_is_told_and_how_its_pixels_are_stored_is_not(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.load(planted_exif())
    path = tmp_path / "a.tif"
    path.write_bytes(as_bytes(Image.fromarray(scene()), "TIFF", exif=exif))
    found = told(check_file(path, NOBODY))
    assert found["place of taking"] == "53.50000° N, 110.25000° W"
    assert "StripOffsets" not in found


def test_names_of_files_and_folders_are_judged_with_and_without_a_roster(tmp_path: Path) -> None:
    path = tmp_path / "photos" / "Emma Nguyen" / "2026-09-12.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(PLAIN[Format.PNG])
    (check,) = check_files([tmp_path / "photos"], EMMA)
    assert {(leak.place, leak.value) for leak in check.leaks} == {("folder name", "emma"), ("file name", "2026-09-12")}
    (check,) = check_files([tmp_path / "photos"], NOBODY)
    assert {leak.place for leak in check.leaks} == {"file name"}


@pytest.mark.parametrize(
    ("credit", "leaks"),
    [
        ("Photo: A. Teacher, North School, 12 Main Street, 2026", set()),
        ("Photo: Emma Nguyen", {"a name of the roster"}),
        ("020411", {"a number of the roster"}),
        ("53.5461, -113.4938", {"a place"}),
        ("Photo: North School, 53\u00b032'46\"N 113\u00b029'38\"W", {"a place"}),
        ("call 780-555-0123", {"a phone number"}),
        ("Photo: e.n@school.ca", {"an e-mail address or a handle"}),
    ],
)
@pytest.mark.parametrize("container", [Format.JPEG, Format.PNG, Format.WEBP])
def test_a_credit_may_stay_but_not_what_it_tells_of_somebody(
    tmp_path: Path, container: Format, credit: str, leaks: set[str]
) -> None:
    path = tmp_path / "IMG_1"
    block = b"Exif\0\0" + exif_block(credit, None)
    path.write_bytes(as_bytes(Image.fromarray(scene()), container.value.upper(), exif=block))
    check = check_file(path, EMMA)
    assert check.credit == credit
    assert {(leak.place, leak.name) for leak in check.leaks} == {("credit", what) for what in leaks}
    assert check.ok == (not leaks)


def test_extended_attributes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PLAIN[Format.PNG])
    assert check_file(path, NOBODY).ok
    try:
        os.setxattr(path, "user.xdg.origin.url", b"https://photos.example/emma")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes here")
    assert told(check_file(path, NOBODY)) == {"user.xdg.origin.url": "https://photos.example/emma"}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"8BPS\0\1", "Photoshop"),
        (b"FUJIFILMCCD-RAW 0201", "raw"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ""),
        (b"", "empty"),
    ],
)
def test_what_is_never_published_is_not_clean_and_says_why(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "file.jpg"
    path.write_bytes(content)
    check = check_file(path, NOBODY)
    assert not check.ok and check.container is None
    assert check.reason is not None and word in check.reason
    assert str(path) not in check.reason


def test_sidecars_and_links_in_a_folder_are_listed(tmp_path: Path) -> None:
    for name in ("a.png", "a.xmp", "a.mov", "Thumbs.db"):
        (tmp_path / name).write_bytes(PLAIN[Format.PNG])
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    checks = {check.path.name: check for check in check_files([tmp_path], NOBODY)}
    assert {name for name, check in checks.items() if check.ok} == {"a.png"}
    assert "live photo" in (checks["a.mov"].reason or "")
    assert "link" in (checks["link.png"].reason or "")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        list(check_files([tmp_path / "nothing.jpg"], NOBODY))


@given(st.sampled_from(list(Format)), st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(container: Format, content: bytes) -> None:
    for head in (
        b"",
        b"\xff\xd8\xff\xe1\0\x40Exif\0\0II*\0\x08\0\0\0",
        b"II*\0\x08\0\0\0\x05\0",
        b"8BIM\x1c\x02\x05\0",
    ):
        read_metadata(head + content, container)


def test_claims_that_only_together_are_too_much_are_not_believed() -> None:
    entries = b"".join(struct.pack("<HHII", tag, 2, 500_000, 8) for tag in range(0x9000, 0x9000 + 20_000))
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 20_000) + entries + bytes(600_000)
    content = (
        PLAIN[Format.PNG][:33]
        + struct.pack(">I", len(block))
        + b"eXIf"
        + block
        + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    )
    began = time.monotonic()
    items = read_metadata(content, Format.PNG)
    assert time.monotonic() - began < 5
    assert "unreadable block" in {item.name for item in items}


def test_names_beside_faces_are_found_in_each_way_of_writing_them() -> None:
    xmp = (
        b'<rdf:li mwg-rs:Name="Emma"/><mwg-rs:Name>Theo</mwg-rs:Name><MPReg:PersonDisplayName>Zuri</x>'
        b"<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>Nadia</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>"
    )
    assert region_names(xmp) == (b"Emma", b"Theo", b"Zuri", b"Nadia")


def test_places_are_found_in_xmp_and_in_videos() -> None:
    xmp = b'exif:GPSLatitude="53,32.766N" exif:GPSLongitude="113,29.628W"'
    assert [(where, round(n, 4), round(e, 4)) for where, n, e in places(xmp)] == [("XMP", 53.5461, -113.4938)]
    assert list(places(b"\xa9xyz\0\x12+53.5461-113.4938+668.000/")) == [("video", 53.5461, -113.4938)]
    assert list(places(b'exif:GPSLatitude="53,32.766N"')) == []


def test_captions_are_told_with_their_meaning() -> None:
    records = b"".join(
        b"\x1c\x02" + bytes([number, 0, len(text)]) + text for number, text in ((120, b"Emma"), (90, b"X"))
    )
    assert list(captions(b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x20" + records)) == [
        ("caption", b"Emma"),
        ("city", b"X"),
    ]
