"""What a person said of a photo is recorded with it, told, forgotten, and holds for new versions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cli.main import run
from consent import Purpose, Reason, Store, Verdict, audit, withdrawals
from consent.counting import counts
from consent.forgetting import forget
from consent.histories import history_of
from consent.policy_files import load_policy
from consent.rechecking import recheck
from consent.reports import run_html, run_json
from consent.run_facts import run_facts
from consent.showings import showings
from consent.trail import check_school
from imgguard import BoundingBox, Guard, Outcome, Publication
from imgguard.backends import default_backends
from imgguard.errors import ConsentChanged
from imgguard.handing import Handed
from imgguard.marking import marks_of
from imgguard.marks import Mark, MarkKind, possible
from imgguard.output import OutputFolder
from imgguard.photo import load_photo
from imgguard.pipeline import prepare_loaded
from imgguard.reclean import Sources, find_originals, reclean, versions_to_make
from imgguard.today import people_today
from imgguard.types import CleanedPhoto
from tests.conftest import SAMPLES, TODAY

EVENING = SAMPLES / "event" / "event_07_evening.jpg"
AMINA, CASPIAN, NAMED = "020411", "020818", "020596"
WHO = {"roster": SAMPLES / "roster.csv", "id_photos": SAMPLES / "id_photos", "on": TODAY}
BADGE = BoundingBox(100, 1000, 700, 1040)


@dataclass(frozen=True)
class Made:
    """A school that published a photo of which a person had said four things."""

    folder: Path
    guard: Guard
    cleaned: CleanedPhoto
    places: dict[str, BoundingBox]

    @property
    def file(self) -> Path:
        return self.folder / "school.imgguard"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("marked")
    publication = Publication(operator="T. Eacher")
    guard = Guard(**WHO, purpose="school_website", school=folder / "school.imgguard", publication=publication)  # type: ignore[arg-type]
    photo, backends = load_photo(EVENING), default_backends()
    plain = prepare_loaded(photo, guard.rules, backends).faces
    places = {
        "nobody": next(face for face in plain if MarkKind.NOBODY in possible(face)).detection.box,
        "person": next(face for face in plain if face.outcome is Outcome.NON_MATCH and face.detection.score > 0.9)
        .detection.box,
        "cover": next(face for face in plain if face.decision.subject_id == AMINA).detection.box,
    }  # fmt: skip
    marks = [Mark(MarkKind(kind), box, NAMED if kind == "person" else None, "A. Dmin", "2026-11-23T10:00:00+00:00")
             for kind, box in places.items()]  # fmt: skip
    marks.append(Mark(MarkKind.COVER, BADGE, None, "A. Dmin", "2026-11-23T10:01:00+00:00"))
    cleaned = prepare_loaded(photo, replace(guard.rules, marks={photo.sha256: tuple(marks)}), backends)
    OutputFolder(folder / "cleaned", overwrite=False).root.mkdir()
    target = folder / "cleaned" / "evening.jpg"
    guard.publish(cleaned, target, OutputFolder(folder / "cleaned", overwrite=False))
    return Made(folder, guard, cleaned, {**places, "badge": BADGE})


@pytest.fixture
def store(made: Made, tmp_path: Path) -> Iterator[Store]:
    with Store(shutil.copy(made.file, tmp_path / "school.imgguard")) as store:
        yield store


def test_what_was_said_is_recorded_with_the_photo_and_counted_in_the_trail(made: Made, store: Store) -> None:
    assert marks_of(store.path, 1) == made.cleaned.marks and len(made.cleaned.marks) == 4
    published = next(entry for entry in audit.entries(store) if entry.kind == audit.Kind.PUBLISHED)
    assert json.loads(published.body)["overrides"] == {"cover": 2, "nobody": 1, "person": 1}
    assert NAMED not in published.body and "A. Dmin" not in published.body
    assert check_school(store).ok
    with store.atomic():
        store.change("DELETE FROM overrides WHERE kind = 'cover'")
    assert not check_school(store).ok, "what somebody takes out of the record is found"


def test_the_history_tells_what_was_said_and_counts_no_face_as_nobody(made: Made, store: Store) -> None:
    (published,) = history_of(store, made.cleaned.sha256).published
    assert published.overrides == {"cover": 2, "nobody": 1, "person": 1} and published.no_faces == 1
    shown = [person.subject_id for person in published.shown]
    assert NAMED in shown and None not in shown and AMINA not in shown
    ((kept,),) = store.query("SELECT count(*) FROM faces WHERE verdict = 'keep'")
    assert kept == len(shown) + 1, "the control: it is kept in the record"
    counted = {one.subject_id: one.photos for one in counts(store, TODAY, load_policy("strict"))}
    assert counted == dict.fromkeys(shown, 1)
    assert {one.subject_id for one in showings(store) if one.visible} == set(shown)
    assert any(one.subject_id == AMINA and one.reason == Reason.COVERED_BY_OPERATOR for one in showings(store))


def test_the_command_line_tells_that_it_was_done_by_hand(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["history", str(EVENING), "--school", str(store.path)]
    assert run(asked) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "By hand 2 covered, 1 found to be no face, 1 named" in told
    assert "A. Dmin" not in told, "names of operators are the report's"
    assert run([*asked, "--json"]) == 0
    (published,) = json.loads(capsys.readouterr().out)["published"]
    assert (published["overrides"]["person"], published["no_faces"]) == (1, 1)


def test_the_report_tells_who_did_what_and_names_only_if_asked(store: Store) -> None:
    facts = run_facts(store, 1)
    page, told = run_html(facts), json.loads(run_json(facts))
    for words in (
        "By hand",
        "A. Dmin",
        "no face: somebody looked",
        "covered by the operator",
        NAMED,
        "changed by hand",
    ):
        assert words in page, words
    assert (told["counts"]["no_faces"], told["counts"]["overrides"]) == (1, 4)
    faces = told["photos"][0]["faces"]
    assert told["counts"]["faces_kept"] + told["counts"]["faces_covered"] + 1 == len(faces)
    assert "Tanaka" not in page and "Jun Tanaka-Wells" in run_html(facts, {NAMED: "Jun Tanaka-Wells"})


@pytest.mark.parametrize("written", [NAMED, NAMED.lstrip("0")])
def test_whoever_is_forgotten_is_named_by_nothing_that_was_said(store: Store, written: str) -> None:
    review = {"begun_at": "", "folder": "", "told": "{}", "operator": "A. Dmin", "state": "open"}
    said = {"step": 1, "source_sha256": "aa", "kind": "person", "x1": 0, "y1": 0, "x2": 9, "y2": 9}
    with store.atomic():
        store.change("UPDATE overrides SET subject_id = ? WHERE kind = 'person'", (written,))
        number = store.insert_row("reviews", review)
        who = {"subject_id": written, "operator": "A. Dmin", "marked_at": ""}
        store.insert_row("review_marks", {"review_id": number, **said, **who})
    assert forget(store, NAMED).complete
    for table in ("overrides", "review_marks"):
        assert store.query(f"SELECT subject_id FROM {table} WHERE kind = 'person'") == [(None,)]
    assert check_school(store).ok, "that something was said stays known"
    assert "forgotten since" in run_html(run_facts(store, 1))


@pytest.mark.parametrize("happens", ["withdrawn", "forgotten", "nothing"])
def test_a_photo_is_handed_over_only_if_everybody_named_may_still_be_shown(made: Made, happens: str) -> None:
    """Whatever was recorded since the guard read its roster, whether or not the run had begun."""
    copy = made.folder / f"{happens}.imgguard"
    shutil.copy(made.file, copy)
    guard = Guard(recognition=False, school=copy, on=TODAY)
    guard.rules = replace(made.guard.rules)
    guard._under = made.guard._under
    with Store(copy) as store:
        if happens == "withdrawn":
            withdrawals.withdraw(store, NAMED, [Purpose.SCHOOL_WEBSITE], "letter", TODAY)
        elif happens == "forgotten":
            forget(store, NAMED)
    sink = Handed()
    target = sink.root / "evening.jpg"
    if happens == "nothing":
        guard.publish(made.cleaned, target, sink)
        assert sink.content(target) == made.cleaned.content
        return
    with pytest.raises(ConsentChanged):
        guard.publish(made.cleaned, target, sink)
    with pytest.raises(KeyError):
        sink.content(target)
    with Store(copy) as store:
        assert store.query("SELECT refusal FROM photos WHERE id = 2") == [("consent_changed",)]
        assert store.query("SELECT count(*) FROM overrides WHERE photo_id = 2") == [(0,)]


def test_bytes_are_handed_over_only_when_their_record_is_committed(made: Made, tmp_path: Path) -> None:
    sink = Handed()
    target = sink.root / "a.jpg"
    with pytest.raises(RuntimeError), sink.publishing(b"bytes", target):
        with pytest.raises(KeyError):
            sink.content(target)
        raise RuntimeError("the record failed")
    with pytest.raises(KeyError):
        sink.content(target)
    with sink.publishing(b"bytes", target):
        pass
    assert sink.content(target) == b"bytes"


def pixels(path: Path) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_what_was_said_holds_for_the_new_version_of_a_photo(made: Made, tmp_path: Path) -> None:
    school = tmp_path / "school.imgguard"
    shutil.copy(made.file, school)
    with Store(school) as store:
        withdrawals.withdraw(store, CASPIAN, (), "letter", TODAY)
        people = people_today(store, SAMPLES / "roster.csv")
        assert {lapse.showing.subject_id for lapse in recheck(showings(store), people, TODAY)} == {CASPIAN}
        versions = versions_to_make(showings(store), people, TODAY)
    (tmp_path / "event").mkdir()
    shutil.copy(EVENING, tmp_path / "event")
    originals = find_originals(tmp_path / "event", [version.file for version in versions])
    (redone,) = reclean(versions, originals, Sources(school, tmp_path / "event", tmp_path / "new", WHO, workers=1))
    assert redone.result is not None and redone.result.refusal is None and redone.result.target is not None
    verdicts = {face.decision.subject_id: face.decision.verdict for face in redone.result.faces}
    assert (verdicts[AMINA], verdicts[CASPIAN], verdicts[NAMED]) == (Verdict.COVER, Verdict.COVER, Verdict.KEEP)
    assert redone.result.marks == made.cleaned.marks and marks_of(school, 2) == made.cleaned.marks
    source, new = pixels(EVENING), pixels(redone.result.target)
    moved = {}
    for name, box in made.places.items():
        x1, y1, x2, y2 = (int(value) for value in (box.x1, box.y1, box.x2, box.y2))
        moved[name] = np.abs(source[y1:y2, x1:x2] - new[y1:y2, x1:x2]).mean() > 4
    assert moved == {"nobody": False, "person": False, "cover": True, "badge": True}


def test_once_the_named_person_takes_consent_back_the_new_version_covers_the_place(made: Made, tmp_path: Path) -> None:
    school = tmp_path / "school.imgguard"
    shutil.copy(made.file, school)
    with Store(school) as store:
        withdrawals.withdraw(store, NAMED, (), "letter", TODAY)
        versions = versions_to_make(showings(store), people_today(store, SAMPLES / "roster.csv"), TODAY)
    originals = find_originals(SAMPLES / "event", [version.file for version in versions])
    (redone,) = reclean(versions, originals, Sources(school, SAMPLES / "event", tmp_path / "new", WHO, workers=1))
    assert redone.result is not None
    (theirs,) = [face for face in redone.result.faces if face.decision.subject_id == NAMED]
    assert theirs.cover is not None and theirs.decision.reason is Reason.WITHDRAWN
