from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import Answer, Consent, Hold, Purpose, RosterError, Verdict, decide, read_roster, roster_template
from consent.groups import families_of
from consent.mapping import Declared
from consent.model import ASKED_PURPOSES
from consent.roster import Roster
from consent.workbooks import NO_VALUE
from tests.conftest import SAMPLES

HEADER = (
    "number,first_name,last_name,biometric_ok,school_website,do_not_publish,signed_by,signer_role,signed_on,valid_until"
)
TODAY = date(2026, 11, 23)
ROW = "020411,Amina,Rowe,yes,yes,,Guardian,guardian,2026-09-01,2027-06-30"


def roster_of(folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Roster:
    path = folder / "roster.csv"
    path.write_bytes("\n".join([header, *rows]).encode(encoding))
    return read_roster(path)


def consent_of(roster: Roster, number: str = "020411") -> Consent:
    (consent,) = roster.subjects[number].asked(Purpose.SCHOOL_WEBSITE)
    return consent


def is_kept(roster: Roster, number: str = "020411") -> bool:
    return decide(roster.subjects[number], Purpose.SCHOOL_WEBSITE, TODAY).verdict is Verdict.KEEP


def test_a_clear_row_is_read_without_findings(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW)
    assert is_kept(roster)
    assert roster.findings == ()
    assert roster.purposes == {Purpose.SCHOOL_WEBSITE}
    assert consent_of(roster).source_row == 2


def test_the_sample_roster_is_clear() -> None:
    roster = read_roster(SAMPLES / "roster.csv")
    assert len(roster.subjects) == 14
    assert roster.findings == ()


def test_the_template_is_a_roster_itself(tmp_path: Path) -> None:
    (tmp_path / "template.csv").write_text(roster_template())
    roster = read_roster(tmp_path / "template.csv")
    assert roster.purposes == frozenset(ASKED_PURPOSES)
    assert len(roster.subjects) == 2
    assert roster.findings == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    roster = roster_of(tmp_path, ROW.replace("Amina", "Zoë"), encoding=encoding)
    assert roster.subjects["020411"].name == "Zoë Rowe"
    assert is_kept(roster)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_read(tmp_path: Path, delimiter: str) -> None:
    roster = roster_of(tmp_path, ROW.replace(",", delimiter), header=HEADER.replace(",", delimiter))
    assert is_kept(roster)


@pytest.mark.parametrize("word", ["maybe", "yes?", "ja", "no/yes", "-", "=TRUE()"])
def test_an_unknown_answer_is_no_with_its_row(tmp_path: Path, word: str) -> None:
    roster = roster_of(tmp_path, ROW.replace("yes,yes", f"yes,{word}"))
    assert consent_of(roster).answer is Answer.UNKNOWN
    assert not is_kept(roster)
    assert roster.findings[0].row == 2
    assert "school_website" in roster.findings[0].what


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([ROW, ROW.replace("yes,yes", "yes,no")], "answers differ"),
        ([ROW.replace("yes,yes", "yes,no"), ROW], "answers differ"),
        ([ROW, ROW.replace("Amina", "Theo")], "different people"),
        ([ROW, ROW.replace("yes,yes,,", "yes,yes,yes,")], "answers differ"),
        ([ROW, ROW.replace("yes,yes", "no,yes")], "answers differ"),
        ([ROW, ROW.replace("2027-06-30", "2025-06-30")], "answers differ"),
    ],
)
def test_a_number_twice_with_different_answers_is_no(tmp_path: Path, rows: list[str], why: str) -> None:
    roster = roster_of(tmp_path, *rows)
    assert not is_kept(roster)
    assert roster.findings[0].row == 3
    assert why in roster.findings[0].what


def test_a_number_twice_with_the_same_answers_stays_valid_and_is_told(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW, ROW)
    assert is_kept(roster)
    assert "says the same" in roster.findings[0].what


@pytest.mark.parametrize(
    "written", ["20411", "0020411", "020411\u200b", "'020411", '="020411"', "\uff10\uff12\uff10\uff14\uff11\uff11"]
)
def test_a_number_written_otherwise_is_the_same_person(tmp_path: Path, written: str) -> None:
    cell = '"' + written.replace('"', '""') + '"'
    blocked = ROW.replace("020411", cell).replace("yes,yes,,", "yes,yes,yes,")
    roster = roster_of(tmp_path, ROW, blocked)
    assert not is_kept(roster)
    assert Hold.DO_NOT_PUBLISH in roster.subjects["020411"].holds
    assert "differ only in how they are written" in roster.findings[0].what


def test_a_stray_quotation_mark_is_an_error_and_swallows_nobody(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match=r"row 2.*quotation mark"):
        roster_of(tmp_path, ROW.replace("Guardian", '"Guardian'), ROW.replace("020411", "020412"))


@pytest.mark.parametrize("misspelt", ["valid_untill", "do_not_publsh", "school_web_site", "bioemtric_ok"])
def test_a_misspelt_column_is_an_error(tmp_path: Path, misspelt: str) -> None:
    near = {"valid_untill": "valid_until", "do_not_publsh": "do_not_publish", "school_web_site": "school_website"}
    right = near.get(misspelt, "biometric_ok")
    with pytest.raises(RosterError):
        roster_of(tmp_path, ROW, header=HEADER.replace(right, misspelt))


def test_an_unknown_column_is_told_and_spaces_in_headings_do_not_matter(tmp_path: Path) -> None:
    header = HEADER.replace("valid_until", "Valid Until").replace("signed_by", "Signed-By") + ",bus route"
    roster = roster_of(tmp_path, ROW + ",7", header=header)
    assert is_kept(roster)
    assert [finding.what for finding in roster.findings] == ["the column 'bus_route' is not known and not used"]


def test_a_signature_at_the_end_of_time_is_no_crash(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW.replace("2026-09-01", "9999-12-01").replace("2027-06-30", ""))
    assert not is_kept(roster)


@pytest.mark.parametrize("cells", ["Rowe,Jr", "Rowe,yes", None])
def test_a_row_with_too_many_or_too_few_cells_is_not_trusted(tmp_path: Path, cells: str | None) -> None:
    row = ROW.replace("Rowe", cells) if cells else ROW.replace("Rowe,", "")
    roster = roster_of(tmp_path, row)
    assert not is_kept(roster)
    assert roster.findings[0].row == 2


def test_a_row_without_a_number_is_told_and_not_used(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW, ROW.replace("020411", ""))
    assert list(roster.subjects) == ["020411"]
    assert roster.findings[0].row == 3


def test_a_do_not_publish_that_is_not_understood_counts(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW.replace("yes,yes,,", "yes,yes,court order 17,"))
    assert Hold.DO_NOT_PUBLISH in roster.subjects["020411"].holds


@pytest.mark.parametrize("written", ["31/31/2026", "2026-13-01", "soon", "1/9/26", "46000"])
def test_a_date_that_is_not_understood_is_never_guessed(tmp_path: Path, written: str) -> None:
    roster = roster_of(tmp_path, ROW.replace("2026-09-01", written))
    assert not is_kept(roster)
    assert roster.findings[0].row == 2


@pytest.mark.parametrize(
    ("signed", "until"),
    [("2026-09-01", date(2027, 6, 30)), ("2026-06-30", date(2026, 6, 30)), ("2026-07-01", date(2027, 6, 30))],
)
def test_without_an_end_a_consent_holds_until_the_end_of_the_school_year(
    tmp_path: Path, signed: str, until: date
) -> None:
    roster = roster_of(tmp_path, ROW.replace("2026-09-01", signed).replace("2027-06-30", ""))
    assert consent_of(roster).valid_until == until


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (HEADER.encode(), "no person"),
        (b"number,first_name\n1,A", "biometric_ok"),
        (HEADER.encode() + b",number\n" + ROW.encode() + b",1", "more than once"),
        (b"PK\x03\x04\0\0\0\0", "not a text file"),
        (b"number," + b"x" * 200_000 + b"\n", "CSV"),
    ],
)
def test_a_roster_that_cannot_answer_is_an_error_that_names_it(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(RosterError) as caught:
        read_roster(path)
    assert told in caught.value.what
    assert "odd.csv" in caught.value.what
    assert caught.value.remedy


def test_a_missing_roster_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="no such roster"):
        read_roster(tmp_path / "nowhere.csv")


def test_a_roster_without_the_purposes_column_is_an_error(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW)
    roster.require(Purpose.SCHOOL_WEBSITE)
    with pytest.raises(RosterError, match="yearbook"):
        roster.require(Purpose.YEARBOOK)


@given(st.text(max_size=300))
def test_no_text_in_the_answers_becomes_a_yes(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    if text.strip().casefold() in {"yes", "y", "true", "1"}:
        return
    cell = '"' + text.replace('"', '""') + '"'
    path = tmp_path_factory.mktemp("r") / "roster.csv"
    path.write_text("\n".join([HEADER, ROW.replace("yes,yes", f"yes,{cell}")]), encoding="utf-8", errors="replace")
    try:
        roster = read_roster(path)
    except RosterError:
        return
    assert not is_kept(roster)


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("r") / "roster.csv"
    path.write_bytes(HEADER.encode() + b"\n" + content)
    try:
        read_roster(path)
    except RosterError as error:
        assert "roster.csv" in error.what


def test_a_hold_in_one_of_two_columns_stands(tmp_path: Path) -> None:
    # The export's own column says no hold, and the school has a second one for the same.
    path = tmp_path / "roster.csv"
    path.write_text(f"{HEADER},Custody\n{ROW.replace('yes,yes,,', 'yes,yes,no,')},yes\n")
    roster = read_roster(path, Declared(asks={"Custody": ("do_not_publish",)}))
    assert roster.subjects["020411"].holds == {Hold.DO_NOT_PUBLISH}
    assert not is_kept(roster)


@pytest.mark.parametrize("mark", ["biometric_ok", "Biometric-OK", "independent", "do_not_publish"])
def test_blank_is_never_declared_to_mean_yes_for_a_mark(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(f"{HEADER},independent\n{ROW.replace('Rowe,yes', 'Rowe,')},\n")
    with pytest.raises(RosterError, match="cannot mean yes"):
        read_roster(path, Declared(opt_outs=(mark,)))


def test_blank_means_no_for_a_mark_however_its_heading_is_written(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("No,Faces\n1,\n")
    declared = Declared(columns={"number": "No"}, asks={"Faces": ("biometric_ok",)}, opt_outs=("faces",))
    with pytest.raises(RosterError, match="cannot mean yes"):
        read_roster(path, declared)


@pytest.mark.parametrize(
    "nobody", ["anonymous", "Anonymous", "-", "n/a", "#N/A", "\u200b", "not signed", "???", NO_VALUE]
)
def test_what_names_nobody_is_no_signature(tmp_path: Path, nobody: str) -> None:
    roster = roster_of(tmp_path, ROW.replace("Guardian", nobody))
    assert not is_kept(roster)
    assert any(finding.row == 2 and "names nobody" in finding.what for finding in roster.findings)


def test_rows_below_a_second_header_are_not_read_under_the_first(tmp_path: Path) -> None:
    # Two exports, one pasted below the other: the second has newsletter where the first has school_website.
    header = HEADER.replace("school_website", "school_website,newsletter")
    other = HEADER.replace("school_website", "newsletter,school_website")
    row = ROW.replace("yes,yes,,", "yes,yes,no,,")
    with pytest.raises(RosterError, match="row 3: another header"):
        roster_of(tmp_path, row, other, row.replace("020411", "020412"), header=header)


def test_the_same_header_again_is_nobody(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW, HEADER, ROW.replace("020411", "020412"))
    assert set(roster.subjects) == {"020411", "020412"} and is_kept(roster, "020412")
    assert [(finding.row, "header again" in finding.what) for finding in roster.findings] == [(3, True)]


def test_a_row_without_a_number_holds_back_whoever_has_its_name_and_shows_nobody(tmp_path: Path) -> None:
    unnumbered = ROW.replace("020411", "")
    roster = roster_of(tmp_path, ROW, unnumbered)
    assert is_kept(roster) and len(roster.findings) == 1, "the control"
    held = unnumbered.replace("Amina", " AMINA").replace("yes,yes,,", "yes,yes,yes,")
    roster = roster_of(tmp_path, ROW, ROW.replace("020411", "020412"), ROW.replace("020411,Amina", "020413,Theo"), held)
    assert [is_kept(roster, number) for number in ("020411", "020412", "020413")] == [False, False, True]
    assert "row 5: holds back whoever has this name: 020411, 020412" in str(roster.findings[-1])


def test_a_number_that_a_formula_has_no_value_for_is_no_number(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, ROW, ROW.replace("020411", NO_VALUE))
    assert set(roster.subjects) == {"020411"} and roster.findings[0].row == 3


@pytest.mark.parametrize("born", ["1900-01-01", "1899-12-30", "1904-01-01", "0001-01-01"])
def test_the_birth_date_of_an_empty_cell_makes_nobody_of_age(tmp_path: Path, born: str) -> None:
    row = f"{ROW.replace('Guardian,guardian', 'Amina Rowe,self')},{born}"
    roster = roster_of(tmp_path, row, header=f"{HEADER},birth_date")
    assert not is_kept(roster)
    assert any(finding.row == 2 and "birth_date" in finding.what for finding in roster.findings)


@pytest.mark.parametrize("signed", ["1900-01-01", "1899-12-30"])
def test_the_date_of_an_empty_cell_is_no_day_of_a_signature(tmp_path: Path, signed: str) -> None:
    roster = roster_of(tmp_path, ROW.replace("2026-09-01", signed))
    assert not is_kept(roster)
    assert any(finding.row == 2 and "signed_on" in finding.what for finding in roster.findings)


def test_the_earlier_end_counts_where_a_school_year_and_a_last_day_are_told(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "Student ID,Consent,Status,Academic Year,Guardian,Date,valid_until,biometric_ok\n"
        "020411,Photo,Accepted,2024/25,Guardian,2024-09-08,2027-06-30,yes\n"
        "020412,Photo,Accepted,2026/27,Guardian,2026-09-08,2026-12-31,yes\n"
    )
    roster = read_roster(path, Declared(asks={"Photo": ("school_website",)}, constants={"signer_role": "guardian"}))
    assert consent_of(roster).valid_until == date(2025, 6, 30) and not is_kept(roster)
    assert consent_of(roster, "020412").valid_until == date(2026, 12, 31)


@pytest.mark.parametrize(
    "heading",
    [
        "No Photo",
        "DNP",
        "Custody",
        "Is there a court order?",
        "Media Opt-Out",
        "Do not photograph",
        "No media?",
        "Refused?",
    ],
)
@pytest.mark.parametrize("told", ["yes", "X", "see office"])
def test_a_column_that_holds_people_back_is_not_left_out(tmp_path: Path, heading: str, told: str) -> None:
    rows = [f"{ROW},{told}", f"{ROW.replace('020411', '020412')},", f"{ROW.replace('020411', '020413')},No"]
    roster = roster_of(tmp_path, *rows, header=f"{HEADER},{heading}")
    assert roster.subjects["020411"].holds == {Hold.DO_NOT_PUBLISH}
    assert is_kept(roster, "020412") and is_kept(roster, "020413")
    assert any(heading in finding.what and "not published" in finding.what for finding in roster.findings)


@pytest.mark.parametrize("heading", ["Court shoes fee", "Notes"])
def test_only_a_column_that_says_so_holds_people_back(tmp_path: Path, heading: str) -> None:
    roster = roster_of(tmp_path, f"{ROW},x", header=f"{HEADER},{heading}")
    assert is_kept(roster) == (heading == "Notes")


def test_a_flag_that_refuses_for_nothing_told_refuses_everything(tmp_path: Path) -> None:
    # A PowerSchool export with its own flag, to which the school added consent columns under imgguard's headings.
    path = tmp_path / "power.csv"
    path.write_text(
        "Student_Number,Last_Name,First_Name,No Photo,biometric_ok,school_website,signed_by,signer_role,signed_on\n"
        "1,Rowe,Amina,1,yes,yes,Guardian,guardian,2026-09-01\n"
        "2,Rowe,Binta,,yes,yes,Guardian,guardian,2026-09-01\n"
        "3,Rowe,Cora,0,yes,yes,Guardian,guardian,2026-09-01\n"
    )
    roster = read_roster(path)
    assert [is_kept(roster, number) for number in "123"] == [False, True, True]
    assert any("'No Photo'" in finding.what for finding in roster.findings)
    told = read_roster(path, Declared(asks={"No Photo": ("yearbook",)}))
    assert is_kept(told, "1") and not told.subjects["1"].holds


def test_a_second_signer_who_does_not_allow_recognition_is_told_with_the_row(tmp_path: Path) -> None:
    second = ROW.replace("Rowe,yes", "Rowe,no").replace(",Guardian,", ",Other,")
    roster = roster_of(tmp_path, ROW, second)
    assert not is_kept(roster)
    assert any(finding.row == 3 and "biometric_ok" in finding.what for finding in roster.findings)


def test_of_a_name_in_one_column_only_the_first_word_is_a_first_name(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('No,Student\n1,Maria Lopez Garcia\n2,"Lopez Garcia, Juan Carlos"\n3,Cher\n')
    found = read_roster(path, Declared(columns={"number": "No", "name": "Student"})).subjects
    assert (found["1"].given_name, found["1"].family_name) == ("Maria", "Lopez Garcia")
    assert (found["2"].given_name, found["2"].family_name) == ("Juan Carlos", "Lopez Garcia")
    assert (found["3"].given_name, found["3"].family_name) == ("Cher", "")
    assert families_of(found)["1"] >= {"garcia"} <= families_of(found)["2"]


def test_what_is_the_same_for_all_does_not_hide_what_the_rows_say(tmp_path: Path) -> None:
    # Last year's mapping says who signed; this year's export tells it row by row, and here nobody did.
    path = tmp_path / "list.csv"
    path.write_text("No,Photo,biometric_ok,signed_by\n1,yes,yes,\n")
    constants = {"signed_by": "forms in the office", "signer_role": "guardian", "signed_on": "2026-09-08"}
    said = {"Photo": {"yes": "yes"}}
    declared = Declared(columns={"number": "No"}, asks={"Photo": ("school_website",)}, values=said, constants=constants)
    with pytest.raises(RosterError, match="signed_by"):
        read_roster(path, declared)
