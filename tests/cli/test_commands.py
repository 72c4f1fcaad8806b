from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from PIL import Image

from cli.exits import EXIT_BUG, EXIT_INTERRUPTED
from cli.main import run
from tests.conftest import SAMPLES
from tests.pictures import as_bytes, scene

SCHOOL = ["--roster", str(SAMPLES / "roster.csv"), "--id-photos", str(SAMPLES / "id_photos")]
WEBSITE = [*SCHOOL, "--purpose", "school_website"]
ONE = str(SAMPLES / "event" / "event_09_one.jpg")

Screen = pytest.CaptureFixture[str]


def clean(*arguments: object) -> int:
    return run(["clean", *map(str, arguments)])


def test_a_folder_is_cleaned_with_a_table_at_the_end(tmp_path: Path, capsys: Screen) -> None:
    for name in ("event_05_two.jpg", "event_09_one.jpg"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes((SAMPLES / "event" / name).read_bytes())
    (tmp_path / "in" / "notes.txt").write_text("x")
    report = tmp_path / "report.json"
    assert clean(tmp_path / "in", "-o", tmp_path / "out", *WEBSITE, "--report", report) == 0
    told = capsys.readouterr().out
    assert "2 of 2 photos published" in told
    assert "no answer for this purpose" in told
    assert "notes.txt" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["event_05_two.jpg", "event_09_one.jpg"]
    assert len(json.loads(report.read_text())["photos"]) == 2


def test_a_refused_photo_is_named_and_the_exit_code_is_not_0(tmp_path: Path, capsys: Screen) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.png").write_bytes(as_bytes(Image.fromarray(scene()), "PNG"))
    (folder / "bad[red].jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    assert clean(folder, "-o", tmp_path / "out", "--no-recognition") == 3
    told = capsys.readouterr().out.replace("\n", "")
    assert "bad[red].jpg" in told, "a name is shown as it is, not taken for markup"
    assert "1 of 2 photos" in told
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]


def test_a_single_photo_is_cleaned_into_a_named_file(tmp_path: Path) -> None:
    assert clean(ONE, "-o", tmp_path / "clean.webp", "--no-recognition") == 0
    assert (tmp_path / "clean.webp").read_bytes()[8:12] == b"WEBP"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([ONE], "-o"),
        ([ONE, "-o", "out"], "--no-recognition"),
        ([ONE, "-o", "out", *SCHOOL], "--purpose"),
        ([ONE, "-o", "out", *WEBSITE, "--no-recognition"], "does not go with"),
        ([ONE, "-o", "out", "--no-recognition", "--style", "gaussian"], "gaussian"),
        ([ONE, "-o", "out", "--no-recognition", "--report", "out/report.json"], "published"),
    ],
)
def test_wrong_calls_exit_with_2_and_publish_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Screen, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert clean(*arguments) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.rglob("*.jpg")) == []


@pytest.mark.parametrize(
    ("roster", "told"), [("nowhere.csv", "no such roster"), ("bad.csv", "no column"), ("no_purpose.csv", "yearbook")]
)
def test_what_cannot_begin_exits_with_4_and_says_what_to_do(
    tmp_path: Path, capsys: Screen, roster: str, told: str
) -> None:
    (tmp_path / "bad.csv").write_text("number,name\n1,A\n")
    header = "number,biometric_ok,do_not_publish,signed_by,signed_on,school_website\n"
    (tmp_path / "no_purpose.csv").write_text(header + "1,yes,,G,2026-09-01,yes\n")
    options = ["--roster", tmp_path / roster, "--id-photos", SAMPLES / "id_photos", "--purpose", "yearbook"]
    assert clean(ONE, "-o", tmp_path / "out", *options) == 4
    error = capsys.readouterr().err
    assert told in error and roster in error
    assert not (tmp_path / "out").exists()


def test_an_output_folder_inside_the_input_exits_with_4(tmp_path: Path, capsys: Screen) -> None:
    (tmp_path / "a.jpg").write_bytes(Path(ONE).read_bytes())
    assert clean(tmp_path, "-o", tmp_path / "out", "--no-recognition") == 4
    assert "inside the input" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path, capsys: Screen) -> None:
    (tmp_path / "out").write_text("a file, not a folder")
    assert clean(ONE, "-o", tmp_path / "out", "--no-recognition") == 3
    assert "cannot be written" in capsys.readouterr().out.replace("\n", " ")
    assert (tmp_path / "out").read_text() == "a file, not a folder"


def test_a_bug_exits_with_1_and_ctrl_c_with_130(monkeypatch: pytest.MonkeyPatch, capsys: Screen) -> None:
    def fail(error: BaseException) -> object:
        def raiser(*args: object, **kwargs: object) -> None:
            raise error

        return raiser

    monkeypatch.setattr("imgguard.guard.Guard.__init__", fail(ZeroDivisionError("oops")))
    assert clean(ONE, "-o", "out", "--no-recognition") == EXIT_BUG
    assert "bug in imgguard" in capsys.readouterr().err
    monkeypatch.setattr("imgguard.guard.Guard.__init__", fail(KeyboardInterrupt()))
    assert clean(ONE, "-o", "out", "--no-recognition") == EXIT_INTERRUPTED


def test_inspect_shows_people_reasons_and_place(capsys: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["inspect", str(SAMPLES / "event" / "event_05_two.jpg"), *WEBSITE]) == 0
    told = capsys.readouterr().out
    assert "020559 Zuri Kamwendo" in told
    assert "no answer for this purpose" in told
    assert "53.27850° N" in told


def test_inspect_fits_a_terminal_of_80_columns_and_tells_size_quality_and_why(
    capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["inspect", str(SAMPLES / "event" / "event_09_one.jpg"), *WEBSITE, "--group", "grade 4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = (number for number, line in enumerate(lines) if line.startswith("│ 1 "))
    columns = zip(*(line.strip("│").split("│") for line in lines[row : row + 4]), strict=True)
    _, where, candidates, why = (" ".join(cell.strip() for cell in column) for column in columns)
    assert re.fullmatch(r"at \d+, \d+ \d+ px sharp \d+ turn \d\.\d\d", where)
    assert re.search(r"0\.\d\d 020485 Nadia Oyelaran 0\.\d\d needed", candidates)
    assert re.search(r"cover: nearest is 020485 with 0\.\d+, 0\.\d+ is needed", why)


def test_inspect_without_a_roster_compares_nothing(capsys: Screen) -> None:
    assert run(["inspect", ONE]) == 0
    told = capsys.readouterr().out
    assert "px" in told and "sharp" not in told and "Decision" not in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fast", "--thorough"], "--fast and --thorough"),
        (["--group", "Grade 4"], "--purpose"),
        (["--fpir", "0.001"], "--purpose"),
        (["--old-id-photos"], "--purpose"),
        ([*SCHOOL], "--purpose"),
        ([*WEBSITE, "--fpir", "nan"], "0.000001 to 0.01"),
        ([*WEBSITE, "--fpir", "0.02"], "0.000001 to 0.01"),
        ([*WEBSITE, "--fpir", "x"], "x"),
    ],
)
def test_options_of_inspect_that_contradict_or_lack_others_exit_with_2(
    arguments: list[str], told: str, capsys: Screen
) -> None:
    assert run(["inspect", ONE, *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--group", "Grade 4"], ["--fpir", "0.001"], ["--old-id-photos"]])
def test_covering_everybody_does_not_go_with_choosing_people(option: list[str], tmp_path: Path, capsys: Screen) -> None:
    assert clean(ONE, "-o", tmp_path / "out", "--no-recognition", *option) == 2
    assert f"does not go with {option[0]}" in capsys.readouterr().err
    assert clean(ONE, "-o", tmp_path / "out", "--no-recognition", "--fast") == 0, "the control"


def test_a_group_that_nobody_has_exits_with_4_and_names_those_there_are(tmp_path: Path, capsys: Screen) -> None:
    assert clean(ONE, "-o", tmp_path / "out", *WEBSITE, "--group", "Grade 3") == 4
    assert "Grade 10, Grade 4" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_search_groups_and_share_reach_the_report(tmp_path: Path) -> None:
    options = ["--fast", "--group", "Grade 8", "--group", "Staff", "--fpir", "0.0001", "--old-id-photos"]
    assert clean(ONE, "-o", tmp_path / "out", *WEBSITE, *options, "--report", tmp_path / "r.json") == 0
    told = json.loads((tmp_path / "r.json").read_text())
    assert (told["search"], told["groups"], told["fpir"]) == ("fast", ["Grade 8", "Staff"], 0.0001)
    assert told["enrolled"] == 6


def test_inspect_draws_boxes_into_a_new_file_only(tmp_path: Path) -> None:
    drawn = tmp_path / "boxes.png"
    assert run(["inspect", ONE, "--draw", str(drawn)]) == 0
    assert Image.open(drawn).size == (1600, 1068)
    before = drawn.read_bytes()
    assert run(["inspect", ONE, "--draw", str(drawn)]) == 4
    assert drawn.read_bytes() == before


def test_inspect_names_what_it_cannot_read(tmp_path: Path, capsys: Screen) -> None:
    assert run(["inspect", str(tmp_path / "nothing.jpg"), ONE]) == 3
    shown = capsys.readouterr()
    assert "nothing.jpg" in shown.err and "event_09_one.jpg" in shown.out.replace("\n", "")


def test_roster_check_counts_and_finds(tmp_path: Path, capsys: Screen) -> None:
    assert run(["roster", "check", str(SAMPLES / "roster.csv")]) == 0
    assert "school_website" in capsys.readouterr().out
    broken = (
        (SAMPLES / "roster.csv").read_text().replace(",yes,yes,no,yes,yes,first", ",yes,perhaps,no,yes,yes,first", 1)
    )
    (tmp_path / "roster.csv").write_text(broken)
    assert run(["roster", "check", str(tmp_path / "roster.csv")]) == 3
    assert "row 3" in capsys.readouterr().out


def test_roster_template_makes_a_roster_that_passes(tmp_path: Path, capsys: Screen) -> None:
    made = tmp_path / "roster.csv"
    assert run(["roster", "template", "-o", str(made)]) == 0
    assert run(["roster", "check", str(made)]) == 0
    assert run(["roster", "template", "-o", str(made)]) == 4
    capsys.readouterr()
    assert run(["roster", "template"]) == 0
    assert capsys.readouterr().out == made.read_text()


def test_doctor_is_content_here(capsys: Screen) -> None:
    assert run(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "SHA-256" in told and "FAILED" not in told


def test_names_that_try_to_fool_the_screen_are_made_visible(tmp_path: Path, capsys: Screen) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a\x1b[31m\u202egpj.jpg").write_bytes(b"no photo")
    assert clean(folder, "-o", tmp_path / "out", "--no-recognition") == 3
    told = capsys.readouterr().out
    assert "\x1b[31m" not in told and "\u202e" not in told


@pytest.mark.skipif(os.name == "nt", reason="names of bytes")
def test_a_name_that_is_no_text_is_cleaned_too(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    os.rename(  # noqa: PTH104
        _put(folder / "x.png"), os.fsencode(folder) + b"/caf\xe9.png"
    )
    assert clean(folder, "-o", tmp_path / "out", "--no-recognition", "--report", tmp_path / "r.json") == 0
    assert os.listdir(os.fsencode(tmp_path / "out")) == [b"caf\xe9.png"]  # noqa: PTH208


def _put(path: Path) -> bytes:
    path.write_bytes(as_bytes(Image.fromarray(scene()), "PNG"))
    return os.fsencode(path)
