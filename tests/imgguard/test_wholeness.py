from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from imgguard.formats import sniff_format
from imgguard.wholeness import holds_all, is_whole
from tests.conftest import SAMPLES
from tests.pictures import as_bytes, scene

PICTURE = Image.fromarray(scene(320, 240))
KINDS = {
    "jpeg": as_bytes(PICTURE, "JPEG", quality=92),
    "progressive": as_bytes(PICTURE, "JPEG", progressive=True),
    "camera": (SAMPLES / "event" / "event_09_one.jpg").read_bytes(),
    "png": as_bytes(PICTURE, "PNG"),
    "webp": as_bytes(PICTURE, "WEBP"),
    "gif": as_bytes(PICTURE.quantize(), "GIF"),
    "tiff": as_bytes(PICTURE, "TIFF"),
    "tiff deflate": as_bytes(PICTURE, "TIFF", compression="tiff_deflate"),
    "bmp": as_bytes(PICTURE, "BMP"),
    "avif": as_bytes(PICTURE, "AVIF"),
}


def whole(path: Path, content: bytes) -> bool:
    path.write_bytes(content)
    return is_whole(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_whole_only_with_its_last_byte(tmp_path: Path, kind: str) -> None:
    content = KINDS[kind]
    assert whole(tmp_path / "a", content)
    assert holds_all(content, sniff_format(content[:512], tmp_path))
    assert not whole(tmp_path / "a", content[:-1])
    for share in (0.02, 0.3, 0.6, 0.95):
        assert not whole(tmp_path / "a", content[: int(share * len(content))])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_made_at_its_full_size_is_not_whole_before_it_is_filled(tmp_path: Path, kind: str) -> None:
    content = KINDS[kind] if len(KINDS[kind]) > 9000 else as_bytes(PICTURE.resize((1600, 1200)), "JPEG")
    for share in (0.1, 0.5):
        filled = int(share * len(content))
        assert not whole(tmp_path / "a", content[:filled] + bytes(len(content) - filled))


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(tmp_path: Path) -> None:
    content = as_bytes(PICTURE, "JPEG", exif=_with_thumbnail())
    cut = content.index(b"\xff\xd9") + 200
    assert cut < len(content) - 1000
    assert not whole(tmp_path / "a", content[:cut])
    assert whole(tmp_path / "a", content)


def _with_thumbnail() -> bytes:
    from tests.pictures import planted_exif

    return planted_exif()


def test_what_cameras_put_behind_the_picture_does_not_matter(tmp_path: Path) -> None:
    video = bytes(range(1, 256)) * 40
    assert whole(tmp_path / "a", KINDS["jpeg"] + video)
    assert whole(tmp_path / "a", KINDS["png"] + video)


@pytest.mark.parametrize(("content", "expected"), [(b"", False), (b"notes of a teacher", True), (b"%PDF-1.7", True)])
def test_what_is_no_picture_needs_no_end_but_some_bytes(tmp_path: Path, content: bytes, expected: bool) -> None:
    assert whole(tmp_path / "a", content) is expected


def test_who_cannot_be_read_is_told_by_whoever_cleans_it(tmp_path: Path) -> None:
    assert is_whole(tmp_path / "nowhere.jpg")
    assert is_whole(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_is_not_waited_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert is_whole(tmp_path / "a.jpg"), "whoever cleans it says what it is"
