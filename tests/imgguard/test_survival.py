"""Plant something in every place where a picture can tell, and look for it in what is published."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import cache
from pathlib import Path

import pytest

from imgguard import Guard
from imgguard.errors import PhotoError
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.pipeline import prepare_photo
from imgguard.sanitize import SUFFIXES, leftovers
from tests.fakes import FACE_COLOUR, fake_backends
from tests.pictures import scene
from tests.planted import FORMATS, PIXELS_ONLY, PLACES
from tests.planted.exiftool import MISSING, beyond_structure, read
from tests.planted.traces import find, has_own_profile

FACE = (slice(64, 92), slice(100, 128))
# What the scanners do not see yet in a source. What is published is written anew, so that none of it gets there.
UNSEEN = {
    ("jpeg", "bytes before a restart marker"): "picture data is not decoded",
    ("jpeg", "bytes at the end of the picture data"): "picture data is not decoded",
    ("webp-lossy", "bytes behind the picture data"): "picture data is not decoded",
    ("webp-lossless", "bytes behind the picture data"): "picture data is not decoded",
}
# What is still published, with the reason: whoever mends it takes it out here.
SURVIVES: dict[tuple[str, str], str] = {}
_FILM = "motion photo (bare film)"
REFUSED = {
    **{(kind, "further frames"): "photo_animated" for kind in ("png", "webp-lossy", "webp-lossless", "gif", "tiff")},
    **{
        (kind, f"second picture as a {part}"): "photo_broken"
        for kind in ("webp-lossy", "webp-lossless")
        for part in ("chunk", "frame")
    },
    ("gif", "second picture"): "photo_animated",
    ("heic", "second picture"): "photo_animated",
    **{(kind, place): "photo_animated" for kind in ("heic", "avif") for place in ("further frames", _FILM)},
    # A second directory is a second page, whatever it holds.
    ("tiff", "EXIF thumbnail (IFD1)"): "photo_animated",
}
# Places of which ExifTool itself says nothing; the traces find what is in them.
KNOWN_TO_EXIFTOOL = ("EXIF IFD0", "EXIF GPS", "XMP", "XMP face regions (MWG)", "ICC profile", "comment", "tEXt")


@cache
def planted(kind: str, place: str, with_face: bool = False) -> bytes:
    pixels = scene(160, 120)
    if with_face:
        pixels[FACE] = FACE_COLOUR
    return PLACES[kind, place](pixels)


@pytest.fixture(scope="module")
def quick_guard(make_guard: Callable[..., Guard]) -> Guard:
    """How closely faces are searched for makes no difference to what a file holds."""
    return make_guard(recognition=False, search="fast")


def is_read(content: bytes) -> bool:
    """Say whether a file is looked into at all, and not refused by its first bytes."""
    try:
        sniff_format(content[:HEAD_BYTES], Path("planted"))
    except PhotoError:
        return False
    return True


@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_each_fixture_holds_what_is_planted(kind: str, place: str) -> None:
    assert find(planted(kind, place))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_in_which_nothing_is_planted_shows_no_trace(kind: str) -> None:
    from tests.planted import bmp, gif, isobmff, jpeg, png, tiff, webp

    plain: dict[str, Callable[..., bytes]] = {
        "jpeg": jpeg.plain,
        "png": png.plain,
        "webp-lossy": lambda pixels: webp.plain(pixels, lossless=False),
        "webp-lossless": lambda pixels: webp.plain(pixels, lossless=True),
        "gif": gif.plain,
        "tiff": tiff.plain,
        "bmp": bmp.plain,
        "heic": lambda pixels: isobmff.write(isobmff.plain(b"heic", pixels)),
        "avif": lambda pixels: isobmff.write(isobmff.plain(b"avif", pixels)),
    }
    assert find(plain[kind](scene(160, 120))) == set()


def _expected(to_fail: Mapping[tuple[str, str], str], but: Container[str] = ()) -> list[object]:
    """All places, those that do not hold yet marked as such."""
    return [
        pytest.param(*key, marks=[pytest.mark.xfail(strict=True, reason=to_fail[key])] if key in to_fail else [])
        for key in PLACES
        if key[1] not in but
    ]


@pytest.mark.parametrize(("kind", "place"), _expected(UNSEEN, but=PIXELS_ONLY))
def test_the_scan_of_the_source_sees_what_is_planted(kind: str, place: str) -> None:
    content = planted(kind, place)
    if not is_read(content):
        pytest.skip(f"{kind} is refused by its first bytes")
    assert leftovers(content, sniff_format(content[:HEAD_BYTES], Path("planted")))


@pytest.mark.parametrize("with_face", [False, True], ids=["nobody", "a face"])
@pytest.mark.parametrize(("kind", "place"), _expected(SURVIVES))
def test_nothing_planted_is_published(
    kind: str, place: str, with_face: bool, quick_guard: Guard, tmp_path: Path
) -> None:
    source = tmp_path / f"planted{FORMATS[kind]}"
    source.write_bytes(planted(kind, place, with_face))
    try:
        cleaned = prepare_photo(source, quick_guard.rules, fake_backends())
    except PhotoError as error:
        assert REFUSED.get((kind, place)) == error.kind
        return
    assert (kind, place) not in REFUSED
    assert bool(cleaned.faces) == with_face
    assert find(cleaned.content) == set()
    assert leftovers(cleaned.content, cleaned.format) == ()
    assert place in PIXELS_ONLY or (kind, place) in UNSEEN or cleaned.removed, "it is reported as removed"


@pytest.fixture(scope="module")
def told(quick_guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, object]]]:
    """What ExifTool tells beyond the structure, of every planted file before and after cleaning, by its name."""
    folder = tmp_path_factory.mktemp("exiftool")
    for number, (kind, place) in enumerate(PLACES):
        source = folder / f"{number:03d}{FORMATS[kind]}"
        source.write_bytes(planted(kind, place, with_face=True))
        try:
            cleaned = prepare_photo(source, quick_guard.rules, fake_backends())
        except PhotoError:
            continue
        (folder / f"{number:03d}-cleaned{SUFFIXES[cleaned.format]}").write_bytes(cleaned.content)
    return {
        path.name: beyond_structure(tags, own_profile="-cleaned" in path.name and has_own_profile(path.read_bytes()))
        for path, tags in read(sorted(folder.iterdir())).items()
    }


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_exiftool_tells_nothing_of_what_is_published(told: dict[str, dict[str, object]]) -> None:
    published = {name: tags for name, tags in told.items() if "-cleaned" in name}
    assert len(published) > len(PLACES) / 2
    assert {name: tags for name, tags in published.items() if tags} == {}


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_exiftool_tells_of_what_is_planted(told: dict[str, dict[str, object]]) -> None:
    known = [
        f"{number:03d}{FORMATS[kind]}"
        for number, (kind, place) in enumerate(PLACES)
        if place in KNOWN_TO_EXIFTOOL and (kind, place) not in REFUSED
    ]
    assert len(known) > len(KNOWN_TO_EXIFTOOL)
    assert [name for name in known if not told[name]] == []
