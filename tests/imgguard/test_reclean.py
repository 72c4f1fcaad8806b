from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from consent import Reason, Store, Verdict, withdrawals
from consent.people import import_roster
from consent.rechecking import recheck
from consent.roster import read_roster
from consent.showings import Showing, showings
from imgguard import BoundingBox, Guard, SetupError
from imgguard.covers import cover_mask
from imgguard.reclean import (
    Redone,
    Sources,
    Version,
    find_originals,
    parted,
    reclean,
    versions_to_make,
)
from imgguard.today import people_today, policies_behind
from tests.conftest import SAMPLES, TODAY, TrueFace
from tests.consent.published import publish

AMINA = "020411"
GYM = "event_02_gym.jpg"
WHO = {"roster": SAMPLES / "roster.csv", "id_photos": SAMPLES / "id_photos", "on": TODAY}


@dataclass(frozen=True)
class School:
    """A sample school that has published a photo, and a copy of it for each test."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "school.imgguard"

    @property
    def published(self) -> Path:
        return self.folder / "cleaned"

    @property
    def new(self) -> Path:
        return self.folder / "new"

    @property
    def originals(self) -> Path:
        return self.folder / "event"

    def copied(self, folder: Path) -> School:
        shutil.copytree(self.folder, folder)
        return School(folder)

    def showings(self, subject_id: str | None = None) -> tuple[Showing, ...]:
        with Store(self.file) as store:
            return showings(store, subject_id)

    def withdraw(self, subject_id: str = AMINA) -> None:
        with Store(self.file) as store:
            withdrawals.withdraw(store, subject_id, (), "letter", TODAY)

    def versions(self, **chosen: Any) -> tuple[Version, ...]:
        with Store(self.file) as store:
            people = people_today(store, SAMPLES / "roster.csv")
            return versions_to_make(showings(store), people, TODAY, **chosen)

    def reclean(self, *, who: Mapping[str, Any] = WHO, overwrite: bool = False, **chosen: Any) -> list[Redone]:
        versions = self.versions(**chosen)
        originals = find_originals(self.originals, [version.file for version in versions])
        students = frozenset(chosen.get("students", ()))
        sources = Sources(self.file, self.originals, self.new, who, students, overwrite, workers=1)
        return list(reclean(versions, originals, sources))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> School:
    school = School(tmp_path_factory.mktemp("published"))
    school.originals.mkdir()
    shutil.copy(SAMPLES / "event" / GYM, school.originals / "Amina in the gym.jpg")
    options = {"purpose": "school_website", "style": "solid", "cover": "head", "credit": "North School"}
    with Guard(**WHO, **options, school=school.file) as guard:  # type: ignore[arg-type]
        assert all(not r.refusal for r in guard.clean_folder(school.originals, school.published, workers=1))
    return school


@pytest.fixture
def school(published: School, tmp_path: Path) -> School:
    return published.copied(tmp_path / "school")


def pixels(path: Path) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_after_a_withdrawal_the_new_version_covers_the_person_and_changes_nothing_else(
    school: School, truth: dict[str, tuple[TrueFace, ...]]
) -> None:
    school.withdraw()
    (one,) = school.reclean()
    assert one.result is not None and one.result.refusal is None
    assert one.result.target == school.new / one.file.name == school.new / "photo-0001.jpg"
    old, new = pixels(school.published / one.file.name), pixels(one.result.target)
    theirs = {face.person: face.box for face in truth[GYM]}
    mine = theirs.pop(AMINA)
    x1, y1, x2, y2 = (int(value) for value in (mine.x1, mine.y1, mine.x2, mine.y2))
    middle = (slice(y1 + 5, y2 - 5), slice(x1 + 5, x2 - 5))
    assert new[middle].std(axis=(0, 1)).max() < 2 < old[middle].std(axis=(0, 1)).max(), "solid now, a face before"
    changed = (old != new).any(axis=2)
    (face,) = [face for face in one.result.faces if face.decision.subject_id == AMINA]
    assert face.cover is not None and face.decision.reason is Reason.WITHDRAWN
    size = (old.shape[1], old.shape[0])
    near = cover_mask([face.cover], [], size)
    ys, xs = np.nonzero(near)
    around = np.zeros_like(near)
    # Blocks of a JPEG that a cover touches are made anew as a whole, and a decoder smooths into those beside them.
    around[max(0, ys.min() - 32) : ys.max() + 33, max(0, xs.min() - 32) : xs.max() + 33] = True
    assert changed.any() and not (changed & ~around).any()
    for box in theirs.values():
        assert not changed[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)].any()


def test_the_new_version_replaces_the_old_one_with_its_purpose_and_settings(school: School) -> None:
    school.withdraw()
    (one,) = school.reclean()
    with Store(school.file) as store:
        rows = store.query(
            "SELECT runs.purpose, style, settings, published_name, format, replaces FROM photos"
            " JOIN runs ON runs.id = run_id ORDER BY photos.id"
        )
        names = store.query("SELECT source_name, published_name FROM renamed ORDER BY photo_id")
    assert rows[0][:5] == rows[1][:5] and [row[5] for row in rows] == [None, one.file.photo_id]
    assert names[0] == names[1], "a later run finds its neutral name again"
    assert b"North School" in (school.new / "photo-0001.jpg").read_bytes()


def test_afterwards_only_the_old_file_is_open_until_it_is_ticked_off(school: School) -> None:
    school.withdraw()
    school.reclean()
    with Store(school.file) as store:
        people = people_today(store, SAMPLES / "roster.csv")
        (lapse,) = recheck(showings(store), people, TODAY)
        assert (lapse.showing.subject_id, lapse.showing.file.photo_id) == (AMINA, 1)
        assert lapse.showing.file.newest == 2
    assert school.versions() == (), "there is nothing more to make"


def test_a_student_can_be_covered_though_nothing_is_withdrawn(school: School) -> None:
    assert school.versions() == (), "the control: everybody's consent holds"
    (one,) = school.reclean(students=[AMINA])
    assert one.result is not None
    faces = {face.decision.subject_id: face.cover for face in one.result.faces if face.decision.subject_id}
    assert faces[AMINA] is not None and faces["020522"] is None
    assert school.versions(students=["020485"]) == (), "who is on no photo needs no version"


def test_a_photo_can_be_chosen_by_its_original_or_its_published_file(school: School) -> None:
    school.withdraw()
    for path in (school.originals / "Amina in the gym.jpg", school.published / "photo-0001.jpg"):
        assert len(school.versions(photos=[hashlib.sha256(path.read_bytes()).hexdigest()])) == 1
    assert school.versions(photos=["00" * 32]) == ()


@pytest.mark.parametrize("today", ["nobody is known any more", "somebody else is taken for the person"])
def test_whoever_the_face_is_taken_for_today_the_recorded_place_is_covered(
    school: School, tmp_path: Path, today: str
) -> None:
    """Recognition finds somebody differently: the gallery has no photo of hers, or another student's number on it."""
    school.withdraw()
    ids = tmp_path / "ids"
    shutil.copytree(SAMPLES / "id_photos", ids)
    for path in ids.glob(f"{AMINA}*"):
        path.unlink()
    if today.startswith("somebody"):
        for path in ids.glob("020818*"):
            path.unlink()
        for path in (SAMPLES / "id_photos").glob(f"{AMINA}*"):
            shutil.copy(path, ids / path.name.replace(AMINA, "020818"))
    (before,) = [s for s in school.showings(AMINA) if s.visible]
    options = {**WHO, "id_photos": ids, "purpose": "school_website", "school": school.file}
    with Guard(**options) as guard:  # type: ignore[arg-type]
        tried = guard.clean(school.originals / "Amina in the gym.jpg", tmp_path / "tried", dry_run=True)
    box = BoundingBox(*before.box)
    (now,) = [face for face in tried.faces if face.detection.box.iou(box) > 0.5]
    if today.startswith("somebody"):
        assert now.decision.subject_id == "020818" and now.decision.verdict is Verdict.KEEP, "the control"
    else:
        assert now.decision.subject_id is None
    (one,) = school.reclean(who={**WHO, "id_photos": ids})
    assert one.result is not None and one.result.target is not None
    held = [face for face in one.result.faces if face.cover and face.detection.box.iou(box) > 0.5]
    assert held and held[0].decision.verdict is Verdict.COVER
    x1, y1, x2, y2 = (int(value) for value in before.box)
    assert pixels(one.result.target)[y1 + 5 : y2 - 5, x1 + 5 : x2 - 5].std(axis=(0, 1)).max() < 2


def test_what_an_earlier_version_showed_is_covered_in_every_later_one(school: School) -> None:
    school.withdraw(AMINA)
    school.reclean()
    school.withdraw("020522")
    (version,) = school.versions()
    assert {one.decision.subject_id for one in version.required} == {AMINA, "020522"}
    school.new.rename(school.folder / "first")
    (one,) = school.reclean()
    covered = {face.decision.subject_id for face in one.result.faces if face.cover} if one.result else set()
    assert {AMINA, "020522"} <= covered


def test_missing_originals_are_told_and_the_others_are_made(school: School) -> None:
    school.withdraw()
    (school.originals / "Amina in the gym.jpg").unlink()
    (one,) = results = school.reclean()
    assert one.result is None and one.file.name == "photo-0001.jpg"
    assert [len(part) for part in parted(results)] == [0, 0, 1]
    assert not school.new.exists()


def test_originals_are_found_by_content_whatever_their_names_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "renamed.jpg").write_bytes(b"the original")
    (tmp_path / "in" / "photo.jpg").write_bytes(b"not the original")
    (tmp_path / "elsewhere.jpg").write_bytes(b"another original")
    wanted = [_file(b"the original", "photo.jpg"), _file(b"another original", "b.jpg")]
    (tmp_path / "in" / "link.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    counts: list[int] = []
    found = find_originals(tmp_path / "in", wanted, counts.append)
    assert dict(found.found) == {wanted[0].source_sha256: tmp_path / "in" / "deep" / "renamed.jpg"}
    assert found.unread == (tmp_path / "in" / "link.jpg",) and counts == [1, 2]
    with pytest.raises(SetupError, match="no such folder"):
        find_originals(tmp_path / "nowhere", wanted)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_among_the_originals_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert find_originals(tmp_path, [_file(b"x", "a.jpg")]).unread == (tmp_path / "pipe.jpg",)


def _file(content: bytes, name: str) -> Any:
    from consent.showings import PublishedFile

    digest = hashlib.sha256(content).hexdigest()
    return PublishedFile(1, 1, name, digest, "22" * 32, "jpeg", TODAY, None, "", "", "", "strict", 1, None)


def test_nothing_that_is_there_already_is_overwritten_unless_told(school: School) -> None:
    school.withdraw()
    school.new.mkdir()
    (school.new / "photo-0001.jpg").write_bytes(b"somebody's")
    (one,) = school.reclean()
    assert one.result is not None and one.result.refusal is not None and one.result.refusal.kind == "output_exists"
    assert (school.new / "photo-0001.jpg").read_bytes() == b"somebody's"
    (again,) = school.reclean(overwrite=True)
    assert again.result is not None and again.result.refusal is None


def test_another_published_photo_is_not_overwritten_even_when_told_to(school: School) -> None:
    school.withdraw()
    school.new.mkdir()
    (school.new / "photo-0001.jpg").write_bytes(b"made from another photo")
    with Store(school.file) as store:
        digest = hashlib.sha256(b"made from another photo").hexdigest()
        publish(store, [], source="77", name="photo-0001.jpg")
        with store.atomic():
            store.change("UPDATE photos SET output_sha256 = ? WHERE source_sha256 = ?", (digest, "77" * 32))
    (one,) = school.reclean(overwrite=True)
    assert (
        one.result is not None and one.result.refusal is not None and one.result.refusal.kind == "another_photo_there"
    )
    assert (school.new / "photo-0001.jpg").read_bytes() == b"made from another photo"


@pytest.mark.parametrize("out", ["event", "event/new", ".", "ids"])
def test_new_versions_are_not_mixed_with_originals_id_photos_or_the_school_file(school: School, out: str) -> None:
    school.withdraw()
    shutil.copytree(SAMPLES / "id_photos", school.folder / "ids")
    originals = find_originals(school.originals, [version.file for version in school.versions()])
    who = {**WHO, "id_photos": school.folder / "ids"}
    sources = Sources(school.file, school.originals, school.folder / out, who, workers=1)
    with pytest.raises(SetupError, match="lie inside each other"):
        list(reclean(school.versions(), originals, sources))


def test_files_of_one_name_from_different_runs_get_a_folder_each(school: School) -> None:
    with Guard(**WHO, purpose="yearbook", school=school.file) as guard:  # type: ignore[arg-type]
        list(guard.clean_folder(school.originals, school.folder / "book", workers=1))
    school.withdraw()
    results = school.reclean()
    targets = [one.result.target for one in results if one.result]
    assert targets == [school.new / "run-0001" / "photo-0001.jpg", school.new / "run-0002" / "photo-0001.jpg"]
    with Store(school.file) as store:
        told = store.query(
            "SELECT published_name, runs.purpose FROM photos JOIN runs ON runs.id = run_id"
            " WHERE replaces IS NOT NULL ORDER BY photos.id"
        )
    assert told == [("photo-0001.jpg", "school_website"), ("photo-0001.jpg", "yearbook")]


def test_a_destination_that_is_gone_refuses_its_photos_and_says_why(school: School) -> None:
    school.withdraw()
    with Store(school.file) as store, store.atomic():
        store.change("UPDATE runs SET destination = 'Blog'")
    (one,) = school.reclean()
    assert one.result is not None and one.result.refusal is not None
    assert one.result.refusal.kind == "not_published_there" and "Blog" in one.result.refusal.what
    assert not school.new.exists()


def test_the_procedures_behind_photos_are_known_by_name_and_unknown_ones_left_out(school: School) -> None:
    with Store(school.file) as store:
        assert set(policies_behind(store, showings(store))) == {"strict"}
        with store.atomic():
            store.change("UPDATE runs SET policy = 'of another imgguard'")
        assert policies_behind(store, showings(store)) == {}


def test_who_vanished_from_the_roster_is_covered_and_who_withdrew_is_told_as_that(
    school: School, tmp_path: Path
) -> None:
    roster = read_roster(SAMPLES / "roster.csv")
    with Store(school.file) as store:
        with pytest.raises(SetupError, match="no roster was imported"):
            people_today(store, None)
        import_roster(store, roster)
        left = {number: person for number, person in roster.subjects.items() if number not in (AMINA, "020522")}
        import_roster(store, replace(roster, subjects=left))
        withdrawals.withdraw(store, "020522", (), "letter", TODAY)
        withdrawals.withdraw(store, "031000", (), "letter", TODAY)
        people = people_today(store, None)
        assert AMINA not in people and people["031000"].withdrawn and people["020522"].withdrawn
        gone = {one.showing.subject_id: one.gone for one in recheck(showings(store), people, TODAY)}
        assert gone == {AMINA: "vanished", "020522": "withdrawn"}
        (version,) = versions_to_make(showings(store), people, TODAY)
    assert {one.decision.subject_id for one in version.required} == {AMINA, "020522"}


@pytest.mark.parametrize("gone", ["yearbook", "Grade 8"])
def test_a_purpose_or_a_group_that_the_roster_has_no_more_refuses_its_photos_and_no_others(
    school: School, tmp_path: Path, gone: str
) -> None:
    """Next year's roster: Grade 8 is Grade 9, and the yearbook is asked about on another form."""
    with Guard(**WHO, purpose="yearbook", school=school.file, groups=("Grade 8",)) as guard:  # type: ignore[arg-type]
        list(guard.clean_folder(school.originals, school.folder / "book", workers=1))
    school.withdraw()
    roster = tmp_path / "next.csv"
    roster.write_text((SAMPLES / "roster.csv").read_text(encoding="utf-8").replace(gone, "x"), encoding="utf-8")
    website, book = school.reclean(who={**WHO, "roster": roster})
    assert website.result is not None and website.result.refusal is None
    assert book.result is not None and book.result.refusal is not None
    assert book.result.refusal.kind == "not_published_there" and gone in book.result.refusal.what
