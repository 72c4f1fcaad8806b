"""`imgguard audit`, `report`, `stats` and `history`, as somebody at a school runs them."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import run
from consent import Store, read_roster
from imgguard import Guard
from tests.conftest import ROOT, SAMPLES, TODAY
from tests.recorded import add_person, add_run, face, published, school_of_two

Screen = pytest.CaptureFixture[str]


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A school file of two people, in a folder of its own; commands find it by the environment."""
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return school_of_two(tmp_path / "school.imgguard")


def told(capsys: Screen) -> str:
    return " ".join(capsys.readouterr().out.split())


COMMANDS = (
    ["audit", "verify"], ["audit", "head"], ["audit", "export", "-o", "trail.jsonl"], ["report"], ["report", "1"],
    ["stats"], ["stats", "--group", "x"], ["history", "ab" * 32],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_is_made_where_there_is_no_school_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Screen, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*command, "--school", "folder/school.imgguard"]) == 4
    shown = capsys.readouterr()
    assert "folder/school.imgguard: there is no school file" in shown.err and shown.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_school_file_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    other.write_bytes(b"no database" * 100)
    assert run([*command, "--school", str(other)]) == 4
    assert other.read_bytes() == b"no database" * 100
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize("command", [["audit", "verify"], ["report"], ["stats"], ["history", "ab" * 32]], ids=" ".join)
def test_a_damaged_file_is_an_error_with_its_name_and_no_crash(
    school: Path, capsys: Screen, command: list[str]
) -> None:
    with sqlite3.connect(school) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    content = bytearray(school.read_bytes())
    with sqlite3.connect(school) as db:
        for (page,) in db.execute("SELECT rootpage FROM sqlite_master WHERE name IN ('photos', 'runs', 'audit')"):
            content[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"\xff" * 64
    db.close()
    school.write_bytes(content)
    assert run(command) == 4
    assert "school.imgguard: the record cannot be used" in capsys.readouterr().err


def test_a_whole_trail_is_said_to_be_whole_and_what_was_not_checked_is_said(school: Path, capsys: Screen) -> None:
    assert run(["audit", "verify"]) == 0
    text = told(capsys)
    assert "The audit trail is whole: 6 entries." in text and "Not checked against a head kept elsewhere" in text


def test_a_head_that_was_written_down_finds_a_trail_that_was_cut(school: Path, capsys: Screen) -> None:
    assert run(["audit", "head"]) == 0
    head = capsys.readouterr().out.strip()
    assert len(head) == 64
    with Store(school) as store:
        add_run(store, published(9))
    on_paper = " ".join(head[n : n + 8] for n in range(0, 32, 8)).upper()
    assert run(["audit", "verify", "--head", on_paper]) == 0
    assert "The head that you gave is entry 6" in told(capsys)
    with sqlite3.connect(school) as db:
        db.executescript("DROP TRIGGER audit_is_not_cut; DELETE FROM audit WHERE seq >= 6;")
    db.close()
    assert run(["audit", "verify", "--head", on_paper]) == 3
    text = told(capsys)
    assert "NOT whole" in text and "pinned head is not in the trail" in text and "audit_is_not_cut" in text
    assert run(["audit", "verify", "--head", "abc"]) == 4


def test_an_exported_trail_is_checked_by_itself_and_never_replaced(school: Path, capsys: Screen) -> None:
    assert run(["audit", "export", "-o", "trail.jsonl"]) == 0
    assert "6 entries in trail.jsonl" in told(capsys)
    trail = Path("trail.jsonl")
    before = trail.read_bytes()
    assert run(["audit", "export", "-o", "trail.jsonl"]) == 4 and trail.read_bytes() == before
    school.unlink()
    assert run(["audit", "verify", "--exported", "trail.jsonl"]) == 0
    trail.write_bytes(before.replace(b"2024", b"2025").replace(b'cover\\":2', b'cover\\":1', 1))
    capsys.readouterr()
    assert run(["audit", "verify", "--exported", "trail.jsonl"]) == 3
    assert "entry 2 was edited" in told(capsys)
    trail.write_text("no json\n")
    assert run(["audit", "verify", "--exported", "trail.jsonl"]) == 4
    assert "line 1 is no entry" in capsys.readouterr().err
    assert not school.exists()


def test_a_report_is_a_file_of_its_own_with_numbers_and_is_never_replaced(school: Path, capsys: Screen) -> None:
    assert run(["report"]) == 0
    assert "Report of run 1: imgguard-run-1.html" in told(capsys)
    page = Path("imgguard-run-1.html")
    text = page.read_text(encoding="utf-8")
    assert "020411" in text and "Amina" not in text and "park-west-ap144" in text
    assert page.stat().st_mode & 0o077 == 0, "the operator's alone"
    assert run(["report", "1"]) == 4 and page.read_text(encoding="utf-8") == text
    assert "choose another name with -o" in capsys.readouterr().err
    assert run(["report", "1", "-o", "named.html", "--with-names"]) == 0
    assert "020411 Amina Rowe" in Path("named.html").read_text(encoding="utf-8")
    assert run(["report", "2"]) == 4
    assert "from 1 to 1" in capsys.readouterr().err


def test_a_report_comes_as_json_too(school: Path, capsys: Screen) -> None:
    assert run(["report", "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["counts"]["published"] == 3 and "Amina" not in printed
    assert run(["report", "last", "--json", "--with-names", "-o", "run.json"]) == 0
    names = [face["name"] for face in json.loads(Path("run.json").read_text())["photos"][0]["faces"]]
    assert names == ["Amina Rowe", None, "Rafael Quispe", "Theo Marchetti"]
    assert list(Path().iterdir()) == [Path("run.json")]


def test_a_report_of_a_procedure_that_is_not_known_any_more_is_made_all_the_same(school: Path) -> None:
    with Store(school) as store, store.atomic():
        store.change("UPDATE runs SET policy = 'north-ap1'")
    assert run(["report", "-o", "page.html"]) == 0
    assert "north-ap1" in Path("page.html").read_text(encoding="utf-8")


def test_stats_count_people_and_months_without_names(school: Path, capsys: Screen) -> None:
    assert run(["stats"]) == 0
    text = told(capsys)
    assert "2 people were published" in text and "020411 Grade 4 2" in text and "020448 Grade 8 1" in text
    assert "school_website 2 2" in text and "Amina" not in text and "Limits used up by 0 people" in text
    assert run(["stats", "--with-names"]) == 0
    assert "020411 Amina Rowe Grade 4 2" in told(capsys)


def test_stats_follow_purpose_day_and_group(school: Path, capsys: Screen) -> None:
    assert run(["stats", "--group", "grade 8"]) == 0
    text = told(capsys)
    assert "1 person was published" in text and "020411" not in text
    for nothing in (["--purpose", "yearbook"], ["--since", "2999-01-01"]):
        assert run(["stats", *nothing]) == 0
        assert told(capsys) == "Nothing of this was published."
    assert run(["stats", "--group", "Grade 3"]) == 4
    assert "Grade 4, Grade 8" in capsys.readouterr().err
    assert run(["stats", "--since", "23/11/2026"]) == 2
    assert run(["stats", "--purpose", "everything"]) == 2


def test_stats_tell_who_has_used_up_a_limit_and_exit_with_3_above_it(school: Path, capsys: Screen) -> None:
    with Store(school) as store:
        with store.atomic():
            told_of = {"id": 1, "school_id": "x", "title": "North", "policy": "park-west-ap144", "made_at": ""}
            store.insert_row("school", told_of)
        add_run(store, *(published(n, face("keep", "020411")) for n in range(20, 24)))
    assert run(["stats"]) == 0, "at the limit"
    assert "020411 is at the limit for school website: 6 of 6 in 30 days (park-west-ap144" in told(capsys)
    with Store(school) as store:
        add_run(store, published(30, face("keep", "020411")))
    assert run(["stats"]) == 3
    assert "020411 is over the limit for school website: 7 of 6 in 30 days" in told(capsys)
    assert run(["stats", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["policy"] == "park-west-ap144" and found["people"][0]["reached"][0]["photos"] == 7
    assert "name" not in found["people"][0] and found["months"][0]["photos"] == 7


def test_a_table_of_counts_holds_no_formula(school: Path) -> None:
    with Store(school) as store:
        add_person(store, "=1+1", "@SUM(A1)", "x", "+cmd|' /C calc'!A0")
        add_run(store, published(7, face("keep", "=1+1")))
    assert run(["stats", "-o", "counts.csv", "--with-names"]) == 0
    rows = list(csv.reader(Path("counts.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == ["student", "name", "group", "photos", "first", "last", "limits"]
    assert rows[1][:4] == ["020411", "Amina Rowe", "Grade 4", "2"]
    assert ["'=1+1", "'@SUM(A1) x", "'+cmd|' /C calc'!A0"] in [row[:3] for row in rows]
    assert run(["stats", "-o", "counts.csv"]) == 4, "it is there already"


def test_a_history_tells_consents_and_what_replaced_a_photo(school: Path, capsys: Screen) -> None:
    assert run(["history", f"{1:064x}", "--with-names"]) == 0
    text = told(capsys)
    assert "Published 2 times." in text and "No. 1, run 1: photo-0001.jpg" in text and "Replaced by no. 4" in text
    assert "school_website" in text and "school page" in text and "2 kept, 2 covered" in text
    assert "020411 Amina Rowe, to be seen form MR-1, signed 2024-09-12, valid until 2027-06-30, row 4 of roster" in text
    assert run(["history", f"{1004:064X}"]) == 0
    text = told(capsys)
    assert "No. 4, run 1: photo-0004.jpg (this file)" in text and "Amina" not in text
    assert run(["history", f"{3:064x}"]) == 0
    assert "Refused in run 1" in (text := told(capsys)) and "photo broken" in text


def test_a_history_as_json(school: Path, capsys: Screen) -> None:
    assert run(["history", f"{1:064x}", "--json", "--with-names"]) == 0
    first = json.loads(capsys.readouterr().out)["published"][0]
    assert first["file"]["newest"] == 4 and first["shown"][0]["name"] == "Amina Rowe"
    assert first["shown"][0]["relied"][0]["signed_on"] == "2024-09-12"


def test_a_photo_of_which_nothing_is_recorded_is_said_to_be_unknown(school: Path, capsys: Screen) -> None:
    copy = Path("copy.jpg")
    copy.write_bytes((SAMPLES / "event" / "event_09_one.jpg").read_bytes() + b"!")
    assert run(["history", str(copy)]) == 3
    assert "Nothing is recorded of this file" in (text := told(capsys)) and "resized" in text
    assert run(["history", "nowhere.jpg"]) == 4
    assert run(["history", "."]) == 4


def test_hostile_names_reach_the_screen_as_text(school: Path, capsys: Screen) -> None:
    with Store(school) as store:
        add_person(store, "7", "[red]\x1b[31m", "\u202egpj")
        add_run(store, published(8, face("keep", "7")))
    for command in (["stats", "--with-names"], ["history", f"{8:064x}", "--with-names"]):
        assert run(command) == 0
        shown = capsys.readouterr().out
        assert "[red]\\x1b" in shown and "\x1b[31m" not in shown and "\u202e" not in shown


def test_what_was_published_is_found_and_the_trail_names_nobody(tmp_path: Path, capsys: Screen) -> None:
    """The whole way, with real photos."""
    school, out = tmp_path / "school.imgguard", tmp_path / "out"
    roster = read_roster(SAMPLES / "roster.csv")
    photo = SAMPLES / "event" / "event_02_gym.jpg"
    ids, purpose = SAMPLES / "id_photos", "school_website"
    with Guard(roster=roster.path, id_photos=ids, purpose=purpose, school=school, on=TODAY) as guard:
        result = guard.clean(photo, out)
    kept = sorted(str(face.decision.subject_id) for face in result.faces if face.cover is None)
    assert kept
    for asked in (photo, result.target):
        assert run(["history", str(asked), "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)["published"]
        assert sorted(person["subject_id"] for person in found["shown"]) == kept
        assert all(person["relied"][0]["form_id"].startswith("MR-2024-") for person in found["shown"])
    assert run(["audit", "verify"]) == 0
    assert run(["audit", "export", "-o", str(tmp_path / "trail")]) == 0
    trail = (tmp_path / "trail").read_text()
    assert len(roster.subjects) == 14 and not [number for number in roster.subjects if number in trail]
    capsys.readouterr()
    assert run(["stats", "--json"]) == 0
    assert sorted(count["subject_id"] for count in json.loads(capsys.readouterr().out)["people"]) == kept


_WRITES = """
import sys
from pathlib import Path
from consent import Store, read_roster
from tests.recorded import add_run, face, published
with Store(Path(sys.argv[1])) as store:
    for number in range(100, 400):
        add_run(store, published(number, face("keep", "020411")))
"""


def test_everything_works_while_a_run_writes(school: Path, capsys: Screen) -> None:
    writing = subprocess.Popen([sys.executable, "-c", _WRITES, str(school)], cwd=ROOT)
    try:
        seen = 0
        while writing.poll() is None:
            assert run(["audit", "verify"]) == 0
            assert run(["history", f"{1:064x}"]) == 0
            assert run(["report", "--json"]) == 0
            seen += 1
        assert writing.returncode == 0 and seen
    finally:
        writing.kill()
    capsys.readouterr()
    assert run(["audit", "verify"]) == 0
    assert f"{6 + 3 * 300} entries" in told(capsys)
