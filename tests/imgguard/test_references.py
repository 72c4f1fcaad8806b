"""A confirmed face becomes a reference only where it can make nobody else known."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from consent import Store, audit, read_roster
from consent.people import import_roster, stored_roster
from consent.school import template_end
from consent.templates import drop_templates, read_templates
from consent.vault import Vault, open_vault
from imgguard import BoundingBox
from imgguard.backends import default_backends
from imgguard.errors import ReferenceRefused
from imgguard.recall import enroll_into
from imgguard.references import keep_reference, see_face, store_reference
from tests.conftest import SAMPLES, TODAY, TrueFace
from tests.schools import PASSPHRASE, every_byte, sample_school

EVENING, GYM = SAMPLES / "event" / "event_07_evening.jpg", SAMPLES / "event" / "event_02_gym.jpg"
AMINA, POPPY, NADIA, CASPIAN = "020411", "020781", "020485", "020818"
Truth = dict[str, tuple[TrueFace, ...]]


@dataclass
class School:
    store: Store
    vault: Vault

    def of(self, subject_id: str) -> list[str]:
        stored = read_templates(self.store, self.vault, TODAY).stored
        return [one.photo_sha256 for one in stored if one.reference.subject_id == subject_id]

    def keep(self, photo: Path, box: BoundingBox, subject_id: str, on: date = TODAY) -> None:
        content = photo.read_bytes()
        keep_reference(self.store, self.vault, content, photo, box, subject_id, on, default_backends())

    def enroll(self, folder: Path) -> None:
        roster = stored_roster(self.store)
        assert roster is not None
        people = roster.subjects
        enroll_into(self.store, self.vault, folder, people, roster, default_backends(), TODAY, template_end(TODAY))


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("enrolled") / "school.imgguard"
    store, vault = sample_school(path, passphrase=PASSPHRASE)
    import_roster(store, read_roster(SAMPLES / "roster.csv"))
    School(store, vault).enroll(SAMPLES / "id_photos")
    store.close()
    return path


@pytest.fixture
def school(enrolled: Path, tmp_path: Path) -> Iterator[School]:
    with Store(shutil.copy(enrolled, tmp_path / "school.imgguard")) as store:
        yield School(store, open_vault(store, lambda: PASSPHRASE))


def where(truth: Truth, photo: Path, person: str) -> BoundingBox:
    return next(face.box for face in truth[photo.name] if face.person == person)


def test_a_confirmed_face_is_kept_encrypted_with_an_end_beside_the_id_photos(school: School, truth: Truth) -> None:
    before = school.of(AMINA)
    school.keep(EVENING, where(truth, EVENING, AMINA), AMINA)
    after = read_templates(school.store, school.vault, TODAY).stored
    (new,) = [one for one in after if one.reference.subject_id == AMINA and one.photo_sha256 not in before]
    assert set(before) < set(school.of(AMINA)), "the references of ID photos stay"
    assert new.reference.expires_on == template_end(TODAY)
    assert new.reference.template not in every_byte(school.store.path)
    last = audit.entries(school.store)[-1]
    assert last.kind == audit.Kind.ENROLLED and AMINA not in last.body
    with pytest.raises(ReferenceRefused, match="already"):
        school.keep(EVENING, where(truth, EVENING, AMINA), AMINA)


def test_a_face_that_is_somebody_elses_is_refused_whether_or_not_the_person_has_references(
    school: School, truth: Truth
) -> None:
    everything = school.store.query("SELECT * FROM templates")
    box = where(truth, EVENING, AMINA)
    with pytest.raises(ReferenceRefused, match="other references"):
        school.keep(EVENING, box, CASPIAN)
    with school.store.atomic():
        drop_templates(school.store, [NADIA])
    with pytest.raises(ReferenceRefused, match="somebody else's"):
        school.keep(EVENING, box, NADIA)
    kept = [row for row in everything if row[1] != NADIA]
    assert school.store.query("SELECT * FROM templates") == kept, "nothing of it was kept"


def test_whoever_has_no_reference_yet_gets_one_from_a_face_that_nobody_resembles(school: School, truth: Truth) -> None:
    with school.store.atomic():
        drop_templates(school.store, [AMINA])
    school.keep(GYM, where(truth, GYM, AMINA), AMINA)
    assert len(school.of(AMINA)) == 1


def test_of_whoever_may_not_be_recognised_nothing_is_computed(school: School, truth: Truth) -> None:
    box = where(truth, EVENING, AMINA)
    with pytest.raises(ReferenceRefused, match="may not be recognised"):
        keep_reference(school.store, school.vault, b"no photo at all", EVENING, box, POPPY, TODAY, default_backends())
    seen = see_face(EVENING.read_bytes(), EVENING, box, default_backends(), TODAY)
    with pytest.raises(ReferenceRefused, match="may not be recognised"):
        store_reference(school.store, school.vault, seen, POPPY, TODAY)
    assert school.of(POPPY) == []


def test_what_cannot_be_compared_or_is_no_face_is_refused(school: School) -> None:
    for nothing in (BoundingBox(10, 10, 60, 70), BoundingBox(900, 1100, 960, 1180)):
        with pytest.raises(ReferenceRefused, match=r"No face|cannot be compared"):
            school.keep(EVENING, nothing, AMINA)


def test_a_new_id_photo_takes_the_place_of_all_references_that_were_there(
    school: School, truth: Truth, tmp_path: Path
) -> None:
    school.keep(EVENING, where(truth, EVENING, AMINA), AMINA)
    school.keep(EVENING, where(truth, EVENING, CASPIAN), CASPIAN)
    (tmp_path / "ids").mkdir()
    for photo in (SAMPLES / "id_photos").glob(f"{AMINA}*"):
        shutil.copy(photo, tmp_path / "ids")
    hers, his = school.of(AMINA), school.of(CASPIAN)
    school.enroll(tmp_path / "ids")
    assert len(school.of(AMINA)) == len(hers) - 1, "whose ID photos these are starts anew"
    assert school.of(CASPIAN) == his, "who has none in it keeps all"
