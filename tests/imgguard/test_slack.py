"""Fields that decoders pass over could hold words a few bits at a time: each is held to what a picture needs."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imgguard import Format
from imgguard.sanitize import leftovers
from imgguard.sanitize.rows import Rows
from tests.pictures import MARKER, as_bytes, scene
from tests.planted import isobmff
from tests.planted.jpeg import segment
from tests.planted.png import chunk

PICTURE = Image.fromarray(scene(101, 75))
BASELINE = as_bytes(PICTURE, "JPEG", quality=90)
PROGRESSIVE = as_bytes(PICTURE, "JPEG", quality=90, progressive=True)
RESTARTING = as_bytes(PICTURE, "JPEG", quality=90, restart_marker_blocks=4)
PAIRS = [MARKER[at : at + 2] for at in range(0, len(MARKER) - 1, 2)]
SCAN = BASELINE[BASELINE.index(b"\xff\xda") :][:14]


def renamed(content: bytes) -> bytes:
    """Call the components of a JPEG by the marker's first letters."""
    out = bytearray(content)
    frame, scan = content.index(b"\xff\xc0"), content.index(b"\xff\xda")
    for number in range(3):
        out[frame + 10 + 3 * number] = out[scan + 5 + 2 * number] = MARKER[number]
    return bytes(out)


def shows(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).convert("RGB").tobytes()


JPEG_SLACK: dict[str, Callable[[], bytes]] = {
    "restart intervals that are replaced": lambda: (
        BASELINE[:20] + b"".join(segment(0xDD, pair) for pair in PAIRS) + segment(0xDD, b"\0\0") + BASELINE[20:]
    ),
    "a restart interval behind the picture": lambda: BASELINE[:-2] + segment(0xDD, MARKER[:2]) + BASELINE[-2:],
    "names of components": lambda: renamed(BASELINE),
    "a scan of a complete picture": lambda: BASELINE[:-2] + SCAN + MARKER + BASELINE[-2:],
    "scans without data": lambda: BASELINE[:-2] + SCAN * 4 + BASELINE[-2:],
    "a bit sent twice": lambda: PROGRESSIVE[:-2] + last_scan(PROGRESSIVE) + PROGRESSIVE[-2:],
    "spectral selection of a baseline scan": lambda: BASELINE.replace(SCAN, SCAN[:-3] + MARKER[:3], 1),
    "density": lambda: BASELINE[:14] + MARKER[:4] + BASELINE[18:],
    "minor version": lambda: BASELINE[:12] + MARKER[:1] + BASELINE[13:],
}


def last_scan(content: bytes) -> bytes:
    return content[content.rindex(b"\xff\xda") : -2]


@pytest.mark.parametrize("slack", JPEG_SLACK)
def test_a_jpeg_has_no_header_that_says_more_than_its_picture_needs(slack: str) -> None:
    content = JPEG_SLACK[slack]()
    if slack != "names of components":
        size = Image.open(io.BytesIO(content)).size
        assert size == PICTURE.size, "the control: it is opened as before"
    assert leftovers(content, Format.JPEG)


@pytest.mark.parametrize("content", [BASELINE, PROGRESSIVE, RESTARTING, as_bytes(PICTURE.convert("L"), "JPEG")])
def test_a_jpeg_as_it_is_written_is_clean(content: bytes) -> None:
    assert leftovers(content, Format.JPEG) == ()


def png(rows: bytes, width: int, height: int, depth: int, colour: int = 0, palette: bytes = b"") -> bytes:
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    colours = chunk(b"PLTE", palette) if palette else b""
    return head + colours + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def filtered(rows: np.ndarray, kinds: list[int]) -> bytes:
    """Filter rows (height, bytes) of samples that are smaller than a byte, each as its kind says."""
    out, above = b"", np.zeros(rows.shape[1], int)
    for row, kind in zip(rows.astype(int), kinds, strict=True):
        left, corner = np.concatenate([[0], row[:-1]]), np.concatenate([[0], above[:-1]])
        estimate = left + above - corner
        away = np.abs(np.stack([left, above, corner]) - estimate)
        nearest = np.stack([left, above, corner])[away.argmin(axis=0), np.arange(len(row))]
        predicted = [0 * row, left, above, (left + above) // 2, nearest][kind]
        out += bytes([kind]) + ((row - predicted) % 256).astype(np.uint8).tobytes()
        above = row
    return out


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_png_hides_nothing_in_the_bits_that_fill_up_its_rows(data: st.DataObject) -> None:
    depth, width = data.draw(st.sampled_from([1, 2, 4])), data.draw(st.integers(1, 40))
    kinds = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=6))
    loose = -width * depth % 8
    samples = np.frombuffer(data.draw(st.binary(min_size=-(-width * depth // 8) * len(kinds), max_size=400)), np.uint8)
    rows = samples[: -(-width * depth // 8) * len(kinds)].reshape(len(kinds), -1).copy()
    hidden = bool((rows[:, -1] & ((1 << loose) - 1)).any())
    given_rows = png(filtered(rows, kinds), width, len(kinds), depth)
    assert bool(leftovers(given_rows, Format.PNG)) is hidden
    rows[:, -1] &= 0xFF << loose & 0xFF
    emptied = png(filtered(rows, kinds), width, len(kinds), depth)
    assert leftovers(emptied, Format.PNG) == ()
    assert shows(given_rows) == shows(emptied), "the control: nobody sees a difference"


def test_a_png_names_no_filter_that_there_is_none_of() -> None:
    rows = b"".join(bytes([letter, 0, 0, 0]) for letter in MARKER)
    assert leftovers(png(rows, 1, len(MARKER), 8, colour=2), Format.PNG)
    assert leftovers(png(bytes(len(rows)), 1, len(MARKER), 8, colour=2), Format.PNG) == ()


def test_a_colour_that_only_the_fill_of_a_row_would_use_is_unused() -> None:
    palette = MARKER[:3] + b"\1\2\3"
    assert leftovers(png(b"\0\xe0" * 4, 3, 4, 1, 3, palette), Format.PNG), "the first colour is not used"
    assert leftovers(png(b"\0\xc0" * 4, 3, 4, 1, 3, palette), Format.PNG) == ()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "deflated"])
def test_a_tiff_hides_nothing_in_the_bits_that_fill_up_its_rows(packed: bool) -> None:
    height = 3
    for row, clean in ((b"\xff\xe0", True), (b"\xff\xe1", False)):
        strip = zlib.compress(row * height) if packed else row * height
        at = 8 + len(strip) + len(strip) % 2
        fields = [(256, 11), (257, height), (258, 1), (259, 8 if packed else 1), (262, 1), (273, 8), (277, 1)]
        fields += [(278, height), (279, len(strip))]
        directory = struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in fields)
        content = struct.pack("<2sHI", b"II", 42, at) + strip.ljust(at - 8, b"\0") + directory + bytes(4)
        assert np.asarray(Image.open(io.BytesIO(content))).all(), "the control: it decodes, and all is white"
        assert (leftovers(content, Format.TIFF) == ()) is clean


def test_rows_are_looked_at_in_pieces_of_any_size() -> None:
    row = bytes([1, 7, 7]) + bytes([4, 0, 9])
    for size in range(1, 7):
        rows = Rows(16, filtered=True)
        for at in range(0, 600, size):
            rows.look((row * 100)[at : at + size])
        assert rows.plain


def coded(brand: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A HEIC or AVIF with another picture's data."""
    file = isobmff.plain(brand, scene(64, 48))
    return isobmff.write(replace(file, items=(replace(file.items[0], data=change(file.items[0].data)),)))


def unit(header: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(header + body)) + header + body


FIRST_SLICE, FURTHER_SLICE = b"\x28\1\xac", b"\x28\1\x2c"
HEVC_SLACK: dict[str, Callable[[bytes], bytes]] = {
    "second picture": lambda data: data + unit(FIRST_SLICE, MARKER),
    "second picture in front": lambda data: unit(FIRST_SLICE, MARKER) + data,
    "further slice": lambda data: data + unit(FURTHER_SLICE, MARKER),
    "slice without its first": lambda data: data[:6] + bytes([data[6] & 0x7F]) + data[7:],
    "layer": lambda data: data[:5] + b"\x29" + data[6:],
    "nothing": lambda data: data[:3] + b"\2" + data[4:6],
}
AV1_SLACK: dict[str, Callable[[bytes], bytes]] = {
    "second frame": lambda data: data + b"\x32" + bytes([len(MARKER)]) + MARKER,
    "tiles behind the frame": lambda data: data + b"\x22" + bytes([len(MARKER)]) + MARKER,
    "second picture": lambda data: data * 2,
    "delimiter with data": lambda data: b"\x12" + bytes([len(MARKER)]) + MARKER + data[2:],
    "long sequence header": lambda data: (
        data[:3] + bytes([data[3] + 60]) + data[4 : 4 + data[3]] + b"x" * 60 + data[4 + data[3] :]
    ),
    "numbers of layers": lambda data: b"".join(b"\x16" + bytes([letter, 0]) for letter in MARKER) + data[2:],
    "a layer's number": lambda data: data[:2] + b"\x0e" + MARKER[:1] + data[3:],
}


@pytest.mark.parametrize("slack", HEVC_SLACK)
def test_a_heic_holds_one_slice_of_one_picture(slack: str) -> None:
    assert leftovers(coded(b"heic", HEVC_SLACK[slack]), Format.HEIF)
    assert leftovers(coded(b"heic", lambda data: data), Format.HEIF) == ()


@pytest.mark.parametrize("slack", AV1_SLACK)
def test_an_avif_holds_one_frame(slack: str) -> None:
    assert leftovers(coded(b"avif", AV1_SLACK[slack]), Format.AVIF)
    assert leftovers(coded(b"avif", lambda data: data), Format.AVIF) == ()
