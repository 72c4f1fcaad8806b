"""Every layout that is known: it is recognised, says yes only where it declares so, and keeps no to everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent import Purpose, RosterError, Verdict, decide, read_roster
from consent.layout import Layout, known_layouts, parse_layout, written_layout
from consent.mapping import NOTHING, Declared
from consent.roster import Roster
from consent.values import chosen, value_key
from tests.rosters import EXPORTS, QUESTION, Export, as_csv, write_csv, write_xlsx

TODAY = date(2026, 11, 23)
LAYOUTS = sorted(EXPORTS)
SMALL = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def kept(roster: Roster, purpose: Purpose = Purpose.SCHOOL_WEBSITE) -> set[str]:
    people = roster.subjects.items()
    return {number for number, person in people if decide(person, purpose, TODAY).verdict is Verdict.KEEP}


def read(export: Export, folder: Path, declared: Declared | None = None) -> Roster:
    return read_roster(write_csv(export, folder / "export.csv"), export.declared if declared is None else declared)


def test_every_layout_has_its_export_here() -> None:
    assert set(LAYOUTS) == {layout.name for layout in known_layouts()} - {"bc_photographer"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_recognised_with_its_evidence_and_only_the_yes_is_kept(tmp_path: Path, name: str) -> None:
    roster = read(EXPORTS[name], tmp_path)
    assert roster.layout == name
    assert roster.evidence.startswith(f"recognised as {name}: columns ")
    assert kept(roster) >= {"000001"} and not kept(roster) & {"000002", "000003"}


@pytest.mark.parametrize("name", [name for name in LAYOUTS if EXPORTS[name].declared.opt_outs])
def test_blank_is_no_until_the_school_declares_that_it_asks_for_refusals(tmp_path: Path, name: str) -> None:
    declared = EXPORTS[name].declared
    without = read(EXPORTS[name], tmp_path, replace(declared, opt_outs=()))
    assert not kept(without)
    assert any("no answer for school_website" in finding.what for finding in without.unanswered())
    assert any("opt-out" in told for told in read(EXPORTS[name], tmp_path).declared)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "imgguard"])
def test_nobody_is_shown_by_a_column_whose_use_nobody_told(tmp_path: Path, name: str) -> None:
    roster = read(
        EXPORTS[name], tmp_path, replace(EXPORTS[name].declared, asks={}, values={}, multiple=(), opt_outs=())
    )
    assert not roster.purposes and not kept(roster)


@pytest.mark.parametrize("name", LAYOUTS)
def test_without_a_column_for_it_nobody_may_be_recognised(tmp_path: Path, name: str) -> None:
    export = EXPORTS[name]
    place = export.header.index("biometric_ok")
    header = ["extra" if n == place else h for n, h in enumerate(export.header)]
    if name == "imgguard":
        with pytest.raises(RosterError, match="biometric_ok"):
            read(replace(export, header=header), tmp_path)
        return
    assert not kept(read(replace(export, header=header), tmp_path))


@pytest.mark.parametrize("name", LAYOUTS)
@SMALL
@given(st.data())
def test_any_answer_turned_into_something_unknown_covers(tmp_path: Path, name: str, data: st.DataObject) -> None:
    export = EXPORTS[name]
    row, place = data.draw(st.sampled_from(export.answers))
    known = {value_key(v) for v in ("", "yes", "y", "true", "1", "no media", "0", "no", "n", "false", "x")}
    text = data.draw(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
    )
    before = value_key(export.rows[row][place])
    if value_key(text) in known | {before, "allow", "granted", "ticked", "accepted", "2026/27", "2026-27", "web"}:
        return
    try:
        roster = read(export.with_cell(row, place, text), tmp_path)
    except RosterError:
        return
    assert "000001" not in kept(roster)


@pytest.mark.parametrize("name", LAYOUTS)
@SMALL
@given(st.data())
def test_no_content_of_any_cell_crashes_the_reader(tmp_path: Path, name: str, data: st.DataObject) -> None:
    export = EXPORTS[name]
    row, place = data.draw(st.integers(0, 2)), data.draw(st.integers(0, len(export.header) - 1))
    text = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
    try:
        roster = read(export.with_cell(row, place, text), tmp_path)
    except RosterError as error:
        assert "export.csv" in error.what
        return
    assert "000002" not in kept(roster) or ((row, export.header[place]) != (row, "") and row == 1)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_layout_is_read_in_every_encoding(tmp_path: Path, name: str, encoding: str) -> None:
    path = write_csv(EXPORTS[name], tmp_path / "export.tsv", encoding, "\t")
    assert "000001" in kept(read_roster(path, EXPORTS[name].declared))


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read_from_a_workbook_below_merged_titles(tmp_path: Path, name: str) -> None:
    export = EXPORTS[name]
    path = write_xlsx(tmp_path / "export.xlsx", [export.header, *export.rows], "Hill School", "Printed on 2026-11-01")
    roster = read_roster(path, export.declared)
    assert "000001" in kept(roster) and not kept(roster) & {"000002", "000003"}
    assert roster.subjects["000002"].consents[0].source_row == 5


@pytest.mark.parametrize("layout", known_layouts(), ids=lambda layout: layout.name)
def test_a_layout_is_the_same_after_it_was_written(layout: Layout) -> None:
    assert parse_layout(written_layout(layout), "again") == layout


def test_a_file_with_people_only_answers_for_nothing(tmp_path: Path) -> None:
    header = "School,Last name,First name,Grade,Div./Home rm,Student ID #,Library #,Prov. Educ. #"
    path = tmp_path / "people.csv"
    path.write_text(f"{header}\nHill,Ek,Ann,4,4B,000001,9,77\n")
    roster = read_roster(path)
    assert roster.layout == "bc_photographer" and not roster.purposes
    assert roster.subjects["000001"].name == "Ann Ek"


def test_two_layouts_that_fit_equally_well_are_asked_about(tmp_path: Path) -> None:
    own = Layout("one", "", required=("Key", "Ok"), fields={"number": ("Key",)}, own=True)
    path = tmp_path / "odd.csv"
    path.write_text("Key,Ok\n1,yes\n")
    with pytest.raises(RosterError, match="one or two"):
        read_roster(path, mappings=[own, replace(own, name="two")])
    assert read_roster(path, Declared(layout="two"), mappings=[own, replace(own, name="two")]).layout == "two"
    assert read_roster(path, mappings=[own]).layout == "one", "the control"


def test_an_option_that_goes_on_otherwise_than_most_is_not_understood(tmp_path: Path) -> None:
    export = EXPORTS["three_options"]
    other = export.with_cell(0, 3, "OPTION 1 - YES, but only in print")
    roster = read(replace(other, rows=[*other.rows, ["2026-09-08", "g", "000005", export.rows[0][3], "yes"]]), tmp_path)
    assert kept(roster) == {"000004", "000005"}
    undeclared = export.with_cell(0, 3, "OPTION 2 - YES, but only in print")
    assert "000001" not in kept(read(undeclared, tmp_path))


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("a;b;", {"a", "b"}),
        ("a, b", {"a", "b"}),
        ("a, c, d", {"a", "c, d"}),
        ("c, d;a", {"a", "c, d"}),
        ("a", {"a"}),
        ("e, f", None),
        ("a, other", None),
        ("a,", None),
        ("ab", None),
    ],
)
def test_several_answers_are_read_where_there_is_only_one_way_to(cell: str, found: set[str] | None) -> None:
    assert chosen(cell, ["a", "b", "c, d", "e", "f", "e, f"]) == found


def test_no_and_yes_in_one_answer_is_no(tmp_path: Path) -> None:
    roster = read(EXPORTS["microsoft_forms"].with_cell(0, 6, "School website;None of these;"), tmp_path)
    assert not kept(roster)
    assert "both yes and no" in roster.findings[0].what


def test_what_was_not_chosen_is_no(tmp_path: Path) -> None:
    roster = read(EXPORTS["google_forms"].with_cell(0, 3, "School website"), tmp_path)
    assert kept(roster) == {"000001"} and not kept(roster, Purpose.YEARBOOK)


def test_the_dashes_of_windows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "forms.csv"
    path.write_bytes(
        as_csv(EXPORTS["microsoft_forms"]).replace("\u2013", "-").encode() + b"4,,,,,000004,caf\xe9 \x96,\r\n"
    )
    assert "\u2013" in QUESTION
    assert "000001" in kept(read_roster(path, EXPORTS["microsoft_forms"].declared))


def test_us_dates_of_forms_are_held_against_the_other_rows(tmp_path: Path) -> None:
    for written in ("23/9/2026 10:05", "23/9/26 10:05"):
        export = EXPORTS["microsoft_forms"].with_cell(1, 2, written)
        with pytest.raises(RosterError, match="row 3") as caught:
            read(export, tmp_path)
        assert "--date-order" in caught.value.remedy


def test_a_biometric_yes_for_everybody_cannot_be_declared(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="column of its own"):
        read(EXPORTS["edgear"], tmp_path, replace(EXPORTS["edgear"].declared, constants={"biometric_ok": "yes"}))


def test_a_file_of_no_known_layout_says_which_columns_it_has(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("Pupil,Foto\n1,Ja\n")
    with pytest.raises(RosterError, match="Pupil, Foto") as caught:
        read_roster(path, NOTHING)
    assert "roster map" in caught.value.remedy


@pytest.mark.parametrize(
    "wrong",
    [Declared(asks={"Vidd": ("yearbook",)}), Declared(opt_outs=("Vidd",)), Declared(columns={"first_name": "Vidd"})],
)
def test_what_is_declared_of_a_column_that_is_not_there_is_an_error(tmp_path: Path, wrong: Declared) -> None:
    with pytest.raises(RosterError, match="Vidd"):
        read(EXPORTS["edgear"], tmp_path, wrong)


def test_a_hold_whose_heading_is_misspelt_is_not_left_out(tmp_path: Path) -> None:
    export = EXPORTS["edgear"]
    held = replace(export, header=[*export.header, "do not publsh"], rows=[[*cells, "yes"] for cells in export.rows])
    with pytest.raises(RosterError, match="do_not_publish"):
        read(held, tmp_path)
    right = read(replace(held, header=[*export.header, "Do not publish"]), tmp_path)
    assert not kept(right) and right.subjects["000001"].holds


def test_an_answer_whose_values_nobody_told_is_no_with_what_to_do(tmp_path: Path) -> None:
    declared = replace(EXPORTS["google_forms"].declared, values={}, multiple=())
    roster = read(EXPORTS["google_forms"], tmp_path, declared)
    assert not kept(roster)
    assert roster.findings[0].row == 2 and "--value" in roster.findings[0].what


def test_a_column_that_counts_and_stands_twice_is_an_error(tmp_path: Path) -> None:
    export = EXPORTS["edgear"]
    twice = replace(export, header=[*export.header, "VID"], rows=[[*cells, "Yes"] for cells in export.rows])
    with pytest.raises(RosterError, match="more than once"):
        read(twice, tmp_path)


def test_headings_with_line_breaks_are_read(tmp_path: Path) -> None:
    export = EXPORTS["powerschool"]
    header = [heading.replace("_", "\r\n").replace(" ", "\n") for heading in export.header]
    assert kept(read(replace(export, header=[*header[:-1], "Biometric\nOK"]), tmp_path)) == {"000001"}


def test_a_giant_cell_and_a_null_are_told_with_their_row(tmp_path: Path) -> None:
    export = EXPORTS["edgear"]
    with pytest.raises(RosterError, match=r"row 2.*letters"):
        read(export.with_cell(0, 0, "x" * 30_000_000), tmp_path)
    roster = read(export.with_cell(0, 6, "Yes\0"), tmp_path)
    assert not kept(roster) and roster.findings[0].row == 2
    assert "000001" not in read(export.with_cell(0, 3, "0000\0001"), tmp_path).subjects
