from __future__ import annotations

import io
import struct

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imgguard.errors import SetupError
from imgguard.sanitize.exif import LONGEST_CREDIT, checked_credit, exif_block, is_plain_exif, read_credit
from tests.pictures import as_bytes, planted_exif

CREDIT = "Photo: A. Teacher, École Nord"
LETTERS = st.characters(exclude_categories=("C", "Z"))
CREDITS = st.text(LETTERS, min_size=1, max_size=60).map(lambda text: checked_credit(text))


@given(credit=CREDITS, orientation=st.none() | st.integers(1, 8))
def test_what_is_written_is_plain_and_says_the_credit(credit: str, orientation: int | None) -> None:
    block = exif_block(credit, orientation)
    assert is_plain_exif(block)
    assert read_credit(block) == credit


@pytest.mark.parametrize("orientation", range(1, 9))
def test_another_reader_sees_orientation_and_credit_and_nothing_else(orientation: int) -> None:
    picture = as_bytes(Image.new("RGB", (8, 8)), "JPEG", exif=b"Exif\0\0" + exif_block(CREDIT, orientation))
    exif = Image.open(io.BytesIO(picture)).getexif()
    # Pillow takes the bytes of an ASCII field for Latin-1.
    text = CREDIT.encode().decode("latin-1")
    assert dict(exif) == {0x0112: orientation, 0x013B: text, 0x8298: text}


def test_an_orientation_alone_is_plain_and_nothing_at_all_is_no_block() -> None:
    assert is_plain_exif(exif_block(None, 6))
    assert read_credit(exif_block(None, 6)) is None
    assert exif_block(None, None) == b""
    assert not is_plain_exif(b"")


def test_little_endian_is_plain_too() -> None:
    head = b"II*\0\x08\0\0\0\x02\0"
    entries = struct.pack("<HHIIHHII", 0x013B, 2, 6, 38, 0x8298, 2, 6, 44)
    block = head + entries + bytes(4) + b"Photo\0Photo\0"
    assert read_credit(block) == "Photo"


@given(data=st.data())
def test_a_byte_more_or_less_is_not_plain(data: st.DataObject) -> None:
    block = exif_block(CREDIT, data.draw(st.none() | st.integers(1, 8)))
    at = data.draw(st.integers(0, len(block)))
    more = data.draw(st.binary(min_size=1, max_size=4))
    assert not is_plain_exif(block[:at] + more + block[at:])
    assert not is_plain_exif(block[: at - 1] if at else b"")


@given(at=st.integers(0, len(exif_block(CREDIT, 6)) - 1), value=st.integers(0, 255))
def test_no_byte_can_be_changed_but_to_another_orientation(at: int, value: int) -> None:
    block = exif_block(CREDIT, 6)
    changed = block[:at] + bytes([value]) + block[at + 1 :]
    if is_plain_exif(changed):
        assert changed in {exif_block(CREDIT, turn) for turn in range(1, 9)}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    for head in (b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"MM\0*\0\0\0\x08\0\x03"):
        is_plain_exif(head + content)


@pytest.mark.parametrize(
    "tables",
    [
        {"0th": {piexif.ImageIFD.Artist: b"A", piexif.ImageIFD.Copyright: b"A", piexif.ImageIFD.Make: b"M"}},
        {"0th": {piexif.ImageIFD.Artist: b"Emma Nguyen", piexif.ImageIFD.Copyright: b"North School"}},
        {"0th": {piexif.ImageIFD.Artist: b"Emma Nguyen"}},
        {"0th": {piexif.ImageIFD.Artist: b"a\nb", piexif.ImageIFD.Copyright: b"a\nb"}},
        {"0th": {piexif.ImageIFD.Artist: b"a\0b", piexif.ImageIFD.Copyright: b"a\0b"}},
        {"0th": {piexif.ImageIFD.Artist: b"a\xff", piexif.ImageIFD.Copyright: b"a\xff"}},
        {"0th": {piexif.ImageIFD.Artist: b"a" * 201, piexif.ImageIFD.Copyright: b"a" * 201}},
        {"0th": {piexif.ImageIFD.Orientation: 9}},
        {"0th": {piexif.ImageIFD.Orientation: 6}, "GPS": {piexif.GPSIFD.GPSVersionID: (2, 3, 0, 0)}},
        {"0th": {}},
    ],
)
def test_anything_else_is_not_plain(tables: dict[str, dict[int, object]]) -> None:
    assert not is_plain_exif(piexif.dump(tables)[6:])


def test_a_camera_s_block_is_not_plain_nor_one_with_the_header_of_jpeg() -> None:
    assert not is_plain_exif(planted_exif()[6:])
    assert not is_plain_exif(b"Exif\0\0" + exif_block(CREDIT, None))


@pytest.mark.parametrize("credit", ["", "   ", "two\nlines", "a\0b", "x\u202egpj", "a\tb", "a" * (LONGEST_CREDIT + 1)])
def test_a_credit_that_is_no_plain_line_is_refused(credit: str) -> None:
    with pytest.raises(SetupError, match="credit"):
        exif_block(credit, None)


def test_an_orientation_that_is_none_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="9"):
        exif_block(None, 9)
