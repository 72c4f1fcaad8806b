from __future__ import annotations

import os
import struct
from pathlib import Path

import cv2
import numpy as np
import piexif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

import imgguard.photo
from imgguard import (
    Format,
    FormatNotSupported,
    NotAPhoto,
    PhotoAnimated,
    PhotoBroken,
    PhotoEmpty,
    PhotoError,
    PhotoTooLarge,
    PhotoTruncated,
    PhotoUnreadable,
    load_photo,
    turning,
)
from imgguard.raster import rgb8
from imgguard.sanitize import block_grid
from tests.conftest import SAMPLES
from tests.pictures import PLANTED, SUFFIX, as_bytes, planted_heic, scene


def written(folder: Path, content: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("container", Format)
def test_each_container_is_told_from_its_bytes_whatever_its_name(tmp_path: Path, container: Format) -> None:
    pixels = scene(160, 120)
    photo = load_photo(written(tmp_path, PLANTED[container](pixels), "holiday.txt"))
    assert photo.format is container
    assert photo.size == (160, 120)
    assert np.abs(photo.pixels.astype(int) - pixels).mean() < (8 if container is Format.GIF else 4)
    assert not photo.pixels.flags.writeable


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(int(v) > 128 for v in pixels[y, x]) for y, x in ((8, 8), (8, -8), (-8, 8), (-8, -8))]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:24, :32], upright[:24, 32:], upright[24:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    undo = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
    stored = turning.upright(upright, undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = written(tmp_path, as_bytes(Image.fromarray(stored), kind, exif=exif.tobytes(), quality=95))
    assert corners(load_photo(path).pixels) == corners(upright)
    if orientation > 1:
        assert corners(stored) != corners(upright) or stored.shape != upright.shape, "the control: stored as turned"


def test_an_embedded_profile_is_converted(tmp_path: Path) -> None:
    """A profile that swaps nothing changes nothing; a linear one brightens."""
    grey = Image.new("RGB", (16, 16), (64, 64, 64))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = load_photo(written(tmp_path, as_bytes(grey, "PNG", icc_profile=srgb)))
    assert same.pixels[0, 0].tolist() == [64, 64, 64]
    assert same.icc == srgb
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    odd = load_photo(written(tmp_path, as_bytes(grey, "PNG", icc_profile=lab)))
    assert odd.pixels[0, 0].tolist() == [64, 64, 64], "a profile of another colour space is ignored"
    gamma = linear_profile(srgb)
    bright = load_photo(written(tmp_path, as_bytes(grey, "PNG", icc_profile=gamma)))
    assert bright.pixels[0, 0, 0] > 120


def linear_profile(srgb: bytes) -> bytes:
    """Make every tone curve of a profile linear: a curv with no entries (ICC.1, 10.6)."""
    count = struct.unpack(">I", srgb[128:132])[0]
    out = bytearray(srgb)
    for index in range(count):
        entry = 132 + 12 * index
        tag, offset = out[entry : entry + 4], struct.unpack(">I", out[entry + 4 : entry + 8])[0]
        if bytes(tag) in (b"rTRC", b"gTRC", b"bTRC"):
            out[offset : offset + 12] = b"curv" + bytes(8)
            out[entry + 8 : entry + 12] = struct.pack(">I", 12)
    return bytes(out)


def test_transparency_is_flattened_on_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (load_photo(written(tmp_path, as_bytes(image, "PNG"))).pixels == 255).all()
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([9, 9, 9])
    assert (load_photo(written(tmp_path, as_bytes(palette, "PNG", transparency=0))).pixels == 255).all()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(np.full((8, 8), 0x8000, np.uint16)), 128),
        (Image.new("L", (8, 8), 77), 77),
        (Image.new("1", (8, 8), 1), 255),
        (Image.new("LA", (8, 8), (50, 255)), 50),
    ],
)
def test_every_depth_becomes_8_bit_rgb(tmp_path: Path, image: Image.Image, expected: int) -> None:
    pixels = load_photo(written(tmp_path, as_bytes(image, "PNG"))).pixels
    assert pixels.shape == (8, 8, 3)
    assert (np.abs(pixels.astype(int) - expected) <= 1).all()


def test_cmyk_is_converted(tmp_path: Path) -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red = load_photo(written(tmp_path, as_bytes(image, "JPEG", quality=95))).pixels[8, 8]
    assert red[0] > 200 and red[1] < 60 and red[2] < 60


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    return as_bytes(frames[0], kind, save_all=True, append_images=frames[1:])


JPEG = as_bytes(Image.fromarray(scene(200, 150)), "JPEG")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", PhotoEmpty),
        (b"hello, this is a letter", NotAPhoto),
        (JPEG[:300], PhotoTruncated),
        (JPEG[: len(JPEG) // 2], PhotoTruncated),
        (as_bytes(Image.fromarray(scene()), "PNG")[:4000], PhotoTruncated),
        (as_bytes(Image.fromarray(scene()), "WEBP")[:900], PhotoTruncated),
        (JPEG[:2] + b"\xff\xda\0\x02" + b"\xff\xd9", PhotoBroken),
        (planted_heic(scene(64, 64))[:600], PhotoBroken),
        (animated("WEBP"), PhotoAnimated),
        (animated("PNG"), PhotoAnimated),
        (animated("GIF"), PhotoAnimated),
        (animated("TIFF"), PhotoAnimated),
        (animated("AVIF"), PhotoAnimated),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", FormatNotSupported),
        (b"8BPS\0\1", FormatNotSupported),
        (b"%PDF-1.7", FormatNotSupported),
    ],
)
def test_what_cannot_be_cleaned_is_refused_by_kind_with_a_remedy(
    tmp_path: Path, content: bytes, error: type[PhotoError]
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(error) as caught:
        load_photo(path)
    assert type(caught.value) is error
    assert str(path) in caught.value.what
    assert caught.value.remedy


def test_the_pixel_limit_counts_before_anything_is_decoded(tmp_path: Path) -> None:
    header = bytearray(as_bytes(Image.new("RGB", (8, 8)), "PNG"))
    header[16:24] = struct.pack(">II", 20_000, 10_001)
    import zlib

    header[29:33] = struct.pack(">I", zlib.crc32(header[12:29]))
    with pytest.raises(PhotoTooLarge, match="20000 x 10001"):
        load_photo(written(tmp_path, bytes(header)))


def test_a_file_with_too_many_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imgguard.photo, "MAX_BYTES", 100)
    with pytest.raises(PhotoTooLarge):
        load_photo(written(tmp_path, JPEG))


def test_pipes_folders_devices_and_missing_files_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", tmp_path, tmp_path / "nothing.jpg", Path("/dev/zero")):
        with pytest.raises(PhotoUnreadable):
            load_photo(path)


def test_a_profile_of_garbage_and_exif_of_garbage_do_not_stop_a_photo(tmp_path: Path) -> None:
    image = Image.fromarray(scene())
    path = written(tmp_path, as_bytes(image, "JPEG", icc_profile=b"garbage" * 9, exif=b"Exif\0\0II*\0garbage"))
    assert load_photo(path).size == (320, 240)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_photos_are_loaded_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    container = data.draw(st.sampled_from(list(Format)))
    content = bytearray(SMALL[container])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    try:
        load_photo(written(tmp_path_factory.mktemp("f"), bytes(content)))
    except PhotoError as error:
        assert error.remedy


SMALL = {container: plant(scene(48, 40)) for container, plant in PLANTED.items()}


@pytest.mark.parametrize("quality", [60, 85, 95])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_quality_and_subsampling_are_read(tmp_path: Path, quality: int, subsampling: str) -> None:
    image = Image.fromarray(scene())
    photo = load_photo(written(tmp_path, as_bytes(image, "JPEG", quality=quality, subsampling=subsampling)))
    assert photo.encoding.quality == quality
    assert photo.encoding.subsampling == subsampling


@pytest.mark.parametrize("suffix", SUFFIX.values())
def test_an_empty_file_is_named_as_empty_whatever_its_name(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(PhotoEmpty, match="0 bytes"):
        load_photo(written(tmp_path, b"", f"photo{suffix}"))


def test_a_sample_photo_loads_with_its_digest() -> None:
    import hashlib

    path = SAMPLES / "event" / "event_01_class_photo.jpg"
    assert load_photo(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


QUARTERS = np.repeat(
    np.repeat(np.array([[[250, 10, 10], [10, 250, 10]], [[10, 10, 250], [240, 240, 20]]]), 32, 0), 48, 1
)
# Where the red, the green, the blue and the yellow quarter come to lie (Exif 3.0, 4.6.5.1.6).
TURNED = {1: "rgby", 2: "gryb", 3: "ybgr", 4: "byrg", 5: "rbgy", 6: "bryg", 7: "ygbr", 8: "gyrb"}


def quarters_of(pixels: np.ndarray) -> str:
    """Name the colours of the four quarters."""
    height, width = pixels.shape[:2]
    names = {(True, False, False): "r", (False, True, False): "g", (False, False, True): "b", (True, True, False): "y"}
    places = [(y * height // 4, x * width // 4) for y in (1, 3) for x in (1, 3)]
    return "".join(names[tuple(bool(v > 120) for v in pixels[place])] for place in places)


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_tiff_is_turned_once(tmp_path: Path, mode: str, compression: str, orientation: int) -> None:
    image = Image.fromarray(QUARTERS.astype(np.uint8))
    image = image.quantize(8) if mode == "P" else image
    path = tmp_path / "scan.tif"
    image.save(path, compression=compression, tiffinfo={0x112: orientation})
    photo = load_photo(path)
    assert quarters_of(photo.pixels) == quarters_of(photo.stored) == TURNED[orientation]
    assert photo.raster is not None and quarters_of(rgb8(photo.raster)) == TURNED[orientation]


@pytest.mark.parametrize("orientation", TURNED)
def test_a_deep_tiff_is_turned_once(tmp_path: Path, orientation: int) -> None:
    written = cv2.imencode(".tif", (QUARTERS[..., ::-1] * 257).astype(np.uint16))[1].tobytes()
    path = tmp_path / "deep.tif"
    path.write_bytes(_with_orientation(written, orientation))
    assert quarters_of(load_photo(path).pixels) == TURNED[orientation]


def _with_orientation(content: bytes, orientation: int) -> bytes:
    """Put an orientation into a little-endian TIFF: a copy of its directory with one more entry, at the end."""
    first = int.from_bytes(content[4:8], "little")
    count = int.from_bytes(content[first : first + 2], "little")
    entries = [content[first + 2 + 12 * i : first + 14 + 12 * i] for i in range(count)]
    entries = [entry for entry in entries if entry[:2] != b"\x12\x01"]
    entries.append(struct.pack("<HHII", 0x112, 3, 1, orientation))
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    at = len(content) + len(content) % 2
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return content[:4] + struct.pack("<I", at) + content[8:].ljust(at - 8, b"\0") + directory


XMP_ON_ITS_SIDE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("told", [None, 1])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_only_exif_turns_a_picture_as_viewers_do(tmp_path: Path, kind: str, told: int | None) -> None:
    options: dict[str, object] = {"exif": piexif.dump({"0th": {0x112: told}})} if told else {}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP_ON_ITS_SIDE.decode())
        options["pnginfo"] = text
    else:
        options["xmp"] = XMP_ON_ITS_SIDE
    path = tmp_path / "photo"
    path.write_bytes(as_bytes(Image.fromarray(QUARTERS.astype(np.uint8)), kind, **options))
    assert b"tiff:Orientation" in path.read_bytes(), "the control: it is there"
    assert quarters_of(load_photo(path).pixels) == "rgby"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_makes_no_sense_turns_nothing(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    path = tmp_path / "photo"
    path.write_bytes(as_bytes(Image.fromarray(QUARTERS.astype(np.uint8)), kind, exif=exif))
    photo = load_photo(path)
    assert photo.orientation == 1 and quarters_of(photo.pixels) == "rgby"
    assert block_grid(photo).offset == (0, 0)
