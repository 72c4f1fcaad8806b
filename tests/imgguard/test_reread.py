from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import structural_similarity

from imgguard import Encoding, Format, load_photo
from imgguard.reread import reread
from imgguard.sanitize import encode, leftovers
from imgguard.sanitize.attached import Attached
from imgguard.types import Profile
from tests.conftest import SAMPLES
from tests.imgguard.test_raster import KINDS
from tests.pictures import as_bytes, scene

LOSSLESS = Encoding(None, None, lossless=True)


@pytest.mark.parametrize("kind", KINDS)
def test_another_library_sees_exactly_what_was_loaded(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo"
    path.write_bytes(KINDS[kind][0])
    photo = load_photo(path)
    again = reread(photo.content, photo.format)
    assert again is not None and (again == photo.stored).all()


@pytest.mark.parametrize("container", Format)
def test_every_format_that_is_written_is_read_back(container: Format) -> None:
    pixels = scene(101, 75)
    again = reread(encode(pixels, container, LOSSLESS), container)
    assert again is not None and again.shape == pixels.shape
    assert np.abs(again.astype(int) - pixels).mean() < 6


def test_an_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = as_bytes(Image.fromarray(scene(64, 48)), "JPEG", exif=exif.tobytes())
    again = reread(content, Format.JPEG)
    assert again is not None and again.shape == (64, 48, 3)


@pytest.mark.parametrize("container", Format)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_broken_bytes_are_nothing_or_a_picture_and_never_an_error(container: Format, data: st.DataObject) -> None:
    content = bytearray(WRITTEN[container])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    again = reread(bytes(content), container)
    assert again is None or (again.dtype == np.uint8 and again.ndim == 3)


WRITTEN = {container: encode(scene(32, 24), container, LOSSLESS) for container in Format}


@pytest.mark.parametrize("container", [Format.WEBP, Format.HEIF, Format.AVIF])
def test_a_rebuilt_photo_is_not_visibly_below_its_source(container: Format) -> None:
    photo = np.asarray(Image.open(SAMPLES / "event" / "event_01_class_photo.jpg").convert("RGB"))[300:1100, 400:1400]
    content = encode(photo, container, Encoding(None, None, lossless=False))
    again = reread(content, container)
    assert again is not None
    assert structural_similarity(photo, again, channel_axis=2, data_range=255) >= 0.98
    assert len(content) < photo.nbytes / 8


@pytest.mark.parametrize("container", [f for f in Format if f not in (Format.GIF, Format.BMP)])
@pytest.mark.parametrize("size", [(101, 75), (33, 17), (320, 240)])
@pytest.mark.parametrize("profile", Profile)
def test_a_credit_and_a_profile_of_the_tools_own_are_all_that_may_stand_beside_a_picture(
    container: Format, size: tuple[int, int], profile: Profile
) -> None:
    attached = Attached("Photo: A. Teacher, École Nord", None, profile)
    content = encode(scene(*size), container, LOSSLESS, attached)
    assert leftovers(content, container) == ()
    assert "École Nord".encode() in content, "the control: it is there"
    assert reread(content, container) is not None
    changed = content.replace(b"Nord", b"Sued", 1)
    assert leftovers(changed, container), "Artist and Copyright have to say the same"
