"""`imgguard roster check`, `map`, `import`, `diff` and `show`, on exports as schools have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.main import run
from tests.conftest import SAMPLES
from tests.rosters import EXPORTS, QUESTION, write_csv, write_xlsx

Screen = pytest.CaptureFixture[str]
SAMPLE = SAMPLES / "roster.csv"
VID = ["--asks", "Vid=school_website", "--constant", "signer_role=guardian", "--constant", "signed_by=on file",
       "--constant", "signed_on=2026-09-08"]  # fmt: skip


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def edgear(tmp_path: Path) -> Path:
    return write_csv(EXPORTS["edgear"], tmp_path / "edgear.csv")


def told(capsys: Screen) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_check_shows_layout_evidence_what_was_declared_and_what_is_not_used(edgear: Path, capsys: Screen) -> None:
    assert run(["roster", "check", str(edgear), *VID]) == 0
    text = told(capsys)
    assert "recognised as edgear: columns SIDNO, Homeroom, Vid" in text
    assert "Declared: signer_role is 'guardian' in every row" in text
    assert "Declared: 'Vid' answers for school_website" in text
    assert "Not used: School, Gd" in text
    assert "edgear.csv, row 4: no answer for school_website: taken as no" in text


def test_check_says_what_a_column_still_needs_and_exits_with_3(edgear: Path, capsys: Screen) -> None:
    assert run(["roster", "check", str(edgear)]) == 3
    assert "say it with --asks 'Vid=school_website,...'" in told(capsys)


def test_check_says_which_dates_are_asked_about(tmp_path: Path, capsys: Screen) -> None:
    path = tmp_path / "r.csv"
    path.write_text(SAMPLE.read_text().replace("2024-09-12", "03/04/2024"))
    assert run(["roster", "check", str(path)]) == 4
    assert "--date-order dmy" in capsys.readouterr().err
    assert run(["roster", "check", str(path), "--date-order", "dmy"]) == 0
    assert "Declared: dates are day first" in told(capsys)


def test_a_mapping_made_once_reads_the_next_export(tmp_path: Path, capsys: Screen) -> None:
    rows = [
        ["Pupil no.", "Pupil", "Foto: web?", "Erkennen"],
        ["000001", "Ek, Ann", "Ja", "Ja"],
        ["000002", "B", "?", "Ja"],
    ]
    path, out = write_xlsx(tmp_path / "odd.xlsx", rows, "Media consent"), tmp_path / "ours.toml"
    options = [
        "--column", "number=Pupil no.", "--column", "name=Pupil", "--asks", "Foto: web?=school_website",
        "--asks", "Erkennen=biometric_ok", "--value", "Foto: web?::Ja=yes", "--value", "Erkennen:Ja=yes", *VID[2:],
    ]  # fmt: skip
    assert run(["roster", "map", str(path), *options, "--name", "ours", "-o", str(out), "--save"]) == 3
    text = told(capsys)
    assert "Ja 1 yes" in text and "? 1 no (not known)" in text
    assert "odd.xlsx, row 4: Foto: web? says '?'" in text
    following = write_xlsx(tmp_path / "next.xlsx", [rows[0], ["000003", "Om", "Ja", "Ja"]])
    assert run(["roster", "check", str(following)]) == 0
    assert "recognised as ours: columns" in (text := told(capsys)) and "signed_by is 'on file'" in text
    assert run(["roster", "check", str(following), "--mapping", str(out)]) == 0
    changed = write_xlsx(tmp_path / "changed.xlsx", [[*rows[0][:3], "Recognise"], ["000003", "Om", "Ja", "Ja"]])
    capsys.readouterr()
    assert run(["roster", "check", str(changed), "--mapping", str(out)]) == 4
    assert "there is no column Erkennen" in capsys.readouterr().err


def test_map_asks_column_by_column(tmp_path: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    path, out = tmp_path / "odd.csv", tmp_path / "ours.toml"
    path.write_text("Pupil no.,Foto\n000001,Ja\n000002,Nein\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("number\nasks\nschool_website\nyes\nno\n"))
    assert run(["roster", "map", str(path), "-o", str(out), *VID[2:]]) == 0
    text = told(capsys)
    assert "Ja 1 yes" in text and "Nein 1 no" in text
    assert 'targets = ["school_website"]' in out.read_text()


FORM = [
    ["ID", "Start time", "Completion time", "Email", "Name", "Number of your child", "Where may photos be shown?",
     "Computer may recognise", "I am", "Signature"],
    [1, "", "9/8/2026 8:00:00", "anonymous", "", "000001", "Web site;Yearbook;", "Yes", "Parent or guardian", "D. R."],
    [2, "", "9/8/2026 8:05:00", "anonymous", "", "000002", "Yearbook;call me;", "No", "Parent or guardian", "C. Ek"],
]  # fmt: skip
ANSWERS = [
    "-", "-", "", "-", "-", "number", "asks", "website", "school_website,yearbook", "y",
    "yearbook", "facebook", "school_website", "no",
    "asks", "biometric_ok", "yes", "no", "signer_role", "mother", "guardian", "signed_by",
]  # fmt: skip


def test_map_asks_a_wrong_answer_again_and_gives_the_same_as_options(
    tmp_path: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import shlex

    path, out, again = write_xlsx(tmp_path / "form.xlsx", FORM), tmp_path / "ours.toml", tmp_path / "again.toml"
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(ANSWERS) + "\n"))
    assert run(["roster", "map", str(path), "--name", "ours", "-o", str(out)]) == 3
    screen = capsys.readouterr().out
    assert "'website' is not one of in_school," in screen and "'mother' is not one of" in screen
    assert "form.xlsx, row 3" in screen  # "call me" was given no meaning but no: the row says two things
    (line,) = [line for line in screen.splitlines() if line.startswith("  --column")]
    assert run(["roster", "map", str(path), *shlex.split(line), "--name", "ours", "-o", str(again)]) == 3
    assert run(["roster", "check", str(path), "--mapping", str(out)]) == 3
    one = capsys.readouterr().out.split("Never")[1]
    assert run(["roster", "check", str(path), "--mapping", str(again)]) == 3
    assert one == capsys.readouterr().out.split("Never")[1]
    assert '"signed_by" = ["Signature"]' in out.read_text()


def test_what_is_left_out_of_an_older_mapping_is_gone_and_what_stays_is_as_it_was(
    tmp_path: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    path = write_xlsx(tmp_path / "form.xlsx", FORM)
    files = [tmp_path / f"{number}.toml" for number in range(2)]
    again = [*[""] * 6, "-", "=", "", "guardian", ""]
    for answers, more, out in zip((ANSWERS, again), ([], ["--mapping", str(files[0])]), files, strict=True):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
        assert run(["roster", "map", str(path), *more, "--name", "ours", "-o", str(out)]) in (0, 3)
    mapped = files[1].read_text()
    assert "biometric_ok" in mapped and "school_website" not in mapped and "Where may photos" not in mapped
    assert "school_website" in files[0].read_text() and '"signed_by" = ["Signature"]' in mapped


def test_map_asks_for_the_number_and_the_role_that_no_column_was_said_to_hold(
    tmp_path: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    path, out = tmp_path / "odd.csv", tmp_path / "ours.toml"
    path.write_text("Pupil no.,Foto\n000001,Ja\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("-\nasks\nschool_website\nyes\nPupil no.\nguardian\n"))
    assert run(["roster", "map", str(path), "-o", str(out)]) == 0
    assert "No column holds signed_by, signed_on" in told(capsys)
    assert '"number" = ["Pupil no."]' in out.read_text() and '"signer_role" = "guardian"' in out.read_text()


def test_map_never_overwrites_and_needs_a_meaning_that_is_one(edgear: Path, tmp_path: Path, capsys: Screen) -> None:
    out = tmp_path / "ours.toml"
    out.write_text("mine")
    assert run(["roster", "map", str(edgear), *VID, "-o", str(out)]) == 4
    assert out.read_text() == "mine"
    assert run(["roster", "map", str(edgear), "--value", "Vid:Yes=facebook"]) == 2
    assert run(["roster", "map", str(edgear), "--value", "Vid=yes"]) == 2
    assert run(["roster", "map", str(edgear), "--asks", "Vid=facebook"]) == 4
    assert "not a purpose" in capsys.readouterr().err


def test_import_shows_what_changes_and_asks(edgear: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    assert run(["roster", "import", str(edgear), *VID, "--yes"]) == 0
    assert "It is the first roster" in told(capsys)
    worse = write_csv(EXPORTS["edgear"].with_cell(0, 6, "No"), edgear.parent / "next.csv")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run(["roster", "import", str(worse), *VID]) == 3
    text = told(capsys)
    assert "Lose consent: 1 person 000001 Ann Ek: school_website (photo)" in text and "Nothing was changed" in text
    assert run(["roster", "diff", str(worse), *VID]) == 0
    assert "Lose consent: 1 person" in told(capsys)
    assert run(["roster", "diff"]) == 0
    assert "no import before" in told(capsys)
    assert run(["roster", "import", str(worse), *VID, "--yes"]) == 0
    assert run(["roster", "diff"]) == 0
    assert "Lose consent: 1 person 000001 Ann Ek: school_website (photo)" in told(capsys)


def test_show_tells_who_signed_what_in_which_row(edgear: Path, capsys: Screen) -> None:
    assert run(["roster", "import", str(edgear), *VID, "--yes"]) == 0
    capsys.readouterr()
    assert run(["roster", "show"]) == 0
    assert "3 people; imported on" in (text := told(capsys)) and "Declared: 'Vid' answers for school_website" in text
    assert run(["roster", "show", "1"]) == 0
    text = told(capsys)
    assert "1 is taken for 000001" in text and "on file, guardian" in text and "row 2" in text
    assert run(["roster", "show", "7"]) == 4


@pytest.mark.parametrize("command", [["roster", "show"], ["roster", "diff"]])
def test_looking_makes_no_school_file(command: list[str], tmp_path: Path, capsys: Screen) -> None:
    assert run(command) == 4
    assert "roster import" in capsys.readouterr().err
    assert not (tmp_path / "school.imgguard").exists()


def test_a_form_with_several_answers_is_imported(tmp_path: Path, capsys: Screen) -> None:
    path = write_csv(EXPORTS["microsoft_forms"], tmp_path / "form.csv", "cp1252")
    asks = ["--asks", f"{QUESTION}=school_website,yearbook", "--multiple", QUESTION]
    meanings = ("School website=school_website", "Yearbook, printed=yearbook", "None of these=no")
    values = [word for meaning in meanings for word in ("--value", f"{QUESTION}:{meaning}")]
    assert run(["roster", "import", str(path), *asks, *values, "--constant", "signer_role=guardian", "--yes"]) == 0
    capsys.readouterr()
    assert run(["roster", "show"]) == 0
    assert "000001 school_website, yearbook" in told(capsys).replace(" │", "")


def test_a_form_without_numbers_gets_them_proposed_and_none_counts_before_it_is_confirmed(
    tmp_path: Path, capsys: Screen
) -> None:
    people, form, out = (tmp_path / name for name in ("people.csv", "form.csv", "numbered.csv"))
    header = "School,Last name,First name,Grade,Student ID #,Library #,Prov. Educ. #"
    rows = ["Hill,Ek,Zo\u00eb,4,000001,1,1", "Hill,Om,Li,4,000002,2,2", "Hill,Om,Li,5,000003,3,3"]
    people.write_text("\n".join([header, *rows]), encoding="utf-8")
    answers = ["ek ZOE,Yes,yes", "Li Om,Yes,yes", "Nobody,Yes,yes"]
    form.write_text("\n".join(["Timestamp,Child,Show online?,biometric_ok", *(f"2026-09-08,{a}" for a in answers)]))
    options = ["--column", "name=Child", "--asks", "Show online?=school_website", "--value", "Show online?:Yes=yes"]
    assert run(["roster", "check", str(form), *options]) == 4
    assert "roster match" in capsys.readouterr().err
    assert run(["roster", "match", str(form), *options, "--people", str(people), "-o", str(out)]) == 3
    text = told(capsys)
    assert "row 3: 2 people have this name" in text and "row 4: nobody has this name" in text
    assert run(["roster", "check", str(out), *options, *VID[2:4]]) == 4
    out.write_text(out.read_text(encoding="utf-8-sig").replace('"","000001"', '"yes","000001"'), encoding="utf-8")
    capsys.readouterr()
    assert run(["roster", "check", str(out), *options, *VID[2:6]]) == 3
    assert "1 people" in (text := told(capsys)) and "rows 3-4: no number: the row is not used" in text


def test_map_asks_again_and_asks_for_what_consents_need(
    tmp_path: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    path, out = tmp_path / "odd.csv", tmp_path / "ours.toml"
    path.write_text(
        "Pupil no.,Foto,Faces,By,As,On\n000001,Ja,yes,M. Rowe,Mother,03/09/2026\n000002,Ja,yes,A. Roe,Aunt,03/09/2026\n"
    )
    # "website" is no purpose and "sure" no meaning: what was answered before is not lost by either.
    answers = ["number", "asks", "website", "school_website", "sure", "yes", "asks", "biometric_ok", "yes"]
    answers += ["signed_by", "signer_role", "guardian", "untold", "signed_on", "dmy"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join([*answers, ""])))
    assert run(["roster", "map", str(path), "-o", str(out)]) == 0
    assert run(["roster", "check", str(path), "--mapping", str(out)]) == 0
    text = told(capsys)
    assert "school_website 2 0 0 0 1" in text.replace("│ ", "")
    assert "school_website: 1 yes does not count: in what role the form was signed is not told" in text


def test_map_asks_in_what_role_all_signed_where_no_column_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    path, out = tmp_path / "odd.csv", tmp_path / "ours.toml"
    path.write_text("Pupil no.,Foto\n000001,Ja\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("number\nasks\nschool_website\nyes\nguardian\n"))
    assert run(["roster", "map", str(path), "-o", str(out)]) == 0
    assert '"signer_role" = "guardian"' in out.read_text()
