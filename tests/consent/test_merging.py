"""Several rows of one person: each signer's answers side by side, and what rows disagree on is no."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from consent import Answer, Purpose, read_roster
from tests.consent.test_layouts import kept, read
from tests.consent.test_roster import HEADER, ROW, consent_of, is_kept, roster_of
from tests.rosters import EXPORTS, write_csv

SECOND = ROW.replace("Guardian", "Grandmother")


def test_two_guardians_who_say_yes_are_kept_without_a_word(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW, SECOND)
    assert is_kept(roster) and roster.findings == ()
    assert {c.signed_by for c in roster.subjects["020411"].consents} == {"Guardian", "Grandmother"}


def test_a_second_answer_that_says_no_wins_and_is_told_with_its_row(tmp_path: Path) -> None:
    for rows in ([ROW, SECOND.replace("yes,yes", "yes,no")], [SECOND.replace("yes,yes", "yes,no"), ROW]):
        roster = roster_of(tmp_path, *rows)
        assert not is_kept(roster)
        (finding,) = roster.findings
        assert finding.row == 3 and "not all say yes to school_website" in finding.what


def test_a_hold_in_any_row_holds_and_a_blank_one_does_not_lift_it(tmp_path: Path) -> None:
    held = SECOND.replace("yes,yes,,", "yes,yes,yes,")
    assert roster_of(tmp_path, ROW, held).subjects["020411"].holds
    assert roster_of(tmp_path, held, ROW).subjects["020411"].holds


def test_a_name_that_is_not_understood_is_told_once_for_all_purposes(tmp_path: Path) -> None:
    header = HEADER + ",yearbook,newsletter,name_shown"
    roster = roster_of(tmp_path, ROW + ",yes,yes,nickname", header=header)
    assert [finding.row for finding in roster.findings] == [2]
    assert "name_shown says 'nickname'" in roster.findings[0].what


def test_permissions_in_rows_of_their_own_come_together_without_a_word(tmp_path: Path) -> None:
    export = EXPORTS["aeries"]
    declared = replace(export.declared, asks={"WEB": ("school_website",), "BOOK": ("yearbook",)})
    first = list(export.rows[0])
    book = [cell.replace("WEB", "BOOK") for cell in first]
    roster = read(replace(export, rows=[first, book, *export.rows[1:]]), tmp_path, declared)
    assert "000001" in kept(roster) and "000001" in kept(roster, Purpose.YEARBOOK)
    assert roster.findings == ()


def test_a_permission_given_anew_stands_beside_the_old_one_and_a_no_beats_both(tmp_path: Path) -> None:
    export = EXPORTS["aeries"]
    first = list(export.rows[0])
    older = [cell.replace("9/8/2026", "9/8/2025").replace("6/30/2027", "6/30/2026") for cell in first]
    assert "000001" in kept(read(replace(export, rows=[older, first]), tmp_path))
    taken_back = [cell if place != 5 else "N" for place, cell in enumerate(older)]
    for rows in ([taken_back, first], [first, taken_back], [older, first, taken_back]):
        assert not kept(read(replace(export, rows=rows), tmp_path))


def test_a_permission_that_nobody_knows_is_told_once_with_its_rows(tmp_path: Path) -> None:
    export = EXPORTS["aeries"]
    roster = read(export.with_cell(1, 6, "BUS"), tmp_path)
    assert [str(finding) for finding in roster.findings] == [
        "export.csv: the permission 'BUS' (1 rows) is not known and not used"
    ]


def test_a_number_with_thousands_of_rows_is_no_and_does_not_take_for_ever(tmp_path: Path) -> None:
    export = EXPORTS["aeries"]
    rows = [[*export.rows[0][:3], f"9/{n % 28 + 1}/2026", *export.rows[0][4:8], str(n), "yes"] for n in range(5_000)]
    path = write_csv(replace(export, rows=rows), tmp_path / "export.csv")
    started = time.process_time()
    assert not kept(read_roster(path, export.declared))
    assert time.process_time() - started < 30


def test_whoever_differs_in_name_only_under_one_number_is_nobody_clear(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW, SECOND.replace("Amina", "Theo"))
    assert {c.answer for c in roster.subjects["020411"].consents} == {Answer.CONFLICTING}


def test_the_row_of_each_consent_is_kept(tmp_path: Path) -> None:
    assert consent_of(roster_of(tmp_path, ROW)).source_row == 2
    rows = [c.source_row for c in roster_of(tmp_path, ROW, SECOND).subjects["020411"].consents]
    assert rows == [2, 3]
