"""Each promise of the check, with the fault that it is there to find: cover, strip or search switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from imgguard import (
    BoundingBox,
    Detection,
    Encoding,
    Format,
    Guard,
    Photo,
    PhotoResult,
    Style,
    UncleanOutput,
    load_photo,
)
from imgguard.backends import default_backends
from imgguard.covers import cover_for
from imgguard.detect import detect_faces, find_faces
from imgguard.embed import make_probe
from imgguard.grouping import same_face
from imgguard.redact import Redacted, redact
from imgguard.sanitize import encode
from imgguard.scales import SECOND_LOOK
from imgguard.types import OutputCheck, Written
from imgguard.verify import CoveredFace, check_output, detail_left
from tests.conftest import SAMPLES
from tests.fakes import FACE_COLOUR, SquareDetector, detection_at, fake_backends
from tests.pictures import MARKER, noise_face, photo_of, planted_jpeg, scene

PHOTO = SAMPLES / "event" / "event_10_visitors.jpg"


@pytest.fixture(scope="module")
def photo() -> Photo:
    return load_photo(PHOTO)


@pytest.fixture(scope="module")
def faces(photo: Photo) -> tuple[Detection, ...]:
    """What both looks find together, so that the check has nothing of its own to add."""
    first = detect_faces(photo)
    second = find_faces(photo.pixels, default_backends(), SECOND_LOOK)
    return first + tuple(face for face in second if not any(same_face(face.box, other.box) for other in first))


def check(
    photo: Photo, faces: tuple[Detection, ...], pixels: np.ndarray, guard: Guard, **changes: object
) -> OutputCheck:
    backends = default_backends()
    covered = [
        CoveredFace(face, cover_for(face, Style.BLUR), make_probe(photo.pixels, face, backends).embedding)
        for face in faces
    ]
    content = changes.pop("content") if "content" in changes else encode(pixels, Format.JPEG, photo.encoding)
    arguments: dict[str, object] = {"written": Written(content, None), "covered": covered, "kept": (), **changes}  # type: ignore[arg-type]
    return check_output(
        container=Format.JPEG,
        photo=photo,
        gallery=guard.rules.gallery,
        backends=backends,
        **arguments,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("style", Style)
def test_a_well_covered_picture_passes_in_every_style(
    photo: Photo, faces: tuple[Detection, ...], guard: Guard, style: Style
) -> None:
    pixels = redact(photo.pixels, [cover_for(face, style) for face in faces], [])
    assert check(photo, faces, pixels, guard).ok


def test_without_covers_every_face_is_readable(photo: Photo, faces: tuple[Detection, ...], guard: Guard) -> None:
    found = check(photo, faces, photo.pixels, guard)
    assert len(found.readable) == len(faces)


def test_one_forgotten_cover_is_found(photo: Photo, faces: tuple[Detection, ...], guard: Guard) -> None:
    pixels = redact(photo.pixels, [cover_for(face, Style.BLUR) for face in faces[1:]], [])
    assert check(photo, faces, pixels, guard).readable == (faces[0],)


def test_a_weak_blur_is_found_to_be_readable(photo: Photo, faces: tuple[Detection, ...], guard: Guard) -> None:
    pixels = cv2.GaussianBlur(photo.pixels, (0, 0), 3)
    assert check(photo, faces, np.asarray(pixels), guard).readable


def test_a_face_that_the_first_search_missed_is_a_stray(
    photo: Photo, faces: tuple[Detection, ...], guard: Guard
) -> None:
    pixels = redact(photo.pixels, [cover_for(face, Style.BLUR) for face in faces[1:]], [])
    found = check(photo, faces[1:], pixels, guard)
    assert len(found.strays) == 1 and found.only_strays
    kept = check(photo, faces[1:], pixels, guard, kept=(faces[0],))
    assert kept.ok, "the control: the same face, kept on purpose, is no stray"


def test_a_face_half_under_a_neighbours_cover_is_a_stray_and_a_cover_by_itself_is_none(guard: Guard) -> None:
    """Two faces of the fake kind: the check is told of the left one only, whose cover lies over half of the right."""
    pixels = scene(800, 600)
    pixels[200:260, 200:260] = noise_face(BoundingBox(0, 0, 60, 60))
    pixels[205:245, 270:330] = FACE_COLOUR
    source = photo_of(pixels)
    left = detection_at(200, 200, 60)
    covered = [CoveredFace(left, cover_for(left, Style.SOLID), None)]
    out = redact(pixels, [covered[0].cover], [])
    assert (out[205:245, 270:280] != pixels[205:245, 270:280]).any(), "the control: the cover reaches into it"
    content = encode(out, Format.PNG, source.encoding)
    seeing = check_output(Written(content, 0), Format.PNG, source, covered, (), None, fake_backends())
    assert len(seeing.strays) == 1

    class SeesCovers(SquareDetector):
        """Takes the flat grey of a solid cover for a face."""

        def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
            grey = (np.abs(pixels.astype(int) - 112).max(axis=2) < 3) * np.uint8(1)
            shifted = np.where(grey[..., None] == 1, np.uint8(FACE_COLOUR), np.uint8(0))
            found = super().detect(shifted, min_score)
            return [detection_at(f.box.x1, f.box.y1 + f.box.height * 0.5, f.box.width) for f in found]

    clean = scene(800, 600)
    clean[200:260, 200:260] = noise_face(BoundingBox(0, 0, 60, 60))
    alone = redact(clean, [covered[0].cover], [])
    content = encode(alone, Format.PNG, source.encoding)
    backends = fake_backends(primary=SeesCovers())
    assert check_output(Written(content, 0), Format.PNG, photo_of(clean), covered, (), None, backends).strays == ()


def test_metadata_that_was_not_stripped_is_a_leftover(photo: Photo, faces: tuple[Detection, ...], guard: Guard) -> None:
    content = planted_jpeg(redact(photo.pixels, [cover_for(face, Style.BLUR) for face in faces], []))
    assert MARKER in content
    found = check(photo, faces, photo.pixels, guard, content=content)
    assert {part.name for part in found.leftovers} >= {"APP1", "COM", "trailer"}
    assert not found.ok and not found.only_strays


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xd9", b"no picture at all"])
def test_bytes_that_do_not_decode_are_a_problem(
    photo: Photo, faces: tuple[Detection, ...], guard: Guard, content: bytes
) -> None:
    assert check(photo, faces, photo.pixels, guard, content=content).problems


def test_a_picture_of_another_size_is_a_problem(photo: Photo, faces: tuple[Detection, ...], guard: Guard) -> None:
    content = encode(photo.pixels[:-8], Format.JPEG, photo.encoding)
    assert "another size" in check(photo, faces, photo.pixels, guard, content=content).problems[0]


@pytest.mark.parametrize(("container", "lossless"), [(Format.PNG, True), (Format.JPEG, False)])
def test_a_change_outside_of_the_covers_is_found(container: Format, lossless: bool) -> None:
    source = photo_of(scene(), container)
    face = detection_at(120, 90, 40)
    source.pixels[90:130, 120:160] = noise_face(face.box)
    covered = [CoveredFace(face, cover_for(face, Style.SOLID), None)]
    pixels = redact(source.pixels, [covered[0].cover], [])
    encoding = Encoding(90, "4:4:4", lossless=lossless)

    def found(picture: np.ndarray) -> OutputCheck:
        written = Written(encode(picture, container, encoding), 0 if lossless else None)
        return check_output(written, container, source, covered, (), None, fake_backends())

    assert found(pixels).ok
    pixels[8:24, 280:300] = 255 - pixels[8:24, 280:300]
    assert found(pixels).changed_outside >= 64


def test_the_share_of_structure_tells_a_cover_from_none() -> None:
    pixels = scene()
    face = detection_at(100, 80, 60)
    pixels[80:140, 100:160] = cv2.GaussianBlur(noise_face(BoundingBox(0, 0, 60, 60)), (0, 0), 4)
    assert detail_left(pixels, pixels, face) == pytest.approx(1)
    for style in Style:
        assert detail_left(pixels, redact(pixels, [cover_for(face, style)], []), face) < 0.6


def test_the_pipeline_covers_a_stray_in_a_second_round(covering_guard: Guard, tmp_path: object) -> None:
    """A detector that is blind in the first look: the check finds the face, and it is covered then."""
    from pathlib import Path

    from imgguard.pipeline import prepare_photo
    from tests.pictures import as_bytes

    pixels = scene(800, 600)
    pixels[200:300, 300:400] = FACE_COLOUR
    path = Path(str(tmp_path)) / "photo.png"
    from PIL import Image

    path.write_bytes(as_bytes(Image.fromarray(pixels), "PNG"))

    class BlindAtFirst(SquareDetector):
        def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
            blind = max(pixels.shape) in (1280, 960, 640)
            return [] if blind else super().detect(pixels, min_score)

    cleaned = prepare_photo(path, covering_guard.rules, fake_backends(primary=BlindAtFirst()))
    assert cleaned.rounds == 2
    assert [face.decision.reason for face in cleaned.faces] == ["found_by_check"]
    seeing = prepare_photo(path, covering_guard.rules, fake_backends())
    assert (seeing.rounds, len(seeing.faces)) == (1, 1)


def test_a_photo_in_which_ever_more_faces_appear_is_refused(covering_guard: Guard, tmp_path: object) -> None:
    from pathlib import Path

    from PIL import Image

    from imgguard.pipeline import prepare_photo
    from tests.pictures import as_bytes

    path = Path(str(tmp_path)) / "photo.png"
    path.write_bytes(as_bytes(Image.fromarray(scene(800, 600)), "PNG"))

    class Haunted:
        calls = 0

        def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
            self.calls += 1
            return [replace(detection_at(40.0 + 31 * self.calls % 500, 30.0 + 17 * self.calls % 300, 30), score=0.95)]

    with pytest.raises(UncleanOutput, match="further faces"):
        prepare_photo(path, covering_guard.rules, fake_backends(primary=Haunted()))


@pytest.mark.parametrize(
    ("stage", "broken"),
    [
        ("cover_up", lambda pixels, *_: Redacted(pixels.copy(), np.zeros(pixels.shape[:2], bool))),
        ("write", lambda photo, redacted, *_, **__: Written(planted_jpeg(redacted.pixels), None)),
        (
            "write",
            lambda photo, redacted, container, *_, **__: Written(
                encode(redacted.pixels[::-1].copy(), container, photo.encoding), None
            ),
        ),
    ],
)
def test_with_a_stage_switched_off_nothing_is_published(
    monkeypatch: pytest.MonkeyPatch, guard: Guard, tmp_path: object, stage: str, broken: Callable[..., object]
) -> None:
    from pathlib import Path

    import imgguard.pipeline

    monkeypatch.setattr(imgguard.pipeline, stage, broken)
    out = Path(str(tmp_path)) / "out"
    with pytest.raises(UncleanOutput):
        guard.clean(PHOTO, out)
    assert not out.exists()
    monkeypatch.undo()
    result: PhotoResult = guard.clean(PHOTO, out)
    assert result.target is not None and result.target.exists(), "the control: with the stage on it is published"


def test_a_change_in_the_last_rows_is_found() -> None:
    source = photo_of(scene(207, 207))
    changed = source.pixels.copy()
    changed[200:] = 255 - changed[200:]
    for tolerance in (0, None):
        written = Written(encode(changed, Format.PNG, source.encoding), tolerance)
        assert check_output(written, Format.PNG, source, (), (), None, fake_backends()).changed_outside >= 7 * 200


def test_one_large_cover_does_not_hide_what_happens_beside_small_ones() -> None:
    source = photo_of(scene(1600, 1200))
    faces = [
        detection_at(100, 100, 500),
        *(detection_at(900 + 220 * x, 150 + 200 * y, 30) for x in range(3) for y in range(5)),
    ]
    covered = [CoveredFace(face, cover_for(face, Style.SOLID), None) for face in faces]
    out = redact(source.pixels, [face.cover for face in covered], [])
    fine = Written(encode(out, Format.PNG, source.encoding), 0)
    assert check_output(fine, Format.PNG, source, covered, (), None, fake_backends()).changed_outside == 0
    bad = out.copy()
    bad[100:1100, 1000:1020] = 255 - bad[100:1100, 1000:1020]
    written = Written(encode(bad, Format.PNG, source.encoding), 0)
    assert check_output(written, Format.PNG, source, covered, (), None, fake_backends()).changed_outside > 10000
