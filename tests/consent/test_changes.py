"""What imports change, before and after; and what speaks against one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from consent import Hold, Purpose, Roster, Store, Verdict, decide, read_roster
from consent.changes import Change, Kind, Renumbering, aligned, compare
from consent.imports import changes_of, doubts, imports, same_names, save_mapping, saved_mappings
from consent.layout import parse_layout, written_layout
from consent.mapping import EMPTY
from consent.people import changes_by, import_roster, stored_roster
from tests.conftest import SAMPLES
from tests.consent.test_roster import HEADER, ROW, roster_of

TODAY = date(2026, 11, 23)
OTHER = ROW.replace("020411,Amina", "020412,Theo")
BORN = HEADER + ",birth_date"


def kinds(before: Roster, after: Roster) -> dict[str, list[Kind]]:
    found: dict[str, list[Kind]] = {}
    for change in compare(before.subjects, after.subjects, TODAY).changes:
        found.setdefault(change.subject_id, []).append(change.kind)
    return found


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (ROW, ROW.replace("yes,yes", "yes,no"), Kind.LOST),
        (ROW.replace("yes,yes", "yes,no"), ROW, Kind.GAINED),
        (ROW, ROW.replace("2027-06-30", "2026-10-01"), Kind.LOST),
        (ROW, ROW.replace("yes,yes,,", "no,yes,,"), Kind.NOT_RECOGNISED),
        (ROW.replace("yes,yes,,", "no,yes,,"), ROW, Kind.RECOGNISED),
    ],
)
def test_who_gains_and_who_loses_is_told(tmp_path: Path, before: str, after: str, kind: Kind) -> None:
    assert kinds(roster_of(tmp_path, before), roster_of(tmp_path, after)) == {"020411": [kind]}


def test_who_is_held_back_loses_too_and_who_stays_the_same_is_not_told(tmp_path: Path) -> None:
    held = ROW.replace("yes,yes,,", "yes,yes,yes,")
    one, other = roster_of(tmp_path, ROW, OTHER), roster_of(tmp_path, held, OTHER)
    assert kinds(one, other) == {"020411": [Kind.LOST, Kind.HELD]}
    assert kinds(one, one) == {}


def test_who_vanished_and_who_is_new_is_told(tmp_path: Path) -> None:
    assert kinds(roster_of(tmp_path, ROW), roster_of(tmp_path, OTHER)) == {
        "020411": [Kind.VANISHED],
        "020412": [Kind.NEW],
    }


def test_a_changed_number_is_proposed_by_name_and_birth_date_and_joins_nobody(tmp_path: Path) -> None:
    before = roster_of(tmp_path, f"{ROW},2016-05-17", header=BORN)
    after = roster_of(tmp_path, f"{ROW.replace('020411', '990411')},2016-05-17", header=BORN)
    difference = compare(before.subjects, after.subjects, TODAY)
    assert difference.renumbered == (Renumbering("020411", "990411"),)
    assert {change.kind for change in difference.changes} == {Kind.NEW, Kind.VANISHED}
    elder = roster_of(tmp_path, f"{ROW.replace('020411', '990411')},2012-05-17", header=BORN)
    assert compare(before.subjects, elder.subjects, TODAY).renumbered == ()


def test_a_new_number_does_not_lose_what_was_withdrawn_under_the_old_one(tmp_path: Path) -> None:
    before = roster_of(tmp_path, f"{ROW},2016-05-17", header=BORN)
    after = roster_of(tmp_path, f"{ROW.replace('020411', '990411')},2016-05-17", header=BORN)
    with Store(tmp_path / "school.imgguard") as store:
        import_roster(store, before, on=TODAY)
        with store.atomic():
            withdrawal = {"subject_id": "020411", "purpose": None, "withdrawn_on": "2026-11-01", "because": "asked"}
            store.insert_row("withdrawals", withdrawal)
        import_roster(store, after, on=TODAY)
        found = stored_roster(store)
    assert found is not None
    assert Purpose.SCHOOL_WEBSITE in found.subjects["990411"].withdrawn
    assert decide(found.subjects["990411"], Purpose.SCHOOL_WEBSITE, TODAY).verdict is Verdict.COVER


def test_zeros_that_a_spreadsheet_ate_do_not_make_somebody_else(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        import_roster(store, roster_of(tmp_path, ROW), on=TODAY)
        eaten = roster_of(tmp_path, ROW.replace("020411", "20411"))
        difference, people, joined = changes_by(store, eaten, TODAY)
        assert (difference.changes, list(people), joined) == ((), ["020411"], {"020411": "20411"})
        import_roster(store, eaten, on=TODAY)
        found = stored_roster(store)
    assert found is not None and list(found.subjects) == ["020411"]


def test_zeros_join_nobody_where_two_would_fit() -> None:
    person = read_roster(SAMPLES / "roster.csv").subjects["020411"]
    people, joined = aligned({"20411": replace(person, subject_id="20411")}, ["020411", "0020411"])
    assert list(people) == ["20411"] and not joined


def test_each_import_keeps_what_it_changed_and_the_first_changes_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        first = import_roster(store, roster_of(tmp_path, ROW, OTHER), on=TODAY)
        second = import_roster(store, roster_of(tmp_path, ROW.replace("yes,yes", "yes,no")), on=TODAY)
        assert changes_of(store, first) == ()
        assert changes_of(store, second) == (
            Change("020411", Kind.LOST, "school_website (photo)"),
            Change("020412", Kind.VANISHED, "school_website (photo)"),
        )
        assert [made.roster_id for made in imports(store)] == [second, first]


def test_an_import_that_fails_changes_nothing(tmp_path: Path) -> None:
    from consent import audit

    with Store(tmp_path / "school.imgguard") as store:
        import_roster(store, roster_of(tmp_path, ROW), on=TODAY)
        before = (stored_roster(store), imports(store), audit.entries(store))
        broken = roster_of(tmp_path, OTHER)
        person = replace(broken.subjects["020412"], given_name=None)  # type: ignore[arg-type]
        with pytest.raises(Exception, match="NOT NULL"):
            import_roster(store, replace(broken, subjects={"020412": person}), on=TODAY)
        assert (stored_roster(store), imports(store), audit.entries(store)) == before


def test_an_older_export_a_clock_set_back_and_late_signatures_are_told(tmp_path: Path) -> None:
    with Store(tmp_path / "school.imgguard") as store:
        assert not list(doubts(store, roster_of(tmp_path, ROW), TODAY))
        import_roster(store, roster_of(tmp_path, ROW), on=TODAY)
        older = roster_of(tmp_path, ROW.replace("2026-09-01", "2025-09-01"))
        today = imports(store)[0].imported_on
        assert any("older export" in str(d) for d in doubts(store, older, today))
        assert any("clock set back" in str(d) for d in doubts(store, older, date(2020, 1, 1)))
        late = roster_of(tmp_path, ROW.replace("2026-09-01", "2199-09-01"))
        assert [d.row for d in doubts(store, late, today)] == [2]


def test_two_people_of_one_name_are_told(tmp_path: Path) -> None:
    (told,) = same_names(roster_of(tmp_path, ROW, ROW.replace("020411", "020412"), OTHER.replace("020412", "020413")))
    assert "020411, 020412" in told.what


def test_a_mapping_that_was_kept_is_there_again(tmp_path: Path) -> None:
    mapping = replace(
        EMPTY, name="ours", required=("Pupil\n#1 \u201cx\u201d \x7f",), constants={"signer_role": "guardian"}
    )
    assert parse_layout(written_layout(mapping), "it") == mapping
    with Store(tmp_path / "school.imgguard") as store:
        save_mapping(store, "ours", written_layout(mapping))
        save_mapping(store, "ours", written_layout(mapping))
        assert saved_mappings(store) == (mapping,)


def test_a_hold_that_is_lifted_is_told(tmp_path: Path) -> None:
    held = roster_of(tmp_path, ROW.replace("yes,yes,,", "yes,yes,yes,"))
    assert Hold.DO_NOT_PUBLISH in held.subjects["020411"].holds
    assert kinds(held, roster_of(tmp_path, ROW)) == {"020411": [Kind.GAINED, Kind.RELEASED]}
