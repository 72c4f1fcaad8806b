"""Enrolling into the school file: a photo once, and the rules hold over what is stored and what is new together."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import piexif
import pytest

from consent import RecordError, Reference, Roster, Store, audit, read_roster
from consent.people import import_roster, stored_roster
from consent.templates import read_templates, save_templates
from consent.vault import Vault
from imgguard import Gallery, SetupError
from imgguard.backends import Backends, default_backends
from imgguard.portrait_files import PortraitFile
from imgguard.recall import Kept, enroll_into, recall
from tests.conftest import SAMPLES, TODAY
from tests.rings import FileRing
from tests.schools import END, sample_school

IDS = SAMPLES / "id_photos"
AMINA, THEO, NADIA = "020411", "020448", "020485"


@dataclass
class Counting:
    """The real embedder, counting what it embeds."""

    inner: object
    count: int = 0

    @property
    def model_id(self) -> str:
        return self.inner.model_id  # type: ignore[attr-defined, no-any-return]

    def align(self, pixels: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return self.inner.align(pixels, landmarks)  # type: ignore[attr-defined, no-any-return]

    def embed(self, aligned: np.ndarray) -> np.ndarray:
        self.count += 1
        return self.inner.embed(aligned)  # type: ignore[attr-defined, no-any-return]


@dataclass
class School:
    store: Store
    vault: Vault
    folder: Path
    backends: Backends
    counter: Counting

    @property
    def roster(self) -> Roster:
        roster = stored_roster(self.store)
        assert roster is not None
        return roster

    def put(self, *photos: str, **renamed: str) -> None:
        for name in photos:
            shutil.copy(IDS / name, self.folder / name)
        for name, source in renamed.items():
            shutil.copy(IDS / source, self.folder / f"{name.removeprefix('n')}.jpg")

    def enroll(self, on: date = TODAY, end: date = END, *, old: bool = False, folder: Path | None = None) -> Kept:
        self.counter.count = 0
        people = self.roster.subjects
        return enroll_into(
            self.store, self.vault, folder or self.folder, people, self.roster, self.backends, on, end, old_photos=old
        )

    def recalled(self, on: date = TODAY) -> list[str]:
        people = self.roster.subjects
        return sorted({r.subject_id for r in recall(self.store, self.vault, people, self.backends, on).references})

    def stored(self) -> list[str]:
        return [str(number) for (number,) in self.store.query("SELECT subject_id FROM templates ORDER BY 1")]


@pytest.fixture
def school(tmp_path: Path, ring: FileRing) -> Iterator[School]:
    store, vault = sample_school(tmp_path / "school.imgguard")
    (tmp_path / "ids").mkdir()
    counter = Counting(default_backends().embedder)
    with store:
        yield School(store, vault, tmp_path / "ids", replace(default_backends(), embedder=counter), counter)  # type: ignore[arg-type]


def told(found: Kept) -> str:
    return "\n".join(map(str, (*found.enrolment.findings, *found.enrolment.remarks)))


def test_the_sample_school_is_enrolled_once_and_recalled_as_it_was(school: School) -> None:
    first = school.enroll(folder=IDS)
    assert (first.computed, first.known, first.dropped) == (27, 0, 0) and school.counter.count >= 27
    assert len({r.subject_id for r in first.enrolment.references}) == 12
    again = school.enroll(folder=IDS)
    assert (again.computed, again.known, again.dropped) == (0, 27, 0)
    assert school.counter.count == 0, "nothing is computed again"
    found = recall(school.store, school.vault, school.roster.subjects, school.backends, TODAY)
    as_set = {(r.subject_id, r.template) for r in first.enrolment.references}
    assert {(r.subject_id, r.template) for r in found.references} == as_set
    assert all(r.expires_on == END for r in found.references)
    gallery = Gallery.from_references(found.references, 0.001, TODAY)
    assert len(gallery) == 12
    assert "020781" not in gallery.subject_ids, "no biometrics: never enrolled"


def test_a_changed_photo_takes_the_place_of_the_earlier_one(school: School) -> None:
    school.put("020411.jpg", "020448.jpg")
    school.enroll()
    before = dict(school.store.query("SELECT subject_id, photo_sha256 FROM templates"))
    school.put(n020411="020411(2).jpg")
    found = school.enroll()
    assert (found.computed, found.known, found.dropped) == (1, 1, 1)
    after = dict(school.store.query("SELECT subject_id, photo_sha256 FROM templates"))
    assert after.keys() == before.keys() == {AMINA, THEO}
    assert after[AMINA] != before[AMINA] and after[THEO] == before[THEO]


def test_a_changed_photo_that_cannot_be_used_leaves_nobody_enrolled_by_the_old_one(school: School) -> None:
    school.put("020411.jpg", "020448.jpg")
    school.enroll()
    (school.folder / "020411.jpg").write_bytes(b"no picture")
    found = school.enroll()
    assert school.stored() == [THEO] and found.dropped == 1
    assert "020411.jpg: not used" in told(found) and "020411 has no usable ID photo" in told(found)


def test_who_has_no_photo_in_this_folder_keeps_the_earlier_ones(school: School) -> None:
    school.put("020411.jpg")
    school.enroll()
    (school.folder / "020411.jpg").unlink()
    school.put("020448.jpg", "020448(2).jpg")
    found = school.enroll()
    assert (found.computed, found.dropped) == (2, 0)
    assert school.recalled() == [AMINA, THEO]
    assert {r.subject_id for r in found.enrolment.references} == {AMINA, THEO}


def test_people_without_permission_are_not_opened_and_lose_what_they_had(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.put("020411.jpg", "020448.jpg")
    school.enroll()
    with school.store.atomic():
        school.store.change("UPDATE subjects SET present = 0 WHERE subject_id = ?", (THEO,))
    assert school.stored() == [AMINA, THEO]
    (school.folder / "020411.jpg").unlink()
    monkeypatch.setattr("imgguard.portrait_files.read_content", lambda path: pytest.fail(f"{path} was opened"))
    found = school.enroll()
    assert school.stored() == [AMINA] and found.dropped == 1


def test_photos_of_one_number_that_disagree_enroll_nobody_stored_or_new(school: School) -> None:
    school.put("020411.jpg")
    school.enroll()
    assert school.recalled() == [AMINA]
    shutil.copy(IDS / "020485.jpg", school.folder / "020411(2).jpg")
    found = school.enroll()
    assert school.stored() == [] and school.recalled() == []
    assert "do not show the same person" in told(found)


def test_one_photo_under_two_numbers_covers_both_even_from_two_folders(school: School, tmp_path: Path) -> None:
    school.put("020411.jpg")
    school.enroll()
    (tmp_path / "later").mkdir()
    shutil.copy(IDS / "020411.jpg", tmp_path / "later" / "020448.jpg")
    found = school.enroll(folder=tmp_path / "later")
    assert "020411 and 020448 look the same" in told(found)
    assert found.enrolment.references == () and school.recalled() == []
    again = school.enroll(folder=tmp_path / "later")
    assert again.enrolment.references == () and school.recalled() == [], "nor is one of them enrolled by trying again"
    shutil.copy(IDS / "020448.jpg", tmp_path / "later" / "020448.jpg")
    school.enroll(folder=tmp_path / "later")
    assert school.recalled() == [AMINA, THEO], "the right photo settles it"


def test_who_looks_like_somebody_who_is_not_asked_for_is_covered_too(school: School) -> None:
    school.put("020411.jpg", n020448="020411.jpg")
    school.enroll()
    people = {AMINA: school.roster.subjects[AMINA]}
    found = recall(school.store, school.vault, people, school.backends, TODAY)
    assert found.references == () and "look the same" in str(found.findings[0])


def test_photos_get_too_old_while_they_are_stored(school: School) -> None:
    taken = piexif.dump({"Exif": {piexif.ExifIFD.DateTimeOriginal: b"2024:01:15 10:00:00"}})
    piexif.insert(taken, (IDS / "020411.jpg").read_bytes(), str(school.folder / "020411.jpg"))
    found = school.enroll()
    assert found.computed == 1 and "older than 12 months" in told(found)
    later = date(2027, 2, 1)
    found = school.enroll(on=later)
    assert school.stored() == [] and "too long ago" in told(found)
    assert school.enroll(on=later, old=True).computed == 1
    assert school.enroll(on=later, old=True).known == 1
    found = recall(school.store, school.vault, school.roster.subjects, school.backends, later)
    assert any("older than 12 months" in str(finding) for finding in found.findings)


def test_enrolling_again_sets_a_new_last_day_without_computing(school: School) -> None:
    school.put("020411.jpg")
    school.enroll(end=TODAY + timedelta(days=30))
    assert school.recalled(TODAY + timedelta(days=30)) == [AMINA] and school.recalled(END) == []
    assert school.enroll().known == 1 and school.counter.count == 0
    assert school.recalled(END) == [AMINA]
    assert school.enroll(end=TODAY).known == 1 and school.recalled(TODAY + timedelta(days=1)) == [], "a shorter one too"


def test_a_template_that_was_over_is_computed_again(school: School) -> None:
    school.put("020411.jpg")
    school.enroll(end=TODAY)
    found = school.enroll(on=TODAY + timedelta(days=1))
    assert found.computed == 1 and school.stored() == [AMINA]


def test_a_damaged_template_is_told_and_made_anew(school: School) -> None:
    school.put("020411.jpg", "020448.jpg")
    school.enroll()
    with school.store.atomic():
        school.store.change("UPDATE templates SET ciphertext = zeroblob(528) WHERE subject_id = ?", (AMINA,))
    found = recall(school.store, school.vault, school.roster.subjects, school.backends, TODAY)
    assert {r.subject_id for r in found.references} == {THEO}
    assert "020411 is not enrolled and will be covered" in str(found.findings[0])
    assert school.enroll().computed == 1
    assert school.recalled() == [AMINA, THEO]


def test_templates_of_another_model_are_replaced(school: School) -> None:
    school.put("020411.jpg")
    other = Reference(AMINA, b"\0" * 512, "another model", None, END)
    save_templates(school.store, school.vault, [(other, "ab" * 32)])
    assert school.recalled() == []
    assert school.enroll().computed == 1
    assert school.recalled() == [AMINA] and school.stored() == [AMINA]


def test_a_permission_that_is_taken_back_while_photos_are_read_holds(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.put("020411.jpg", "020448.jpg")
    roster = read_roster(SAMPLES / "roster.csv")
    without = {**roster.subjects, AMINA: replace(roster.subjects[AMINA], biometric_ok=False)}
    import imgguard.recall as recalling

    read = recalling.read_reference

    def meanwhile(photo: PortraitFile, *args: object, **options: object) -> object:
        if photo.number == THEO:
            with Store(school.store.path) as other:
                import_roster(other, replace(roster, subjects=without))
        return read(photo, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(recalling, "read_reference", meanwhile)
    school.enroll()
    assert school.stored() == [THEO]


def test_a_crash_changes_nothing(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    school.put("020411.jpg")
    school.enroll()
    school.put(n020411="020411(2).jpg")
    before = list(school.store._db.iterdump())
    with monkeypatch.context() as patched:
        patched.setattr(audit, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            school.enroll()
    assert list(school.store._db.iterdump()) == before
    school.store._db.execute("PRAGMA busy_timeout = 100")
    with Store(school.store.path) as other, other.atomic(), pytest.raises(RecordError, match="locked"):
        school.enroll()
    with pytest.raises(SetupError, match="no such folder"):
        school.enroll(folder=school.folder / "nowhere")
    assert list(school.store._db.iterdump()) == before


def test_the_trail_tells_how_many_and_nobodys_number(school: School) -> None:
    school.put("020411.jpg", "020411(2).jpg")
    school.enroll()
    last = audit.head(school.store)
    assert last is not None and last.kind == "enrolled"
    assert last.body == '{"dropped":0,"known":0,"people":1,"templates":2}'


def test_findings_name_photos_as_people_know_them(school: School) -> None:
    school.put("020411.jpg")
    (school.folder / "999999.jpg").write_bytes(b"nobody")
    (school.folder / "020448.jpg").write_bytes(b"no picture")
    found = told(school.enroll())
    assert "999999.jpg: no row in" in found and "020448.jpg: not used: not a photo" in found
    assert "020485 has no usable ID photo" in found
    assert str(read_templates(school.store, school.vault, TODAY).stored[0].reference.subject_id) == AMINA
