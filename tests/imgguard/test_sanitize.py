from __future__ import annotations

import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from imgguard import Encoding, Format
from imgguard.decoders import open_picture
from imgguard.sanitize import SUFFIXES, encode, leftovers, output_format, scan
from tests.pictures import MARKER, PLANTED, as_bytes, scene

OUTPUT_FORMATS = tuple(SUFFIXES)
PLAIN = Encoding(90, "4:2:0", lossless=False)
LEAVES = {
    Format.JPEG: {"APP0", "APP1", "APP2", "APP10", "APP11", "APP12", "APP13", "COM", "trailer"},
    Format.PNG: {"eXIf", "tEXt", "zTXt", "iTXt", "prVt", "trailer"},
    Format.WEBP: {"VP8X", "EXIF", "XMP ", "trailer"},
    Format.HEIF: {"item Exif", "item mime"},
    Format.AVIF: {"item Exif", "item mime"},
    Format.GIF: {"extension 0xFF", "extension 0xFE", "trailer"},
    Format.TIFF: {"tag 270", "tag 315", "tag 700", "tag 33723", "tag 34377", "trailer"},
    Format.BMP: {"file header", "gap", "trailer"},
}


@pytest.mark.parametrize("container", Format)
def test_everything_planted_is_listed(container: Format) -> None:
    content = PLANTED[container](scene(64, 48))
    assert MARKER in content, "the control: the marker is there"
    assert {part.name for part in leftovers(content, container)} >= LEAVES[container]


@pytest.mark.parametrize("container", OUTPUT_FORMATS)
@pytest.mark.parametrize("lossless", [True, False])
def test_what_is_written_holds_nothing_but_the_picture(container: Format, lossless: bool) -> None:
    content = encode(scene(), container, Encoding(90, "4:2:2", lossless=lossless))
    assert leftovers(content, container) == ()
    image = open_picture(content, container, Path("written"))
    image.load()
    assert image.size == (320, 240)
    # What Pillow says of structure, and of what is not there.
    structural = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background", "timestamp", "duration"}
    structural |= {"version", "compression", "dpi", "primary", "bit_depth", "chroma", "resolution", "nclx_profile"}
    assert not {name for name, value in image.info.items() if value} - structural


@pytest.mark.parametrize("container", Format)
@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_scan_covers_every_byte_and_never_raises(container: Format, data: st.DataObject) -> None:
    content = bytearray(SMALL[container])
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    parts = scan(bytes(content), container)
    assert all(part.length >= 0 and 0 <= part.offset <= len(content) for part in parts)
    at = 0
    for part in parts:
        assert part.offset == at, "a gap or an overlap"
        at += part.length
    assert at == len(content)


SMALL = {container: plant(scene(48, 40)) for container, plant in PLANTED.items()}


@pytest.mark.parametrize("container", OUTPUT_FORMATS)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_can_be_put_into_a_clean_file_unseen(container: Format, data: st.DataObject) -> None:
    clean = CLEAN[container]
    extra = data.draw(st.sampled_from(FOREIGN[container]))
    places = [part.offset for part in scan(clean, container)] + [len(clean)]
    at = data.draw(st.sampled_from(places[1:]))
    # Without decoding, bytes at the end of a JPEG's picture data cannot be told from it.
    assume(not (container is Format.JPEG and extra == MARKER and clean[at : at + 2] == b"\xff\xd9"))
    assert leftovers(clean[:at] + extra + clean[at:], container)


CLEAN = {container: encode(scene(48, 40), container, PLAIN) for container in OUTPUT_FORMATS}
FOREIGN = {
    Format.JPEG: [
        struct.pack(">BBH", 0xFF, code, len(MARKER) + 2) + MARKER for code in (*range(0xE0, 0xF0), 0xFE, 0xF7, 0xC8)
    ]
    + [MARKER, as_bytes(Image.new("RGB", (8, 8)), "JPEG")],
    Format.PNG: [
        struct.pack(">I", len(MARKER)) + name + MARKER + struct.pack(">I", zlib.crc32(name + MARKER))
        for name in (b"tEXt", b"eXIf", b"iCCP", b"tIME", b"fdAT", b"zzZz")
    ]
    + [MARKER],
    Format.WEBP: [name + struct.pack("<I", 24) + MARKER[:24].ljust(24) for name in (b"EXIF", b"XMP ", b"zzzz")]
    + [MARKER],
    Format.GIF: [
        b"\x21" + label + bytes([len(MARKER)]) + MARKER + b"\0" for label in (b"\xfe", b"\x01", b"\xf9", b"\x99")
    ]
    + [b"\x21\xff\x0bXMP DataXMP" + bytes([len(MARKER)]) + MARKER + b"\0", MARKER, b"\0" + MARKER],
    Format.TIFF: [MARKER, bytes(2), MARKER[:1]],
    Format.BMP: [MARKER, bytes(4)],
    Format.HEIF: [struct.pack(">I", 8 + len(MARKER)) + name + MARKER for name in (b"free", b"uuid", b"mdat", b"moov")]
    + [MARKER],
    Format.AVIF: [struct.pack(">I", 8 + len(MARKER)) + name + MARKER for name in (b"free", b"uuid", b"mdat", b"moov")]
    + [MARKER],
}


def test_a_thumbnail_in_the_jfif_header_is_seen() -> None:
    clean = CLEAN[Format.JPEG]
    header = clean[2:20]
    small = header[:2] + struct.pack(">H", 16 + 12) + header[4:16] + b"\x02\x02" + bytes(12)
    assert leftovers(clean[:2] + small + clean[20:], Format.JPEG)


def test_heic_becomes_jpeg_and_the_others_stay_unless_told_otherwise() -> None:
    assert output_format(Format.HEIF, None) is Format.JPEG
    others = [container for container in OUTPUT_FORMATS if container is not Format.HEIF]
    assert [output_format(container, None) for container in others] == others
    assert output_format(Format.HEIF, Format.HEIF) is Format.HEIF
    assert output_format(Format.HEIF, Format.PNG) is Format.PNG


def test_png_and_lossless_webp_keep_every_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    for container in (Format.PNG, Format.WEBP):
        content = encode(pixels, container, Encoding(None, None, lossless=True))
        assert (np.asarray(Image.open(io.BytesIO(content))) == pixels).all()


@pytest.mark.parametrize(("given_quality", "written"), [(30, 75), (90, 90), (99, 95), (None, 92)])
def test_jpeg_quality_stays_near_the_sources(given_quality: int | None, written: int) -> None:
    ours = encode(scene(), Format.JPEG, Encoding(given_quality, "4:4:4", lossless=False))
    theirs = as_bytes(Image.fromarray(scene()), "JPEG", quality=written, subsampling="4:4:4")
    assert Image.open(io.BytesIO(ours)).quantization == Image.open(io.BytesIO(theirs)).quantization  # type: ignore[attr-defined]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


PNG_HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
PNG_ROWS = bytes(4 * 13)
PNG_END = chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "clean"),
    [
        (PNG_HEAD + chunk(b"IDAT", zlib.compress(PNG_ROWS)) + PNG_END, True),
        (PNG_HEAD + chunk(b"IDAT", zlib.compress(PNG_ROWS) + MARKER) + PNG_END, False),
        (PNG_HEAD + chunk(b"IDAT", zlib.compress(PNG_ROWS + MARKER)) + PNG_END, False),
        (PNG_HEAD + chunk(b"IDAT", zlib.compress(PNG_ROWS[:-1])) + PNG_END, False),
        (PNG_HEAD + chunk(b"IDAT", zlib.compress(PNG_ROWS)) + chunk(b"IDAT", MARKER) + PNG_END, False),
        (PNG_HEAD + chunk(b"PLTE", MARKER[:21]) + chunk(b"IDAT", zlib.compress(PNG_ROWS)) + PNG_END, False),
        (PNG_HEAD + PNG_HEAD[8:] + chunk(b"IDAT", zlib.compress(PNG_ROWS)) + PNG_END, False),
        (PNG_HEAD + chunk(b"tRNS", bytes(6)) + chunk(b"IDAT", zlib.compress(PNG_ROWS)) + PNG_END, False),
    ],
)
def test_png_data_is_counted_to_its_end(content: bytes, clean: bool) -> None:
    assert (leftovers(content, Format.PNG) == ()) is clean


def test_gif_data_is_counted_to_its_end_and_unused_colours_are_seen() -> None:
    indexed = Image.new("P", (40, 30), 0)
    indexed.putpalette([9, 9, 9, 200, 0, 0, 0, 200, 0, 0, 0, 200])
    indexed.putdata([(x * x // 7 + x // 3) % 4 for x in range(1200)])
    content = as_bytes(indexed, "GIF", optimize=False)
    assert leftovers(content, Format.GIF) == ()
    data = next(part for part in scan(content, Format.GIF) if part.name == "data")
    end = data.offset + data.length - 1
    hidden = content[:end] + bytes([len(MARKER)]) + MARKER + content[end:]
    assert Image.open(io.BytesIO(hidden)).convert("RGB").tobytes() == indexed.convert("RGB").tobytes(), "the control"
    assert [part.name for part in leftovers(hidden, Format.GIF)] == ["data"]
    indexed.putdata([0] * 600 + [1] * 600)
    assert leftovers(as_bytes(indexed, "GIF", optimize=False), Format.GIF), "two colours are not used"


@pytest.mark.parametrize("container", [container for container in OUTPUT_FORMATS if container is not Format.JPEG])
def test_no_part_of_a_file_can_be_there_twice_or_left_out(container: Format) -> None:
    """The structure is held as a whole: a part again, or a part less, is not clean."""
    clean = CLEAN[container]
    for part in scan(clean, container):
        piece = clean[part.offset : part.offset + part.length]
        if piece and part.name != "fill":
            again = clean[: part.offset] + piece + clean[part.offset :]
            assert leftovers(again, container), f"{part.name} twice"
            assert leftovers(clean.replace(piece, b"", 1), container), f"{part.name} left out"


def test_many_small_chunks_take_no_long_time() -> None:
    begin = time.process_time()
    scan(PNG_HEAD + chunk(b"IDAT", b"") * 300_000, Format.PNG)
    scan(b"RIFF\xff\xff\xff\x0fWEBP" + b"zzzz\0\0\0\0" * 300_000, Format.WEBP)
    scan(b"\0\0\0\x08free" * 300_000, Format.HEIF)
    scan(b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\0" * 300_000, Format.GIF)
    scan(b"BM" + b"\xff" * 1_000_000, Format.BMP)
    assert time.process_time() - begin < 10


def test_a_stream_that_unpacks_to_gigabytes_is_given_up() -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1 << 30, 1 << 30, 8, 2, 0, 0, 0))
    bomb = PNG_HEAD[:8] + header + chunk(b"IDAT", zlib.compress(bytes(50_000_000))) + PNG_END
    begin = time.process_time()
    assert leftovers(bomb, Format.PNG)
    assert time.process_time() - begin < 2
