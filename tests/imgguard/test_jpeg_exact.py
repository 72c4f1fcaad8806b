"""Outside of the covers a JPEG keeps the very coefficients of its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import piexif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from imgguard import Format, Photo, Style, load_photo
from imgguard.covers import cover_for, cover_mask
from imgguard.redact import Redacted, cover_up
from imgguard.sanitize import block_grid, leftovers, write
from imgguard.sanitize.coefficients import (
    Coefficients,
    can_turn,
    grid_of,
    read_coefficients,
    turned,
    write_coefficients,
)
from imgguard.sanitize.jpeg import only_picture
from imgguard.sanitize.jpeg_exact import frame_of
from imgguard.turning import TURNS
from imgguard.types import Cover
from tests.fakes import detection_at
from tests.pictures import as_bytes, scene

KINDS: dict[str, dict[str, object]] = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "progressive": {"progressive": True},
    "restart intervals": {"restart_marker_blocks": 3},
    "own codes": {"optimize": True},
    "quality 100": {"quality": 100},
    "quality 20": {"quality": 20},
}
SIZES = [(320, 240), (333, 251), (318, 250)]
TAG = 0x0112


def jpeg_of(pixels: np.ndarray, orientation: int = 1, **options: object) -> bytes:
    exif = piexif.dump({"0th": {TAG: orientation}}) if orientation != 1 else b""
    return as_bytes(Image.fromarray(pixels), "JPEG", exif=exif, **{"quality": 88, **options})


def coefficients_of(content: bytes) -> Coefficients:
    frame = frame_of(content)
    assert frame is not None
    return read_coefficients(only_picture(content), frame.size, frame.sampling)


def photo_from(content: bytes, folder: Path) -> Photo:
    path = folder / "photo.jpg"
    path.write_bytes(content)
    return load_photo(path)


def covers_on(photo: Photo, style: Style = Style.BLUR) -> list[Cover]:
    return [cover_for(detection_at(photo.size[0] * 0.4, photo.size[1] * 0.3, 50), style)]


def covered(photo: Photo, style: Style = Style.BLUR) -> Redacted:
    return cover_up(photo.stored, covers_on(photo, style), [], block_grid(photo))


def upright(photo: Photo) -> Coefficients:
    return turned(coefficients_of(photo.content), photo.orientation)


def assert_kept_outside(source: Coefficients, made: Coefficients, changed: np.ndarray) -> None:
    """Every block of which no pixel was to change is the source's own, and some block under the cover is not."""
    blocks = grid_of(source.size, source.mcu, 1).touched(changed)
    assert made.size == source.size and made.sampling == source.sampling
    different = 0
    for before, after, (h, v) in zip(source.planes, made.planes, source.sampling, strict=True):
        inside = blocks.repeat(v, axis=0).repeat(h, axis=1)[: before.shape[0], : before.shape[1]]
        assert (before[~inside] == after[~inside]).all()
        different += int((before[inside] != after[inside]).any(axis=(1, 2)).sum())
    assert different or not changed.any(), "the control: what is covered is another picture"
    assert all((one == other).all() for one, other in zip(source.tables, made.tables, strict=True))


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_only_blocks_under_covers_are_new(tmp_path: Path, kind: str, size: tuple[int, int], grey: bool) -> None:
    pixels = scene(*size)
    content = jpeg_of(pixels[..., 0] if grey else pixels, **KINDS[kind])
    photo = photo_from(content, tmp_path)
    redacted = covered(photo)
    written = write(photo, redacted, Format.JPEG)
    assert written.rebuilt is None
    assert_kept_outside(coefficients_of(content), coefficients_of(written.content), redacted.changed)
    assert len(written.content) <= 1.1 * len(content)
    assert leftovers(written.content, Format.JPEG) == ()


@pytest.mark.parametrize("keep_tag", [False, True])
@pytest.mark.parametrize("size", [(320, 240), (333, 250), (328, 251)])
@pytest.mark.parametrize("orientation", sorted(TURNS))
@pytest.mark.parametrize("kind", ["4:2:0", "4:2:2"])
def test_every_orientation_keeps_its_coefficients(
    tmp_path: Path, kind: str, orientation: int, size: tuple[int, int], keep_tag: bool
) -> None:
    content = jpeg_of(scene(*size), orientation, **KINDS[kind])
    photo = photo_from(content, tmp_path)
    redacted = covered(photo)
    written = write(photo, redacted, Format.JPEG, keep_orientation_tag=keep_tag)
    assert written.rebuilt is None
    published = photo_from(written.content, tmp_path)
    assert published.size == photo.size
    # A decoder mixes the chroma of new blocks with that of their neighbours, one pixel far.
    new = cv2.dilate(block_grid(photo).rounded(redacted.changed).astype(np.uint8), np.ones((3, 3), np.uint8))
    assert np.abs(published.stored.astype(int) - photo.stored)[new == 0].max() <= 4
    source = coefficients_of(content)
    turnable = can_turn(source.size, source.mcu, orientation) and not keep_tag
    assert published.orientation == (1 if turnable else orientation)
    if turnable:
        assert_kept_outside(upright(photo), coefficients_of(written.content), redacted.changed)
    else:
        back = redacted.changed
        transposed, mirrored, flipped = TURNS[orientation]
        back = back[:, ::-1] if mirrored else back
        back = back[::-1] if flipped else back
        back = back.T if transposed else back
        assert_kept_outside(source, coefficients_of(written.content), back)
    assert leftovers(written.content, Format.JPEG) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_without_covers_keeps_every_coefficient(tmp_path: Path, kind: str) -> None:
    content = jpeg_of(scene(333, 251), **KINDS[kind])
    photo = photo_from(content, tmp_path)
    written = write(photo, cover_up(photo.stored, [], [], block_grid(photo)), Format.JPEG)
    before, after = coefficients_of(content), coefficients_of(written.content)
    assert all((one == other).all() for one, other in zip(before.planes, after.planes, strict=True))
    assert len(written.content) <= 1.1 * len(content)


SWAPS = {Style.SOLID: False, Style.BLUR: True}


@pytest.mark.parametrize("kind", ["4:2:0", "4:4:4", "4:2:2"])
@pytest.mark.parametrize("style", SWAPS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_published_bytes_do_not_depend_on_the_coefficients_under_the_cover(
    tmp_path_factory: pytest.TempPathFactory, style: Style, kind: str, data: st.DataObject
) -> None:
    """The swap test on the file itself: other blocks under the cover, byte for byte the same publication."""
    folder = tmp_path_factory.mktemp("swap")
    one = photo_from(jpeg_of(scene(320, 240), **KINDS[kind]), folder)
    covers = covers_on(one, style)
    mask = cover_mask(covers, [], one.size, block_grid(one))
    swapped = _with_other_blocks(one, mask, data.draw(st.integers(0, 2**32 - 1)), keep_mean=SWAPS[style])
    other = photo_from(swapped, folder)
    assert (other.stored[mask] != one.stored[mask]).any(), "the control: another face"
    made = [write(p, cover_up(p.stored, covers, [], block_grid(p)), Format.JPEG).content for p in (one, other)]
    assert made[0] == made[1]


def _with_other_blocks(photo: Photo, mask: np.ndarray, seed: int, *, keep_mean: bool) -> bytes:
    """Draw other coefficients under a mask; with the same mean colour where a style may hold that."""
    source = coefficients_of(photo.content)
    blocks = grid_of(source.size, source.mcu, 1).touched(mask)
    rng = np.random.default_rng(seed)
    planes = []
    for plane, (h, v) in zip(source.planes, source.sampling, strict=True):
        inside = blocks.repeat(v, axis=0).repeat(h, axis=1)[: plane.shape[0], : plane.shape[1]]
        noise = rng.integers(-2, 3, plane.shape, dtype=np.int16)
        if keep_mean:
            noise[..., 0, 0] = 0
        plane = plane.copy()
        plane[inside] += noise[inside]
        planes.append(plane)
    return write_coefficients(replace(source, planes=tuple(planes)), optimize=False)


def test_kept_faces_keep_their_blocks_beside_a_cover(tmp_path: Path) -> None:
    content = jpeg_of(scene(320, 240))
    photo = photo_from(content, tmp_path)
    kept = detection_at(190, 90, 50).box
    redacted = cover_up(photo.stored, [cover_for(detection_at(115, 90, 60), Style.BLUR)], [kept], block_grid(photo))
    alone = cover_up(photo.stored, [cover_for(detection_at(115, 90, 60), Style.BLUR)], [], block_grid(photo))
    assert alone.changed[90:140, 190:240].any(), "the control: the cover would reach the kept face"
    made = coefficients_of(write(photo, redacted, Format.JPEG).content)
    source = coefficients_of(content)
    assert (made.planes[0][11:18, 23:30] == source.planes[0][11:18, 23:30]).all()


def _cmyk(pixels: np.ndarray) -> bytes:
    return as_bytes(Image.fromarray(pixels).convert("CMYK"), "JPEG")


def _rgb(pixels: np.ndarray) -> bytes:
    return as_bytes(Image.fromarray(pixels), "JPEG", keep_rgb=True)


def _unusual_colours(pixels: np.ndarray) -> bytes:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = bytearray(lab.tobytes())
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red], swapped[green] = swapped[green], swapped[red]
    return as_bytes(Image.fromarray(pixels), "JPEG", icc_profile=bytes(swapped))


@pytest.mark.parametrize(
    ("make", "reason"), [(_cmyk, "CMYK"), (_rgb, "CMYK or RGB"), (_unusual_colours, "colour profile")]
)
def test_what_cannot_be_kept_is_compressed_anew_and_says_why(
    tmp_path: Path, make: Callable[[np.ndarray], bytes], reason: str
) -> None:
    content = make(scene())
    photo = photo_from(content, tmp_path)
    written = write(photo, covered(photo), Format.JPEG)
    assert written.rebuilt is not None and reason in written.rebuilt
    assert len(written.content) <= 1.1 * len(content)
    assert leftovers(written.content, Format.JPEG) == ()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_frame_header_of_any_bytes_is_read_or_not_but_never_fails(data: st.DataObject) -> None:
    content = bytearray(jpeg_of(scene(40, 30)))
    for _ in range(data.draw(st.integers(0, 12))):
        content[data.draw(st.integers(0, min(len(content), 700) - 1))] = data.draw(st.integers(0, 255))
    frame = frame_of(bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert frame is None or frame.mcu >= (8, 8)


def test_bytes_hidden_between_codes_and_end_are_gone(tmp_path: Path) -> None:
    content = jpeg_of(scene())
    hidden = content[:-2] + b"PLANTED in the picture data" + content[-2:]
    photo = photo_from(hidden, tmp_path)
    assert b"PLANTED" not in write(photo, covered(photo), Format.JPEG).content
