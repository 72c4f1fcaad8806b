"""`imgguard withdraw`, `find`, `recheck` and `reclean`: what comes after publishing."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from cli.main import run
from consent import Store
from consent.people import import_roster
from consent.roster import read_roster
from tests.conftest import SAMPLES
from tests.consent.published import add_destination, kept, publish

AMINA = "020411"
ROSTER = SAMPLES / "roster.csv"
REASON = ["--reason", "letter of the mother"]

Screen = pytest.CaptureFixture[str]


@pytest.fixture
def school(tmp_path: Path) -> Path:
    """The school file that the commands take, with people and a published photo; nothing real was published."""
    path = tmp_path / "school.imgguard"
    with Store(path) as store:
        import_roster(store, read_roster(ROSTER))
        add_destination(store, "Blog", "https://blog.example", "M. One")
        publish(store, [kept(AMINA)], destination="Blog")
    return path


def told(capsys: Screen) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_a_withdrawal_lists_at_once_what_is_to_be_taken_down(school: Path, tmp_path: Path, capsys: Screen) -> None:
    lists = ["--list", str(tmp_path / "list.csv"), "--page", str(tmp_path / "page.html")]
    assert run(["withdraw", AMINA, *REASON, *lists]) == 0
    text = told(capsys)
    assert "020411 Amina Baptiste-Rowe (Grade 8): from now on no, for every purpose." in text
    assert "Blog: https://blog.example, manager M. One" in text and "222222222222 photo-0001.jpg" in text
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["destination"], row["manager"], row["student"]) == ("Blog", "M. One", AMINA)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "M. One" in page and "Amina" not in page, "numbers, no names"
    assert (tmp_path / "page.html").stat().st_mode & 0o077 == 0
    assert run(["withdraw", AMINA, *REASON]) == 0
    assert "withdrawn already" in told(capsys)


def test_only_the_purposes_that_are_named_are_withdrawn_and_listed(school: Path, capsys: Screen) -> None:
    assert run(["withdraw", AMINA, "--purpose", "yearbook", "--purpose", "newsletter", *REASON]) == 0
    text = told(capsys)
    assert "no, for newsletter, yearbook." in text and "No published photo shows this student" in text
    assert run(["withdraw", AMINA, "--purpose", "personal_account", *REASON]) == 2


def test_lifting_is_told_and_needs_a_reason(school: Path, capsys: Screen) -> None:
    assert run(["withdraw", AMINA, *REASON]) == 0
    assert run(["withdraw", AMINA, "--lift"]) == 2
    capsys.readouterr()
    assert run(["withdraw", AMINA, "--lift", "--purpose", "yearbook", "--reason", "new form"]) == 0
    assert "the forms hold again for yearbook." in told(capsys)
    assert run(["withdraw", AMINA, "--lift", "--purpose", "yearbook", "--reason", "new form"]) == 4
    assert "nothing of this was withdrawn" in capsys.readouterr().err


def test_a_number_without_its_zero_is_asked_about(
    school: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run(["withdraw", "20411", *REASON]) == 130
    assert "the only one like it: 020411 Amina" in capsys.readouterr().err
    with Store(school) as store:
        assert store.query("SELECT * FROM withdrawals") == []
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run(["withdraw", "20411", *REASON]) == 0
    assert run(["find", "20411", "--yes"]) == 0
    with Store(school) as store:
        assert store.query("SELECT subject_id FROM withdrawals") == [(AMINA,)]


@pytest.mark.parametrize("command", [["withdraw", *REASON], ["find"]])
def test_a_name_proposes_numbers_and_does_nothing(school: Path, capsys: Screen, command: list[str]) -> None:
    assert run([command[0], "amina", *command[1:]]) == 4
    assert "020411 Amina Baptiste-Rowe (Grade 8)" in capsys.readouterr().err
    assert run([command[0], "Nobody", *command[1:]]) == 4
    with Store(school) as store:
        assert store.query("SELECT * FROM withdrawals") == []


def test_an_unknown_number_can_withdraw_once_somebody_says_so_but_is_not_found(
    school: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["find", "031000"]) == 4
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run(["withdraw", "031000", *REASON]) == 3
    assert "031000 is in no roster" in (text := told(capsys)) and "Nothing was recorded" in text
    assert run(["find", "031000"]) == 4
    assert run(["withdraw", "031000", *REASON, "--yes"]) == 3
    assert "Please check: 031000" in told(capsys)
    assert run(["find", "031000"]) == 0
    assert "0 published files show this student" in told(capsys)


def test_nothing_is_withdrawn_where_the_list_could_not_be_written(school: Path, tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    for options in (["--list", "there.csv"], ["--page", "nowhere/page.html"]):
        assert run(["withdraw", AMINA, *REASON, options[0], str(tmp_path / options[1])]) == 2
    with Store(school) as store:
        assert store.query("SELECT * FROM withdrawals") == []
    assert (tmp_path / "there.csv").read_text() == "mine"


@pytest.mark.parametrize(
    "command",
    [
        ["find", AMINA], ["recheck"], ["recheck", str(ROSTER)], ["withdraw", AMINA, "--lift", *REASON],
        ["reclean", "--student", AMINA, "--originals", ".", "-o", "out"],
    ],
)  # fmt: skip
def test_commands_that_look_something_up_make_no_school_file(
    tmp_path: Path, capsys: Screen, command: list[str]
) -> None:
    assert run([*command, "--school", str(tmp_path / "none" / "school.imgguard")]) == 4
    assert "there is no school file" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_withdrawal_can_be_the_first_thing_that_a_school_file_holds(tmp_path: Path, capsys: Screen) -> None:
    path = tmp_path / "new" / "school.imgguard"
    assert run(["withdraw", AMINA, *REASON, "--yes", "--school", str(path)]) == 3
    assert path.is_file() and "There was no school file yet" in " ".join(capsys.readouterr().err.split())


def test_find_tells_where_since_when_and_by_which_consent(school: Path, tmp_path: Path, capsys: Screen) -> None:
    assert run(["find", AMINA, "--list", str(tmp_path / "found.csv")]) == 0
    text = told(capsys)
    assert "1 published file shows this student" in text and "https://blog.example, M. One" in text
    assert "consent: form MR-1, signed 2024-09-12, until 2035-06-30, row 2 of fdfdfdfdfdfd" in text
    with (tmp_path / "found.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert run(["find", AMINA, "--json"]) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert (row["file_id"], row["output_sha256"]) == (facts["file_id"], facts["output_sha256"]) == ("22" * 6, "22" * 32)
    assert (facts["visible"], facts["newer_version"], facts["taken_down_on"]) == (True, False, None)


def test_recheck_tells_what_the_next_roster_would_take_away_before_it_is_imported(
    school: Path, tmp_path: Path, capsys: Screen
) -> None:
    assert run(["recheck"]) == 0
    assert "everybody on them has a consent that holds" in told(capsys)
    after = tmp_path / "next.csv"
    after.write_text("\n".join(line for line in ROSTER.read_text().splitlines() if not line.startswith(AMINA)))
    assert run(["recheck", str(after), "--list", str(tmp_path / "list.csv")]) == 3
    text = told(capsys)
    assert "1 of 1 published file to be taken down" in text and "1 not in the roster any more" in text
    assert "not in the roster any more" in (tmp_path / "list.csv").read_text(encoding="utf-8-sig")
    assert run(["recheck"]) == 0, "nothing was imported"
    assert run(["recheck", str(tmp_path / "none.csv")]) == 4


def test_an_import_tells_that_somebody_who_was_published_has_no_consent_left(
    school: Path, tmp_path: Path, capsys: Screen
) -> None:
    assert run(["roster", "import", str(ROSTER), "--yes"]) == 0
    assert "imgguard recheck" not in told(capsys), "the control"
    after = tmp_path / "next.csv"
    after.write_text("\n".join(line for line in ROSTER.read_text().splitlines() if not line.startswith(AMINA)))
    assert run(["roster", "import", str(after), "--yes"]) == 3
    assert "1 published file shows somebody without a consent that holds: see imgguard recheck" in told(capsys)


def test_recheck_follows_the_day_and_tells_what_ends_soon(school: Path, capsys: Screen) -> None:
    assert run(["recheck", "--on", "2035-06-30"]) == 0
    assert run(["recheck", "--on", "2035-07-01"]) == 3
    assert "1 consent has run out" in told(capsys)
    assert run(["recheck", "--on", "2035-06-15", "--within", "20"]) == 0
    text = told(capsys)
    assert "Not yet, but within 20 days" in text and "will run out after 2035-06-30" in text


def test_what_is_down_is_ticked_off(school: Path, capsys: Screen) -> None:
    run(["withdraw", AMINA, *REASON])
    assert run(["recheck"]) == 3
    assert run(["recheck", "--done", "999999999999"]) == 4
    capsys.readouterr()
    assert run(["recheck", "--done", str(ROSTER)]) == 4
    assert f"{ROSTER}: is none of the files" in capsys.readouterr().err
    assert run(["recheck", "--done", "222222222222"]) == 0
    assert run(["find", AMINA]) == 0
    assert f"taken down on {date.today()}" in told(capsys)


@pytest.mark.parametrize("chosen", [[], ["--student", AMINA, "--all-open"], ["--photo", "a.jpg", "--student", AMINA]])
def test_reclean_wants_one_choice(school: Path, chosen: list[str]) -> None:
    assert run(["reclean", *chosen, "--originals", ".", "-o", "out"]) == 2


def test_reclean_tells_which_originals_are_missing(school: Path, tmp_path: Path, capsys: Screen) -> None:
    (tmp_path / "event").mkdir()
    options = ["--originals", str(tmp_path / "event"), "-o", str(tmp_path / "out")]
    assert run(["reclean", "--all-open", *options]) == 0
    assert "Nothing to do" in told(capsys)
    run(["withdraw", AMINA, *REASON])
    capsys.readouterr()
    assert run(["reclean", "--all-open", *options]) == 3
    text = told(capsys)
    assert "0 of 1 photos made anew" in text and f"original with SHA-256 {'11' * 32}" in text
    assert "Blog (https://blog.example, manager M. One)" in text
    assert not (tmp_path / "out").exists()


def test_from_cleaning_to_a_new_version_and_an_empty_list(tmp_path: Path, capsys: Screen) -> None:
    event, who = tmp_path / "event", ["--roster", str(ROSTER), "--id-photos", str(SAMPLES / "id_photos")]
    event.mkdir()
    shutil.copy(SAMPLES / "event" / "event_02_gym.jpg", event / "gym.jpg")
    assert run(["clean", str(event), "-o", str(tmp_path / "out"), *who, "--purpose", "school_website"]) == 0
    assert run(["recheck", str(ROSTER)]) == 0
    assert run(["withdraw", AMINA, *REASON]) == 0
    assert run(["recheck", str(ROSTER)]) == 3
    capsys.readouterr()
    assert run(["reclean", "--all-open", "--originals", str(event), "-o", str(tmp_path / "new"), *who]) == 0
    text = told(capsys)
    assert "1 of 1 photos made anew" in text and "in the place of" in text
    assert (tmp_path / "new" / "gym.jpg").read_bytes() != (tmp_path / "out" / "gym.jpg").read_bytes()
    assert run(["recheck", str(ROSTER)]) == 3, "the old file may still be where it was put"
    assert "or put the new version" in told(capsys)
    assert run(["recheck", str(ROSTER), "--done", str(tmp_path / "out" / "gym.jpg")]) == 0
    capsys.readouterr()
    assert run(["find", AMINA, "--covered", "--json"]) == 0
    old, new = json.loads(capsys.readouterr().out)
    assert (old["visible"], old["newer_version"]) == (True, True) and old["taken_down_on"]
    assert (new["visible"], new["reason"], new["file"]) == (False, "withdrawn", "gym.jpg")


def test_photos_of_a_roster_that_had_lost_a_zero_are_listed_and_made_anew(
    school: Path, tmp_path: Path, capsys: Screen
) -> None:
    with Store(school) as store:
        publish(store, [kept("20411")], source="33", output="44", name="lost-zero.jpg")
    assert run(["withdraw", AMINA, *REASON]) == 0
    assert "2 published files show this student" in told(capsys)
    assert run(["find", AMINA]) == 0
    assert "444444444444 lost-zero.jpg" in told(capsys)
    (tmp_path / "originals").mkdir()
    given = ["--originals", str(tmp_path / "originals"), "-o", str(tmp_path / "new")]
    assert run(["reclean", "--student", AMINA, *given]) == 3
    assert "0 of 2 photos" in told(capsys)


def test_the_published_file_itself_is_ticked_off_at_one_of_its_places(
    school: Path, tmp_path: Path, capsys: Screen
) -> None:
    photo = tmp_path / "me@school.jpg"
    photo.write_bytes(b"published")
    digest = hashlib.sha256(b"published").hexdigest()
    with Store(school) as store:
        for place in ("Blog", "Website"):
            number = publish(store, [kept(AMINA)], destination=place, source="77")
            with store.atomic():
                store.change("UPDATE photos SET output_sha256 = ? WHERE id = ?", (digest, number))
    assert run(["recheck", "--done", str(photo)]) == 4
    assert "@Blog" in capsys.readouterr().err
    assert run(["recheck", "--done", f"{photo}@Website"]) == 0
    assert "Ticked off as taken down: 1" in told(capsys)
