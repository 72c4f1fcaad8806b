"""`imgguard enroll` and `imgguard selftest`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.main import run
from tests.conftest import SAMPLES

IDS = SAMPLES / "id_photos"
ROSTER = ["--roster", str(SAMPLES / "roster.csv")]

Screen = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def told(capsys: Screen) -> str:
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    return " ".join(shown.split())


def test_enroll_tells_who_is_enrolled_how_alike_they_are_and_what_a_match_needs(capsys: Screen) -> None:
    before = sorted(IDS.iterdir())
    assert run(["enroll", *ROSTER, "--id-photos", str(IDS)]) == 0
    text = told(capsys)
    assert "Enrolled: 13 of 13 who may be recognised" in text
    assert "always covered: 1 person." in text
    assert "Score that a match needs 0." in text and "one stranger of 1,000" in text
    assert "020448 Theo Marchetti 020670 Rafael Quispe" in text
    assert "29 ID photos do not tell when they were taken" in text
    assert sorted(IDS.iterdir()) == before


def test_enroll_follows_group_and_share(capsys: Screen) -> None:
    options = ["--group", " grade 8", "--group", "Staff", "--fpir", "0.0001"]
    assert run(["enroll", *ROSTER, "--id-photos", str(IDS), *options]) == 0
    text = told(capsys)
    assert "Enrolled: 6 of 6" in text and "one stranger of 10,000" in text and "Rafael" not in text
    assert run(["enroll", *ROSTER, "--id-photos", str(IDS), "--group", "Grade 3"]) == 4
    assert "Grade 10, Grade 4" in capsys.readouterr().err


def test_enroll_names_what_is_unusable_and_exits_with_3(tmp_path: Path, capsys: Screen) -> None:
    shutil.copy(IDS / "020485.jpg", tmp_path / "020485.jpg")
    (tmp_path / "999999.jpg").write_bytes(b"of nobody")
    assert run(["enroll", *ROSTER, "--id-photos", str(tmp_path), "--group", "Grade 4"]) == 3
    assert "Enrolled: 1 of 1" in (text := told(capsys)) and "999999.jpg: no row" in text
    assert "Most alike" not in text and "too few people to tell" in text
    (tmp_path / "999999.jpg").unlink()
    assert run(["enroll", *ROSTER, "--id-photos", str(tmp_path), "--group", "Grade 4"]) == 0, "the control"
    capsys.readouterr()
    (tmp_path / "020485.jpg").unlink()
    assert run(["enroll", *ROSTER, "--id-photos", str(tmp_path), "--group", "Grade 4"]) == 3
    assert "Nobody is enrolled" in told(capsys)


def test_enroll_names_what_is_unclear_in_the_roster(tmp_path: Path, capsys: Screen) -> None:
    roster = (SAMPLES / "roster.csv").read_text().replace(",2013-01-01,yes,", ",2013-01-01,perhaps,", 1)
    (tmp_path / "roster.csv").write_text(roster)
    assert run(["enroll", "--roster", str(tmp_path / "roster.csv"), "--id-photos", str(IDS)]) == 3
    shown = capsys.readouterr().out
    assert "roster.csv, row 2: biometric_ok says 'perhaps'" in shown and "Enrolled: 12 of 12" in shown


@pytest.mark.parametrize("option", [[], ["--roster", "r.csv"]])
def test_enroll_needs_id_photos(option: list[str]) -> None:
    assert run(["enroll", *option]) == 2


def test_selftest_counts_who_is_known_again_and_how_often_strangers_match(capsys: Screen) -> None:
    assert run(["selftest", "--id-photos", str(IDS)]) == 0
    text = told(capsys)
    assert "14 people with 31 usable ID photos" in text
    assert "Known again on another photo 17 of 17 (100.0%)" in text
    assert "(FNIR) 0 of 17" in text and "(FPIR) 0 of 31" in text
    assert "Most alike" in text and "Score that a match needs" in text


def test_selftest_tells_what_it_cannot_tell_and_what_is_wrong(tmp_path: Path, capsys: Screen) -> None:
    shutil.copy(IDS / "020411.jpg", tmp_path / "020411.jpg")
    assert run(["selftest", "--id-photos", str(tmp_path)]) == 0
    text = told(capsys)
    assert "1 person with 1 usable ID photo " in text
    assert "Nobody has two usable ID photos" in text and "nothing can be told about strangers" in text
    shutil.copy(IDS / "020448.jpg", tmp_path / "020448.jpg")
    shutil.copy(IDS / "020448(2).jpg", tmp_path / "020411(2).jpg")
    assert run(["selftest", "--id-photos", str(tmp_path)]) == 3
    assert "020411(2).jpg: taken for 020448" in told(capsys)
    assert run(["selftest", "--id-photos", str(tmp_path / "nowhere")]) == 4
    assert run(["selftest", "--id-photos", str(tmp_path), "--fpir", "0.5"]) == 2
