"""Outside of the covers every sample stays, at its own depth; under them nothing but the covered colours counts."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from imgguard import Format, Guard, Photo, load_photo
from imgguard.backends import default_backends
from imgguard.pipeline import prepare_photo
from imgguard.raster import compact, merged, rgb8
from imgguard.redact import Redacted
from imgguard.reread import reread
from imgguard.sanitize import leftovers, write
from imgguard.types import Raster
from tests.conftest import SAMPLES
from tests.pictures import as_bytes, scene

EXACT = (Format.PNG, Format.TIFF, Format.BMP, Format.WEBP)
PICTURE = Image.fromarray(scene(101, 75))
DEEP = scene(101, 75).astype(np.uint16) * 255 + 31
GREY_DEEP = Image.fromarray(np.ascontiguousarray(DEEP[..., 0]))


def deep(suffix: str) -> bytes:
    done, content = cv2.imencode(suffix, np.ascontiguousarray(DEEP[..., ::-1]))
    assert done
    return bytes(content.tobytes())


KINDS: dict[str, tuple[bytes, int, int, bool]] = {
    # The file, and what it should be taken for: bits, dimensions of the samples, palette.
    "png": (as_bytes(PICTURE, "PNG"), 8, 3, False),
    "png with 200 colours": (as_bytes(PICTURE.quantize(200), "PNG"), 8, 2, True),
    "png with 13 colours": (as_bytes(PICTURE.quantize(13), "PNG"), 4, 2, True),
    "grey png": (as_bytes(PICTURE.convert("L"), "PNG"), 8, 2, False),
    "black and white png": (as_bytes(PICTURE.convert("1"), "PNG"), 1, 2, False),
    "16 bit png": (deep(".png"), 16, 3, False),
    "16 bit grey png": (as_bytes(GREY_DEEP, "PNG"), 16, 2, False),
    "gif": (as_bytes(PICTURE.quantize(100), "GIF"), 8, 2, True),
    "bmp": (as_bytes(PICTURE, "BMP"), 8, 3, False),
    "bmp with 100 colours": (as_bytes(PICTURE.quantize(100), "BMP"), 8, 2, True),
    "black and white bmp": (as_bytes(PICTURE.convert("1"), "BMP"), 1, 2, False),
    "tiff": (as_bytes(PICTURE, "TIFF"), 8, 3, False),
    "tiff, lzw": (as_bytes(PICTURE, "TIFF", compression="tiff_lzw"), 8, 3, False),
    "tiff with 30 colours": (as_bytes(PICTURE.quantize(30), "TIFF"), 8, 2, True),
    "fax": (as_bytes(PICTURE.convert("1"), "TIFF", compression="group4"), 1, 2, False),
    "16 bit tiff": (deep(".tif"), 16, 3, False),
    "16 bit grey tiff": (as_bytes(GREY_DEEP, "TIFF"), 16, 2, False),
    "lossless webp": (as_bytes(PICTURE, "WEBP", lossless=True), 8, 3, False),
}


def loaded(folder: Path, content: bytes) -> Photo:
    path = folder / "photo"
    path.write_bytes(content)
    return load_photo(path)


def covered(photo: Photo, seed: int = 0) -> Redacted:
    """A cover in the middle, whose colours do not come from the picture."""
    changed = np.zeros(photo.stored.shape[:2], bool)
    changed[20:50, 30:70] = True
    pixels = photo.stored.copy()
    pixels[changed] = np.asarray(Image.fromarray(scene(40, 30, seed))).reshape(-1, 3)
    return Redacted(pixels, changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_keeps_its_kind_and_every_sample_outside_of_the_covers(tmp_path: Path, kind: str) -> None:
    content, bits, dimensions, indexed = KINDS[kind]
    photo = loaded(tmp_path, content)
    assert photo.raster is not None
    assert (photo.raster.bits, photo.raster.samples.ndim, photo.raster.palette is not None) == (
        bits,
        dimensions,
        indexed,
    )
    redacted = covered(photo)
    written = write(photo, redacted, photo.format)
    assert written.tolerance == (1 if bits == 16 else 0)
    assert leftovers(written.content, photo.format) == ()
    again = loaded(tmp_path, written.content).raster
    assert again is not None
    assert (again.samples.ndim, again.palette is not None, again.bits >= bits) == (dimensions, indexed, True)
    outside = ~redacted.changed
    if indexed:
        assert (rgb8(again)[outside] == photo.stored[outside]).all()
    else:
        assert (again.samples[outside] == photo.raster.samples[outside]).all()
    assert (rgb8(again)[~outside] != photo.stored[~outside]).any(), "the control: the cover is there"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", EXACT)
def test_other_formats_keep_the_picture_too(tmp_path: Path, kind: str, container: Format) -> None:
    photo = loaded(tmp_path, KINDS[kind][0])
    redacted = covered(photo)
    written = write(photo, redacted, container)
    if container is Format.WEBP and not photo.encoding.lossless:
        return
    shown = reread(written.content, container)
    assert shown is not None and written.tolerance is not None
    difference = np.abs(shown.astype(int) - photo.stored).max(axis=2)
    assert difference[~redacted.changed].max() <= written.tolerance
    assert leftovers(written.content, container) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_under_a_cover_does_not_change_a_byte(tmp_path: Path, kind: str) -> None:
    """The swap test, for the writer: the same cover over another face, down to the palette."""
    content = KINDS[kind][0]
    photo = loaded(tmp_path, content)
    redacted = covered(photo)
    assert photo.raster is not None
    samples = photo.raster.samples.copy()
    samples[redacted.changed] = samples[redacted.changed][::-1]
    swapped = loaded(tmp_path, content)
    object.__setattr__(swapped, "raster", type(photo.raster)(samples, photo.raster.bits, photo.raster.palette))
    assert (samples != photo.raster.samples).any(), "the control: another face"
    assert write(photo, redacted, photo.format).content == write(swapped, redacted, photo.format).content


@pytest.mark.parametrize("container", [Format.PNG, Format.GIF, Format.TIFF, Format.BMP])
def test_a_colour_that_only_the_covered_face_has_leaves_the_palette(tmp_path: Path, container: Format) -> None:
    indexed = Image.new("P", (64, 64), 1)
    indexed.putpalette([1, 2, 3, 200, 200, 200, 213, 87, 19, 77, 33, 99] + [77, 33, 99] * 12)
    indexed.paste(2, (20, 20, 30, 30))
    kind = {Format.GIF: "GIF", Format.TIFF: "TIFF", Format.BMP: "BMP"}.get(container, "PNG")
    content = as_bytes(indexed, kind)
    photo = loaded(tmp_path, content)
    assert bytes((213, 87, 19)) in content or bytes((19, 87, 213)) in content or container is Format.TIFF
    changed = np.zeros((64, 64), bool)
    changed[16:34, 16:34] = True
    pixels = photo.stored.copy()
    pixels[changed] = 120
    written = write(photo, Redacted(pixels, changed), container)
    again = loaded(tmp_path, written.content).raster
    assert again is not None and again.palette is not None
    left = {tuple(int(v) for v in colour) for colour in again.palette}
    assert left <= {(200, 200, 200), (120, 120, 120), (0, 0, 0)}
    assert not {bytes((77, 33, 99)), bytes((99, 33, 77))} & {written.content[at : at + 3] for at in range(1200)}


def test_a_palette_that_is_full_still_covers(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    indexed = Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64).astype(np.uint8), "P")
    indexed.putpalette(rng.integers(0, 256, 768, dtype=np.uint8).tobytes())
    photo = loaded(tmp_path, as_bytes(indexed, "PNG"))
    assert photo.raster is not None
    changed = np.zeros((64, 64), bool)
    changed[20:40, 20:40] = True
    pixels = photo.stored.copy()
    pixels[changed] = (10, 250, 30)
    shown = rgb8(merged(photo.raster, Redacted(pixels, changed)))
    assert (shown[~changed] == photo.stored[~changed]).all()
    assert len(np.unique(shown[changed], axis=0)) == 1, "one colour becomes one colour"


def test_transparency_is_flattened_before_samples_are_kept(tmp_path: Path) -> None:
    """A picture hidden under transparent pixels is in no array that is written."""
    hidden = np.dstack([scene(32, 32), np.zeros((32, 32), np.uint8)])
    photo = loaded(tmp_path, as_bytes(Image.fromarray(hidden, "RGBA"), "PNG"))
    assert (hidden[..., :3] < 250).any(), "the control: something is hidden"
    assert photo.raster is not None and (photo.raster.samples == 255).all()
    indexed = Image.fromarray((np.arange(1024) % 4).astype(np.uint8).reshape(32, 32), "P")
    indexed.putpalette([10, 20, 30, 60, 70, 80, 5, 5, 5, 9, 9, 9])
    flat = loaded(tmp_path, as_bytes(indexed, "GIF", transparency=2))
    assert (flat.stored[0, 2] == 255).all() and flat.stored[0, 0].tolist() == [10, 20, 30]
    written = write(flat, Redacted(flat.stored, np.zeros((32, 32), bool)), Format.GIF)
    assert "transparency" not in Image.open(io.BytesIO(written.content)).info
    deep_hidden = np.dstack([DEEP[..., ::-1], np.zeros((75, 101), np.uint16)])
    done, content = cv2.imencode(".png", deep_hidden)
    assert done
    sixteen = loaded(tmp_path, bytes(content.tobytes()))
    assert sixteen.raster is not None and sixteen.raster.bits == 16 and (sixteen.raster.samples == 65535).all()


def test_an_orientation_turns_samples_of_every_kind(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for image in (PICTURE, PICTURE.convert("L"), GREY_DEEP):
        photo = loaded(tmp_path, as_bytes(image, "PNG", exif=exif.tobytes()))
        assert photo.raster is not None and photo.size == (75, 101)
        assert photo.raster.samples.shape[:2] == (101, 75)
        assert (rgb8(photo.raster) == photo.stored).all()


@pytest.mark.parametrize("name", ["event_01_class_photo", "event_05_two", "event_07_evening"])
def test_a_photo_becomes_a_gif_that_passes_its_check(make_guard: Callable[..., Guard], name: str) -> None:
    guard = make_guard(recognition=False, search="fast", format="gif")
    cleaned = prepare_photo(SAMPLES / "event" / f"{name}.jpg", guard.rules, default_backends())
    assert cleaned.format is Format.GIF and cleaned.content.startswith(b"GIF8") and cleaned.faces
    assert leftovers(cleaned.content, Format.GIF) == ()


def test_a_photo_as_gif_depends_on_nothing_under_its_covers(tmp_path: Path) -> None:
    """Errors are spread from pixel to pixel: from those of the cover, never from those that it replaced."""
    made = []
    for seed in (5, 6):
        pixels = scene(101, 75)
        pixels[20:50, 30:70] = np.asarray(Image.fromarray(scene(40, 30, seed)))
        photo = loaded(tmp_path, as_bytes(Image.fromarray(pixels), "PNG"))
        made.append(write(photo, covered(photo), Format.GIF).content)
        made.append(write(photo, Redacted(photo.stored, np.zeros((75, 101), bool)), Format.GIF).content)
    assert made[0] == made[2] and made[1] != made[3], "and the control: without a cover they differ"


def test_the_order_of_a_palette_spells_nothing() -> None:
    told = b"PLANTED-Freya-Lindqvist!"
    palette = np.frombuffer(told, np.uint8).reshape(-1, 3)
    samples = np.arange(64, dtype=np.uint8).reshape(8, 8) % len(palette)
    made = compact(Raster(samples, 8, palette))
    assert made.palette is not None and told not in made.palette.tobytes()
    assert (made.palette[made.samples] == palette[samples]).all(), "every pixel keeps its colour"
