from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgguard import Guard, SetupError, Style
from imgguard.looks import read_look
from tests.conftest import SAMPLES
from tests.pictures import MARKER, planted_jpeg, scene


def logo(path: Path, mode: str = "RGBA") -> Path:
    """A red square with a transparent rim under which something green hides."""
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[..., 1] = 255
    pixels[10:30, 10:50] = (200, 0, 0, 255)
    image = Image.fromarray(pixels)
    (image.quantize() if mode == "P" else image.convert(mode)).save(path)
    return path


@pytest.mark.parametrize("style", [style for style in Style if style is not Style.IMAGE])
def test_a_style_by_its_name_needs_no_picture(style: Style) -> None:
    for told in (style, style.value):
        look = read_look(told)
        assert look.style is style and look.picture is None


@pytest.mark.parametrize("mode", ["RGBA", "P"])
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_what_is_transparent_in_a_picture_stays_so(tmp_path: Path, mode: str, suffix: str) -> None:
    if (mode, suffix) == ("P", ".webp"):
        pytest.skip("WebP has no palette")
    picture = read_look(f"image:{logo(tmp_path / f'logo{suffix}', mode)}").picture
    assert picture is not None and picture.pixels.shape == (40, 60, 3)
    assert picture.alpha[0, 0] == 0 and picture.alpha[20, 30] == 255
    assert np.abs(picture.pixels[20, 30].astype(int) - (200, 0, 0)).max() <= 12


def test_a_photo_is_opaque_upright_and_not_larger_than_needed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(scene(3000, 1500)).save(tmp_path / "photo.jpg", exif=exif)
    picture = read_look(f"image:{tmp_path / 'photo.jpg'}").picture
    assert picture is not None and picture.alpha.shape == (1024, 512) and picture.alpha.min() == 255


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("gaussian", "not a style"), ("image", "needs a picture"), ("image:", "needs a picture"),
        ("image:missing.png", "cannot be read"), ("image:broken.png", "cannot be used"),
        ("image:text.txt", "cannot be used"),
    ],
)  # fmt: skip
def test_what_cannot_be_laid_over_faces_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "text.txt").write_text("no picture")
    with pytest.raises(SetupError, match=why):
        read_look(told)


def test_the_picture_travels_to_workers_and_brings_nothing_but_pixels(tmp_path: Path) -> None:
    path = tmp_path / "mascot.jpg"
    path.write_bytes(planted_jpeg(scene()))
    rules = Guard(recognition=False, style=f"image:{path}").rules
    sent = pickle.dumps(rules)
    assert MARKER in path.read_bytes() and MARKER not in sent and b"mascot" not in sent
    received = pickle.loads(sent)
    assert received.style is Style.IMAGE
    assert (received.covering.picture.pixels == rules.covering.picture.pixels).all()


@pytest.mark.parametrize("style", ["emoji", "image"])
def test_drawn_covers_pass_the_check_of_the_output(
    make_guard: Callable[..., Guard], tmp_path: Path, style: str
) -> None:
    told = style if style == "emoji" else f"image:{logo(tmp_path / 'logo.png')}"
    guard = make_guard(recognition=False, style=told, cover="head")
    result = guard.clean(SAMPLES / "event" / "event_05_two.jpg", tmp_path / "out")
    assert result.refusal is None and len(result.faces) >= 2
