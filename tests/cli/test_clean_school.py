"""`imgguard clean` under a procedure: what is missing stops it up front, and the record tells under what it ran."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cli.main import run
from consent import Store, read_roster
from consent.people import import_roster
from consent.school import make_school
from imgguard.guard import default_school
from tests.conftest import SAMPLES

ONE = SAMPLES / "event" / "event_09_one.jpg"
GIVEN = ["--roster", str(SAMPLES / "roster.csv"), "--id-photos", str(SAMPLES / "id_photos"), "--group", "Grade 8"]
SIGNED = ["--operator", "O. Perator", "--sign-off", "principal:P. Principal", "--sign-off", "Supervisor: S. Visor"]

Screen = pytest.CaptureFixture[str]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def school(tmp_path: Path) -> Path:
    """A school file with two destinations."""
    for name, purpose in (("School page", "division_social_media"), ("Website", "school_website")):
        told = ["--address", "example.org", "--manager", "A. Manager", "--approved-by", "P. Principal"]
        assert run(["destination", "add", name, "--purpose", purpose, *told]) == 0
    return tmp_path / "school.imgguard"


def clean(out: Path, *options: str, photo: Path = ONE) -> int:
    return run(["clean", str(photo), "-o", str(out), *GIVEN, *options])


def stopped(capsys: Screen, out: Path) -> str:
    told = " ".join(capsys.readouterr().err.split())
    assert not out.exists(), "nothing is published"
    return told


@pytest.mark.parametrize(
    ("policy", "clause"),
    [
        ("nanaimo-ladysmith-ap107", "nanaimo-ladysmith-ap107 5.3"),
        ("lloydminster-ap193", "lloydminster-ap193 1.2"),
        ("northern-lights-ap151", "northern-lights-ap151 5"),
        ("ap-2-27", "ap-2-27 1.1"),
    ],
)
def test_an_unregistered_destination_stops_the_run_with_the_clause(
    policy: str, clause: str, out: Path, capsys: Screen
) -> None:
    assert clean(out, "--purpose", "division_social_media", "--policy", policy, *SIGNED) == 4
    told = stopped(capsys, out)
    assert f"{clause}: only registered destinations" in told and "--to" in told and "destination add" in told


def test_missing_sign_offs_stop_the_run_with_clause_and_option(school: Path, out: Path, capsys: Screen) -> None:
    there = ["--to", "website", "--policy", "ap-2-27"]
    assert clean(out, *there) == 4
    told = stopped(capsys, out)
    assert "ap-2-27 2.1: the principal and supervisor must have agreed" in told
    assert "--sign-off principal:NAME --sign-off supervisor:NAME --operator NAME" in told
    for wrong in (
        ["--operator", "P. Principal", *SIGNED[2:]],
        SIGNED[2:],
        ["--operator", "O. Perator", "--sign-off", "principal:P. Principal"],
    ):
        assert clean(out, *there, *wrong) == 4
        assert "must have agreed" in stopped(capsys, out)
    assert clean(out, *there, *SIGNED) == 0, "the control"
    assert "Faces kept 1" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("wrong", ["principal", "principal: ", "guardian:G. Uardian", "headmaster:H. Master", ":X"])
def test_a_sign_off_that_is_none_is_a_wrong_call(wrong: str, out: Path, capsys: Screen) -> None:
    assert clean(out, "--purpose", "school_website", "--sign-off", wrong) == 2
    assert "principal, supervisor, second_administrator" in stopped(capsys, out)


def test_sign_offs_on_the_forms_are_not_asked_for_again(tmp_path: Path, school: Path, out: Path) -> None:
    """The principal and supervisor signed the form of one student; the others are covered."""
    lines = (SAMPLES / "roster.csv").read_text(encoding="utf-8").splitlines()
    (form,) = [line for line in lines if line.startswith("020596")]
    signed = [form.replace("Guardian of Jun,guardian", f"{who} Example,{who}") for who in ("principal", "supervisor")]
    roster = tmp_path / "roster.csv"
    roster.write_text("\n".join([*lines, *signed]) + "\n", encoding="utf-8")
    ids = ["--id-photos", str(SAMPLES / "id_photos"), "--group", "Grade 8"]
    options = ["--roster", str(roster), *ids, "--to", "website", "--policy", "ap-2-27"]
    report = tmp_path / "report.json"
    photo = SAMPLES / "event" / "event_01_class_photo.jpg"
    run(["clean", str(photo), "-o", str(out), *options, "--report", str(report)])
    faces = [face for one in json.loads(report.read_text(encoding="utf-8"))["photos"] for face in one["faces"]]
    decided = {(face["subject_id"], face["reason"]) for face in faces}
    assert ("020596", "consented") in decided
    assert {reason for number, reason in decided if number not in (None, "020596")} <= {
        "no_sign_off",
        "refused",
        "do_not_publish",
    }
    assert "no_sign_off" in {reason for _, reason in decided}


def test_a_missing_attestation_stops_the_run_with_its_words(school: Path, out: Path, capsys: Screen) -> None:
    with Store(school) as store:
        make_school(store, "Sample School", "strict")
    assert run(["policy", "set", "northern-lights-ap151", "--with", "privacy-course"]) == 0
    assert clean(out, "--to", "website", "--operator", "O. Perator") == 4
    told = stopped(capsys, out)
    assert "northern-lights-ap151 5.2" in told and "Focus on Privacy" in told and "--attest" in told
    assert clean(out, "--to", "website", "--attest") == 4
    assert "--operator" in stopped(capsys, out)
    assert clean(out, "--to", "website", "--attest", "--operator", "O. Perator") == 0, "the control"


def test_a_personal_account_is_refused_up_front_with_the_clause(out: Path, capsys: Screen) -> None:
    for policy, clause in (("northern-lights-ap151", "northern-lights-ap151 14.10"), ("strict", "strict 5")):
        assert clean(out, "--purpose", "personal_account", "--policy", policy) == 4
        assert f"{clause}: the forms of a school do not speak for personal accounts" in stopped(capsys, out)


def test_a_large_batch_for_social_media_is_asked_about_and_the_gallery_named(
    school: Path, tmp_path: Path, out: Path, capsys: Screen
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for n in range(31):
        shutil.copy(ONE, many / f"{n:02}.jpg")
    page = ["--to", "school page", "--policy", "northern-lights-ap151", "--dry-run"]
    assert clean(out, *page, photo=many) == 4
    told = stopped(capsys, out)
    assert "northern-lights-ap151 13: 31 photos are a large quantity" in told
    assert "--purpose school_website" in told and "--confirm-batch" in told
    (many / "00.jpg").unlink()
    (many / "01.jpg").write_bytes(b"")
    for n in range(3, 31):
        (many / f"{n:02}.jpg").unlink()
    assert clean(out, *page, photo=many) == 3, "the control: a small batch, one of it broken"


def test_a_confirmed_batch_is_done(school: Path, tmp_path: Path, out: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for n in range(31):
        (many / f"{n:02}.jpg").write_bytes(ONE.read_bytes()[:200])
    page = ["--to", "school page", "--policy", "northern-lights-ap151", "--dry-run", "--workers", "1"]
    assert clean(out, *page, photo=many) == 4
    assert clean(out, *page, "--confirm-batch", photo=many) == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--to", "schol page"], "Did you mean School page?"),
        (["--to", "school page", "--purpose", "yearbook"], "is for division_social_media, not for yearbook"),
        (["--purpose", "school_website", "--policy", "park-west"], "Did you mean park-west-ap144?"),
    ],
)
def test_destinations_and_policies_that_are_not_there_stop_the_run(
    options: list[str], told: str, school: Path, out: Path, capsys: Screen
) -> None:
    assert clean(out, *options) == 4
    assert told in stopped(capsys, out)


def test_a_closed_destination_is_published_to_no_more(school: Path, out: Path, capsys: Screen) -> None:
    assert run(["destination", "close", "WEBSITE"]) == 0
    assert clean(out, "--to", "Website") == 4
    assert "was closed on" in stopped(capsys, out)


def test_without_a_school_file_no_destination_is_known(out: Path, tmp_path: Path, capsys: Screen) -> None:
    assert clean(out, "--to", "website") == 4
    assert "destination add" in stopped(capsys, out)
    assert not (tmp_path / "school.imgguard").exists()


def test_the_record_tells_under_what_a_run_was_done(school: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGUARD_OPERATOR", "O. Perator")
    options = ["--to", "website", "--policy", "northern-lights-ap151", "--credit", "Photo: North School"]
    assert clean(out, *options, "--sign-off", "second administrator:B. Second", "--attest") == 0
    with Store(school) as store:
        ((*told, settings),) = store.query(
            "SELECT operator, policy, policy_version, destination, purpose, sign_offs, attested, settings FROM runs"
        )
        ((clause,),) = store.query("SELECT DISTINCT clause FROM faces")
    assert told == [
        "O. Perator", "northern-lights-ap151", "AP 151", "Website", "school_website",
        '["second_administrator:B. Second"]', 1,
    ]  # fmt: skip
    assert json.loads(str(settings))["credit"] == "Photo: North School"
    assert clause == "northern-lights-ap151 10"


def test_the_policy_of_the_school_holds_where_none_is_named(school: Path, out: Path, capsys: Screen) -> None:
    with Store(school) as store:
        make_school(store, "Sample School", "ap-2-27")
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
    assert run(["clean", str(ONE), "-o", str(out), "--to", "website"]) == 4
    assert "ap-2-27 2.1" in stopped(capsys, out)
    assert default_school() != school


def test_everybody_can_be_covered_for_a_destination_without_any_sign_off(school: Path, out: Path) -> None:
    options = ["--no-recognition", "--to", "school page", "--policy", "ap-2-27"]
    assert run(["clean", str(ONE), "-o", str(out), *options]) == 0
    with Store(school) as store:
        assert store.query("SELECT destination, purpose, recognition FROM runs") == [
            ("School page", "division_social_media", 0)
        ]


@pytest.mark.parametrize("command", ["clean", "caption"])
def test_a_run_does_not_get_around_the_schools_own_procedure(
    command: str, school: Path, out: Path, capsys: Screen
) -> None:
    with Store(school) as store:
        make_school(store, "North School", "ap-2-27")
    options = [] if command == "caption" else ["-o", str(out)]
    told = ["--purpose", "school_website", "--policy", "strict"]
    assert run([command, str(ONE), *options, *GIVEN, *told]) == 4
    assert "The school's procedure is ap-2-27" in stopped(capsys, out)


def test_a_clock_that_was_set_back_is_told_before_anybody_is_shown(school: Path) -> None:
    from datetime import date, timedelta

    from imgguard.publication import Publication, under_policy

    def told(on: date) -> str:
        return str(under_policy(Publication(to="website"), None, school, on, explained=True).findings)

    # The registry of destinations was written today.
    assert "clock set back" not in told(date.today())
    with Store(school) as store:
        store.change("UPDATE destinations SET approved_on = '2020-01-01'")
    assert "clock set back" not in told(date.today() - timedelta(1))
    assert "clock set back" in told(date.today() - timedelta(3))
