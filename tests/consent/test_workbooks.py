"""Workbooks: stored values only, bounded, and refused with a reason."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent import RosterError, read_roster
from consent.mapping import Declared
from consent.workbooks import MAX_UNPACKED
from tests.consent.test_layouts import kept
from tests.rosters import EXPORTS, write_xlsx

OWN = EXPORTS["imgguard"]


def own(*more: object) -> list[list[object]]:
    return [list(OWN.header), [*OWN.rows[0][:3], *more, *OWN.rows[0][4:]]]


def rewrite(path: Path, part: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)


def test_a_formula_is_never_evaluated_and_without_a_stored_value_it_is_no_answer(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "r.xlsx", own('="yes"'))
    roster = read_roster(path)
    assert not kept(roster)
    assert roster.findings[0].row == 2 and "formula" in roster.findings[0].what
    assert kept(read_roster(write_xlsx(tmp_path / "plain.xlsx", own("yes")))) == {"000001"}, "the control"


def test_the_stored_value_of_a_formula_is_read(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "r.xlsx", own('="yes"'))

    def calculated(xml: bytes) -> bytes:
        xml = xml.replace(b'<c r="D2">', b'<c r="D2" t="str">')
        return xml.replace(b"<v />", b"<v>no</v>").replace(b"<v></v>", b"<v>no</v>")

    rewrite(path, "xl/worksheets/sheet1.xml", calculated)
    (consent,) = read_roster(path).subjects["000001"].consents
    assert consent.answer == "no"


@pytest.mark.parametrize("value", [True, 1, 1.0])
def test_numbers_and_marks_of_a_sheet_are_read_as_text(tmp_path: Path, value: object) -> None:
    assert kept(read_roster(write_xlsx(tmp_path / "r.xlsx", own(value)))) == {"000001"}


def test_a_date_of_a_sheet_is_no_question_and_a_number_that_is_no_text_keeps_its_digits(tmp_path: Path) -> None:
    rows = own("yes")
    rows[1][0], rows[1][-1] = 20411, datetime(2026, 4, 3)
    roster = read_roster(write_xlsx(tmp_path / "r.xlsx", rows))
    assert roster.subjects["20411"].consents[0].signed_on == datetime(2026, 4, 3).date()


def test_what_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "r.xlsx", own("yes"))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed, packed.open("xl/media/big.bin", "w") as part:
        for _ in range(MAX_UNPACKED // 2**20 + 1):
            part.write(bytes(2**20))
    assert path.stat().st_size < 5_000_000
    with pytest.raises(RosterError, match="unpacks to more"):
        read_roster(path)


def test_entities_are_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "r.xlsx", own("yes"))
    bomb = b'<!DOCTYPE x [<!ENTITY a "yes"><!ENTITY b "&a;&a;">]>'
    rewrite(path, "xl/worksheets/sheet1.xml", lambda xml: bomb + xml)
    with pytest.raises(RosterError, match="document type"):
        read_roster(path)


def test_a_cell_far_away_does_not_make_a_giant_of_the_table(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "r.xlsx", own("yes"))
    rewrite(
        path, "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"</sheetData>", b'<row r="3"><c r="XFD3"><v>1</v></c></row></sheetData>'),
    )  # fmt: skip
    with pytest.raises(RosterError, match="row 3"):
        read_roster(path)


def test_the_sheet_is_asked_for_where_two_have_people(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    path = write_xlsx(tmp_path / "r.xlsx", own("yes"), sheet="This year")
    book = load_workbook(path)
    second = book.create_sheet("Last year")
    for row in own("no"):
        second.append(row)
    book.save(path)
    with pytest.raises(RosterError, match="This year, Last year"):
        read_roster(path)
    assert kept(read_roster(path, Declared(sheet="This year"))) == {"000001"}
    assert not kept(read_roster(path, Declared(sheet="Last year")))


def test_a_zip_that_is_no_workbook_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.txt", "x")
    with pytest.raises(RosterError, match=r"not an \.xlsx"):
        read_roster(path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=40))
def test_no_damage_to_a_workbook_crashes_the_reader(tmp_path: Path, place: int, junk: bytes) -> None:
    whole = tmp_path / "whole.xlsx"
    if not whole.exists():
        write_xlsx(whole, own("no"))
    content = whole.read_bytes()
    place %= len(content)
    path = tmp_path / "r.xlsx"
    path.write_bytes(content[:place] + junk + content[place + len(junk) :])
    try:
        assert not kept(read_roster(path))
    except RosterError as error:
        assert "r.xlsx" in error.what


def merged(path: Path, rows: list[list[object]], *ranges: str) -> Path:
    from openpyxl import load_workbook

    book = load_workbook(write_xlsx(path, rows))
    for cells in ranges:
        book.active.merge_cells(cells)
    book.save(path)
    return path


def two_rows() -> list[list[object]]:
    header = ["number", "first_name", "biometric_ok", "school_website", "do_not_publish"]
    signed = ["signed_by", "signer_role", "signed_on"]
    row = ["1", "Amina", "yes", "yes", "", "P. One", "guardian", "2026-09-08"]
    return [[*header, *signed], row, ["2", "Binta", *row[2:]]]


def test_a_hold_that_is_merged_over_two_rows_holds_both(tmp_path: Path) -> None:
    rows = two_rows()
    assert len(kept(read_roster(write_xlsx(tmp_path / "control.xlsx", rows)))) == 2
    rows[1][4] = "yes"
    roster = read_roster(merged(tmp_path / "r.xlsx", rows, "E2:E3"))
    assert not kept(roster)
    assert any(finding.row == 3 and "merged" in finding.what for finding in roster.findings)


def test_the_second_guardian_below_a_merged_number_is_heard(tmp_path: Path) -> None:
    rows = two_rows()
    rows[2] = ["1", "Amina", "yes", "no", "", "P. Two", "guardian", "2026-09-08"]
    roster = read_roster(merged(tmp_path / "r.xlsx", rows, "A2:A3", "B2:B3"))
    assert set(roster.subjects) == {"1"} and not kept(roster)
    assert any(finding.row == 3 and "several signers" in finding.what for finding in roster.findings)


def test_a_merged_yes_is_a_yes_of_its_first_row_only(tmp_path: Path) -> None:
    roster = read_roster(merged(tmp_path / "r.xlsx", two_rows(), "D2:D3"))
    assert kept(roster) == kept(roster) - {"2"} and len(kept(roster)) == 1
