"""A guard and the school file: who withdrew, whose roster holds, whose templates are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from consent import Purpose, Reason, RecordError, Roster, RosterError, Store, read_roster
from consent.forgetting import forget
from consent.model import Hold
from consent.people import import_roster
from imgguard import Guard, SetupError
from imgguard.errors import ConsentChanged
from imgguard.inspection import inspect_photo
from imgguard.who import with_withdrawals
from tests.conftest import SAMPLES, TODAY

ONE = SAMPLES / "event" / "event_09_one.jpg"
SHOWN = "020596"
GIVEN = {"roster": SAMPLES / "roster.csv", "id_photos": SAMPLES / "id_photos"}


@pytest.fixture
def school(tmp_path: Path) -> Path:
    return tmp_path / "school.imgguard"


@pytest.fixture
def store(school: Path) -> Iterator[Store]:
    with Store(school) as opened:
        yield opened


def withdraw(store: Store, subject_id: str, purpose: Purpose | None = None) -> None:
    row = {"subject_id": subject_id, "purpose": purpose, "withdrawn_on": TODAY.isoformat(), "because": "letter"}
    with store.atomic():
        store.insert_row("withdrawals", row)


def decided(school: Path, **given: Path) -> tuple[bool, Reason]:
    guard = Guard(**given, purpose="school_website", school=school, on=TODAY, groups=("Grade 8",))  # type: ignore[arg-type]
    (face,) = inspect_photo(ONE, guard).faces
    return face.cover is None, face.decision.reason


def test_what_was_withdrawn_in_the_school_file_holds_for_a_roster_that_is_given(school: Path) -> None:
    assert decided(school, **GIVEN) == (True, Reason.CONSENTED), "the control"
    assert not school.exists(), "nothing is made only to look into it"
    with Store(school) as store:
        withdraw(store, SHOWN)
    assert decided(school, **GIVEN) == (False, Reason.WITHDRAWN)


def test_a_withdrawal_for_another_purpose_covers_nothing_here(school: Path) -> None:
    with Store(school) as store:
        withdraw(store, SHOWN, Purpose.YEARBOOK)
    assert decided(school, **GIVEN) == (True, Reason.CONSENTED)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"holds": frozenset({Hold.COURT_ORDER})}, Reason.COURT_ORDER),
        ({"biometric_ok": False}, Reason.NO_MATCH),
    ],
)
def test_a_roster_that_is_given_does_not_outweigh_what_was_imported_against_showing_somebody(
    school: Path, change: dict[str, Any], reason: Reason
) -> None:
    assert decided(school, **GIVEN) == (True, Reason.CONSENTED), "the control"
    newer = read_roster(SAMPLES / "roster.csv")
    held = {**newer.subjects, SHOWN: replace(newer.subjects[SHOWN], **change)}
    with Store(school) as store:
        import_roster(store, replace(newer, subjects=held))
    assert decided(school, **GIVEN) == (False, reason)
    with Store(school) as store:
        import_roster(store, newer)
    assert decided(school, **GIVEN) == (True, Reason.CONSENTED), "lifted by a newer import"


@pytest.mark.parametrize("written", ["20596", " 0020596", "'020596'", "\uff10\uff12\uff10\uff15\uff19\uff16"])
def test_a_withdrawal_is_found_however_the_number_is_written(written: str) -> None:
    found = with_withdrawals(read_roster(SAMPLES / "roster.csv"), {written: frozenset({Purpose.YEARBOOK})})
    assert [n for n, person in found.subjects.items() if person.withdrawn] == [SHOWN]


def test_the_roster_of_the_school_file_is_used_where_none_is_given(school: Path, store: Store) -> None:
    import_roster(store, read_roster(SAMPLES / "roster.csv"))
    assert decided(school, id_photos=SAMPLES / "id_photos") == (True, Reason.CONSENTED)
    withdraw(store, SHOWN, Purpose.SCHOOL_WEBSITE)
    assert decided(school, id_photos=SAMPLES / "id_photos") == (False, Reason.WITHDRAWN)


def test_where_nobody_is_enrolled_that_is_told_and_everybody_covered(school: Path, store: Store) -> None:
    import_roster(store, read_roster(SAMPLES / "roster.csv"))
    guard = Guard(purpose="school_website", school=school, on=TODAY)
    (told,) = [str(finding) for finding in guard.findings]
    assert "nobody is enrolled" in told
    (face,) = inspect_photo(ONE, guard).faces
    assert face.cover is not None


@pytest.mark.parametrize("made", [False, True])
def test_without_any_roster_the_guard_says_where_one_could_come_from(school: Path, made: bool) -> None:
    if made:
        Store(school).close()
    with pytest.raises(SetupError, match="imgguard roster import"):
        Guard(purpose="school_website", school=school)
    assert school.exists() == made


def test_a_stored_roster_without_the_purpose_is_refused(school: Path, store: Store) -> None:
    roster = read_roster(SAMPLES / "roster.csv")
    import_roster(store, Roster(roster.path, roster.sha256, frozenset(), roster.subjects, ()))
    with pytest.raises(RosterError, match="school_website"):
        Guard(purpose="school_website", school=school)


def test_a_school_file_that_cannot_be_read_stops_the_run(school: Path) -> None:
    school.write_bytes(b"this is no record of anything at all" * 40)
    with pytest.raises(RecordError):
        Guard(**GIVEN, purpose="school_website", school=school, on=date(2026, 11, 23))  # type: ignore[arg-type]


def test_withdrawals_leave_everybody_else_as_they_are() -> None:
    roster = read_roster(SAMPLES / "roster.csv")
    taken: Mapping[str, frozenset[Purpose]] = {SHOWN: frozenset({Purpose.YEARBOOK})}
    changed = with_withdrawals(roster, taken).subjects
    assert {n for n in roster.subjects if roster.subjects[n] != changed[n]} == {SHOWN}


def another_roster(store: Store) -> None:
    roster = read_roster(SAMPLES / "roster.csv")
    people = {number: person for number, person in roster.subjects.items() if number != SHOWN}
    import_roster(store, replace(roster, sha256="ab" * 32, subjects=people))


@pytest.mark.parametrize(
    "happens",
    [
        lambda store: withdraw(store, SHOWN),
        lambda store: withdraw(store, "20596"),
        lambda store: forget(store, SHOWN),
        another_roster,
    ],
    ids=["withdrawn", "withdrawn without the zero", "forgotten", "a new roster"],
)
def test_what_changes_while_a_run_goes_on_stops_the_photos_that_show_the_person(
    school: Path, store: Store, tmp_path: Path, happens: Callable[[Store], object]
) -> None:
    import_roster(store, read_roster(SAMPLES / "roster.csv"))
    out = tmp_path / "out"
    with Guard(**GIVEN, purpose="school_website", school=school, on=TODAY, groups=("Grade 8",)) as guard:  # type: ignore[arg-type]
        one = guard.clean(ONE, out / "before.jpg")
        assert one.faces[0].cover is None, "the control"
        happens(store)
        with pytest.raises(ConsentChanged):
            guard.clean(ONE, out / "after.jpg")
        (refused,) = guard.run(guard.plan([ONE], out / "again.jpg"), workers=1)
    assert refused.refusal is not None and refused.refusal.kind == "consent_changed"
    assert [path.name for path in out.iterdir()] == ["before.jpg"]


def test_a_withdrawal_for_something_else_stops_no_run(school: Path, store: Store, tmp_path: Path) -> None:
    with Guard(**GIVEN, purpose="school_website", school=school, on=TODAY, groups=("Grade 8",)) as guard:  # type: ignore[arg-type]
        withdraw(store, SHOWN, Purpose.YEARBOOK)
        withdraw(store, "020411")
        (face,) = guard.clean(ONE, tmp_path / "out" / "one.jpg").faces
    assert face.cover is None
