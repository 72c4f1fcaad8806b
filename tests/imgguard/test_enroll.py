from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import piexif
import pytest
from PIL import Image

from consent import Roster, read_roster
from imgguard import BoundingBox, Gallery, Guard, Outcome, SetupError, Source, detect_faces, embed_face, load_photo
from imgguard.backends import default_backends
from imgguard.detect import find_faces
from imgguard.embed import MIN_SIDE, embed_at, head_turn, make_probe, with_precise_landmarks
from imgguard.enroll import Enrolment, enroll
from imgguard.scales import Search
from tests.conftest import SAMPLES, TODAY
from tests.fakes import FACE_COLOUR, detection_at, fake_backends
from tests.pictures import as_bytes, scene

IDS = SAMPLES / "id_photos"


@pytest.fixture(scope="module")
def roster() -> Roster:
    return read_roster(SAMPLES / "roster.csv")


def enrolled(folder: Path, roster: Roster) -> Enrolment:
    return enroll(folder, roster.subjects, roster, default_backends(), TODAY)


def findings(found: Enrolment, source: str) -> list[str]:
    return [finding.what for finding in found.findings if finding.source == source]


def test_the_sample_school_is_enrolled_without_findings(guard: Guard) -> None:
    gallery = guard.rules.gallery
    assert gallery is not None
    (remark,) = guard.findings
    assert remark.what == "29 ID photos do not tell when they were taken", "and no photo by itself"
    assert len(gallery) == 13
    assert "020781" not in gallery.subject_ids, "no biometrics: never enrolled"


def test_odd_id_photos_are_named_and_not_used(tmp_path: Path, roster: Roster) -> None:
    good = Image.open(IDS / "020411.jpg")
    pair = Image.new("RGB", (good.width * 2, good.height))
    pair.paste(good, (0, 0))
    pair.paste(Image.open(IDS / "020448.jpg").resize(good.size), (good.width, 0))
    (tmp_path / "020411.jpg").write_bytes(as_bytes(pair, "JPEG"))
    (tmp_path / "020448.jpg").write_bytes(as_bytes(Image.fromarray(scene(400, 500)), "JPEG"))
    (tmp_path / "020485.jpg").write_bytes(b"no picture")
    (tmp_path / "020522.jpg").write_bytes(as_bytes(good.resize((40, 50)), "JPEG"))
    shutil.copy(IDS / "020559.jpg", tmp_path / "999999.jpg")
    shutil.copy(IDS / "020596.jpg", tmp_path / "020596.jpg")
    found = enrolled(tmp_path, roster)
    assert {reference.subject_id for reference in found.references} == {"020596"}
    assert "2 faces" in findings(found, "020411.jpg")[0]
    assert "no face" in findings(found, "020448.jpg")[0]
    assert "not a photo" in findings(found, "020485.jpg")[0]
    assert "px large" in findings(found, "020522.jpg")[0]
    assert "no row" in findings(found, "999999.jpg")[0]
    without = "".join(findings(found, "roster.csv"))
    assert "020411" in without and "020707" in without and "020596" not in without
    assert "020781" not in without, "who may not be recognised needs no ID photo"


def test_the_id_photos_of_people_without_biometric_consent_are_not_opened(
    tmp_path: Path, roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(IDS / "020781.jpg", tmp_path / "020781.jpg")
    monkeypatch.setattr("imgguard.portrait_files.read_content", lambda path: pytest.fail(f"{path} was opened"))
    assert enrolled(tmp_path, roster).references == ()


def test_photos_of_two_people_under_one_number_enroll_neither(tmp_path: Path, roster: Roster) -> None:
    shutil.copy(IDS / "020411.jpg", tmp_path / "020411.jpg")
    shutil.copy(IDS / "020781.jpg", tmp_path / "020411(2).jpg")
    found = enrolled(tmp_path, roster)
    assert found.references == ()
    assert "do not show the same person" in found.findings[0].what
    assert "020411(2).jpg" in found.findings[0].source
    shutil.copy(IDS / "020411(2).jpg", tmp_path / "020411(2).jpg")
    assert len(enrolled(tmp_path, roster).references) == 2, "the control: two photos of one person"


@pytest.mark.parametrize("wrong", ["020411.jpg", "020411(3).jpg"])
def test_the_one_photo_of_three_that_shows_somebody_else_is_refused_by_name(
    tmp_path: Path, roster: Roster, wrong: str
) -> None:
    for name in ("020411.jpg", "020411(2).jpg", "020411(3).jpg"):
        shutil.copy(IDS / name, tmp_path / name)
    assert len(enrolled(tmp_path, roster).references) == 3, "the control: three photos of one person"
    shutil.copy(IDS / "020448.jpg", tmp_path / wrong)
    found = enrolled(tmp_path, roster)
    assert [reference.subject_id for reference in found.references] == ["020411", "020411"]
    assert "does not show the same person as the other ID photos of 020411" in findings(found, wrong)[0]
    assert not any("020411 has no usable" in finding.what for finding in found.findings)


@pytest.mark.parametrize("others", [("020448.jpg", "020485.jpg"), ("020448.jpg", "020448.jpg")])
def test_three_photos_that_no_two_witnesses_settle_enroll_nobody(
    tmp_path: Path, roster: Roster, others: tuple[str, str]
) -> None:
    shutil.copy(IDS / "020411.jpg", tmp_path / "020411.jpg")
    for number, other in enumerate(others, 2):
        shutil.copy(IDS / other, tmp_path / f"020411({number}).jpg")
    found = enrolled(tmp_path, roster)
    assert found.references == ()
    assert "020411 is not enrolled" in found.findings[0].what


def photo_taken(when: str, path: Path, source: str = "020411.jpg") -> None:
    taken = piexif.dump({"Exif": {piexif.ExifIFD.DateTimeOriginal: when.encode()}})
    piexif.insert(taken, (IDS / source).read_bytes(), str(path))


@pytest.mark.parametrize(
    ("when", "taken_on"),
    [
        ("2026:09:08 10:11:12", date(2026, 9, 8)),
        ("2026-09-08 10:11:12", date(2026, 9, 8)),
        ("2026:11:24 00:00:00", None),
        ("2062:09:08 10:11:12", None),
        ("2026:13:08 10:11:12", None),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("", None),
    ],
)
def test_the_day_of_taking_is_read_and_a_bad_or_future_one_is_unknown(
    tmp_path: Path, roster: Roster, when: str, taken_on: date | None
) -> None:
    photo_taken(when, tmp_path / "020411.jpg")
    found = enrolled(tmp_path, roster)
    assert [reference.taken_on for reference in found.references] == [taken_on]
    assert [remark.what for remark in found.remarks] == ["1 ID photo does not tell when it was taken"] * (not taken_on)


@pytest.mark.parametrize(
    ("when", "used", "told"),
    [
        ("2025:11:23", True, None),
        ("2025:11:22", True, "1 of 1 ID photos is older than 12 months (020411.jpg of 2025-11-22)"),
        ("2023:11:23", True, "older than 12 months"),
        ("2023:11:22", False, "taken on 2023-11-22, too long ago"),
    ],
)
def test_old_id_photos_are_told_and_very_old_ones_not_used(
    tmp_path: Path, roster: Roster, when: str, used: bool, told: str | None
) -> None:
    photo_taken(f"{when} 10:11:12", tmp_path / "020411.jpg")
    found = enrolled(tmp_path, roster)
    what = [f.what for f in found.findings if "no usable" not in f.what]
    assert bool(found.references) == used
    assert [told in text for text in what] == [True] if told else what == []
    assert any("020411 has no usable" in f.what for f in found.findings) != used
    if not used:
        assert "--old-id-photos" in what[0]
        wanted = enroll(tmp_path, roster.subjects, roster, default_backends(), TODAY, old_photos=True)
        assert len(wanted.references) == 1 and "older than 12 months" in wanted.findings[0].what


def test_many_old_photos_are_one_finding_that_names_the_oldest(tmp_path: Path, roster: Roster) -> None:
    for number, name in enumerate(("020411", "020448", "020485", "020522", "020559", "020596", "020633"), 1):
        photo_taken(f"2024:0{number}:01 00:00:00", tmp_path / f"{name}.jpg", f"{name}.jpg")
    (old,) = [f.what for f in enrolled(tmp_path, roster).findings if "older" in f.what]
    assert "7 of 7" in old and "(020411.jpg of 2024-01-01, 020448.jpg" in old and "and 2 more" in old


def test_one_photo_under_two_numbers_enrolls_neither_and_leaves_the_others(tmp_path: Path, roster: Roster) -> None:
    for number in ("020411", "020596", "020707"):
        shutil.copy(IDS / f"{number}.jpg", tmp_path / f"{number}.jpg")
    shutil.copy(IDS / "020411.jpg", tmp_path / "020448.jpg")
    found = enrolled(tmp_path, roster)
    assert {reference.subject_id for reference in found.references} == {"020596", "020707"}
    assert any("020411 and 020448 look the same" in finding.what for finding in found.findings)
    assert Gallery.from_references(found.references).threshold < 0.6


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, roster: Roster) -> None:
    with pytest.raises(SetupError, match="no such folder"):
        enrolled(tmp_path / "nowhere", roster)


def test_a_person_is_known_on_another_photo_and_a_stranger_is_not(guard: Guard) -> None:
    backends, gallery = default_backends(), guard.rules.gallery
    assert gallery is not None
    one = load_photo(SAMPLES / "event" / "event_09_one.jpg")
    (face,) = detect_faces(one)
    found = gallery.identify(make_probe(one.pixels, face, backends))
    assert (found.outcome, found.subject_id) == (Outcome.MATCH, "020596")
    others = Gallery.from_references(
        reference for reference in enroll_all(guard) if reference.subject_id not in ("020596",)
    )
    assert others.identify(make_probe(one.pixels, face, backends)).outcome is Outcome.NON_MATCH


def enroll_all(guard: Guard) -> tuple:
    return enrolled(IDS, read_roster(SAMPLES / "roster.csv")).references


def test_embeddings_are_unit_vectors_and_the_same_face_is_near_itself() -> None:
    photo = load_photo(SAMPLES / "event" / "event_05_two.jpg")
    vectors = [embed_face(photo, face) for face in detect_faces(photo)]
    assert len(vectors) == 2 and all(vector is not None for vector in vectors)
    one, other = (vector.vector for vector in vectors if vector is not None)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert float(one @ other) < 0.4


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"width": MIN_SIDE - 4}, "px large"),
        ({"source": Source.BLAZEFACE}, "landmarks"),
        ({}, None),
    ],
)
def test_a_face_of_too_little_quality_is_not_embedded(change: dict[str, object], fault: str | None) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    face = detection_at(100, 100, **{"width": 80.0, **change})  # type: ignore[arg-type]
    probe = make_probe(pixels, face, fake_backends())
    assert (probe.embedding is None) == (fault is not None)
    assert (fault or "") in (probe.quality.fault or "")


def test_a_flat_face_is_too_blurred() -> None:
    probe = make_probe(np.full((300, 300, 3), FACE_COLOUR, np.uint8), detection_at(100, 100, 80), fake_backends())
    assert probe.quality.fault == "too blurred"


def test_turning_the_head_moves_the_nose_off_the_middle() -> None:
    face = detection_at(0, 0, 100)
    assert head_turn(face.landmarks) == pytest.approx(0, abs=1e-5)
    turned = face.landmarks.copy()
    turned[2, 0] += 25
    assert head_turn(turned) > 0.5
    same = np.zeros((5, 2), np.float32)
    assert head_turn(same) == float("inf")


def test_boxes_know_their_overlap() -> None:
    one, other = BoundingBox(0, 0, 10, 20), BoundingBox(5, 10, 15, 30)
    assert one.overlap(other) == 50
    assert (one.side, one.area, one.center) == (10, 200, (5, 10))
    assert BoundingBox(-5, -5, 5, 5).clipped((3, 4)) == BoundingBox(0, 0, 3, 4)


def tilted(name: str, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """An ID photo and the same one turned."""
    upright = Image.open(IDS / name).convert("RGB")
    turned = upright.rotate(degrees, expand=True, resample=Image.Resampling.BICUBIC, fillcolor=(128, 128, 128))
    return np.asarray(upright), np.asarray(turned)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_face_on_its_side_or_upside_down_is_known_again(degrees: float) -> None:
    backends = default_backends()
    probes = []
    for pixels in tilted("020411.jpg", degrees):
        (face,) = find_faces(pixels, backends, Search.NORMAL.look)
        probes.append(make_probe(pixels, face, backends))
    one, other = (probe.embedding for probe in probes)
    assert one is not None and other is not None
    assert float(one.vector @ other.vector) > 0.8


def test_landmarks_of_a_poor_search_are_found_again() -> None:
    backends = default_backends()
    pixels = load_photo(IDS / "020411.jpg").pixels
    (face,) = find_faces(pixels, backends, Search.NORMAL.look)
    shaken = replace(face, landmarks=face.landmarks + np.float32([6, -5]) * np.float32(face.box.side / 60))
    good, poor, mended = (
        embed_at(pixels, one, backends).vector
        for one in (
            with_precise_landmarks(pixels, face, backends),
            shaken,
            with_precise_landmarks(pixels, shaken, backends),
        )
    )
    assert float(good @ mended) > 0.999
    assert float(good @ poor) < 0.97
    nothing = replace(face, box=BoundingBox(0, 0, 30, 30))
    assert with_precise_landmarks(np.full((200, 200, 3), 90, np.uint8), nothing, backends) is nothing


def test_a_face_and_its_mirror_image_have_one_embedding() -> None:
    embedder = default_backends().embedder
    aligned = np.ascontiguousarray(np.asarray(Image.open(IDS / "020411.jpg").convert("RGB").resize((112, 112))))
    mirrored = np.ascontiguousarray(aligned[:, ::-1])
    assert float(embedder.embed(aligned) @ embedder.embed(mirrored)) == pytest.approx(1, abs=1e-5)
