"""`imgguard policy`, `destination` and `caption` on the sample school."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import run
from consent import Store, audit, read_roster
from consent.people import import_roster
from consent.policy_files import policy_names, read_policy
from consent.school import make_school
from tests.conftest import SAMPLES

ROSTER = ["--roster", str(SAMPLES / "roster.csv")]
WHO = [*ROSTER, "--id-photos", str(SAMPLES / "id_photos"), "--purpose", "school_website"]
TWO = str(SAMPLES / "event" / "event_05_two.jpg")
CLASS_PHOTO = str(SAMPLES / "event" / "event_01_class_photo.jpg")

Screen = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")


@pytest.fixture
def school(tmp_path: Path) -> Path:
    with Store(tmp_path / "school.imgguard") as store:
        make_school(store, "Sample School", "park-west-ap144")
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
    return tmp_path / "school.imgguard"


def told(capsys: Screen) -> str:
    shown = capsys.readouterr().out
    return " ".join(shown.replace("\u2502", " ").split())


def test_list_shows_every_policy_and_marks_the_schools_own(school: Path, capsys: Screen) -> None:
    assert run(["policy", "list"]) == 0
    text = told(capsys)
    assert all(name in text for name in policy_names())
    assert "* park-west-ap144" in text and "* strict" not in text


def test_names_and_addresses_stay_whole_on_a_narrow_screen(
    school: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://www.north-school.example.org/news/photos"
    options = ["--address", address, "--manager", "A. Manager", "--approved-by", "P. Principal"]
    assert run(["destination", "add", "Page", "--purpose", "members_only", *options]) == 0
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    assert run(["policy", "list"]) == 0
    assert "nanaimo-ladysmith-ap107 " in capsys.readouterr().out
    assert run(["destination", "list"]) == 0
    rows = [line.split("\u2502") for line in capsys.readouterr().out.splitlines() if "\u2502" in line]
    assert address in "".join(row[3].strip() for row in rows)


def test_looking_at_policies_makes_no_file(tmp_path: Path, capsys: Screen) -> None:
    assert run(["policy", "list"]) == 0 and run(["policy", "show"]) == 0
    assert run(["destination", "list"]) == 0
    assert "* strict" in told(capsys)
    assert not (tmp_path / "school.imgguard").exists()


@pytest.mark.parametrize("name", policy_names())
def test_show_tells_every_rule_with_its_clause(name: str, capsys: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    assert run(["policy", "show", name]) == 0
    shown = capsys.readouterr().out
    file = read_policy(name)
    for rule in file.policy.rules:
        assert rule.clause in shown and rule.id in shown and rule.says.split(".")[0] in shown
    assert all(left.says in shown for left in file.not_done)


def test_set_switches_rules_and_leaves_an_entry_in_the_trail(school: Path, capsys: Screen) -> None:
    assert run(["policy", "set", "park-west-ap144", "--with", "in-groups", "--with", "cover-at-limit"]) == 0
    assert "with cover-at-limit, in-groups" in told(capsys)
    assert run(["policy", "show"]) == 0
    text = told(capsys)
    assert "in-groups (on" in text and "from-a-distance (off" in text
    with Store(school) as store:
        last = audit.head(store)
    assert last is not None and last.kind == "policy_set"
    assert json.loads(last.body)["switched"] == {"cover-at-limit": True, "in-groups": True}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["set", "park-west"], 4, "Did you mean park-west-ap144?"),
        (["set", "park-west-ap144", "--with", "in-group"], 4, "in-groups"),
        (["set", "park-west-ap144", "--without", "non-disclosure"], 4, "in-groups"),
        (["set", "park-west-ap144", "--with", "in-groups", "--without", "in-groups"], 2, "on and off"),
        (["show", "nothing"], 4, "strict"),
        (["explain", "020448"], 2, "--purpose"),
        (["explain", "999999", "--purpose", "yearbook"], 4, "Nobody has the number 999999"),
    ],
)
def test_wrong_calls_say_what_there_is(
    arguments: list[str], code: int, says: str, school: Path, capsys: Screen
) -> None:
    assert run(["policy", *arguments]) == code
    assert says in capsys.readouterr().err


def test_a_file_that_is_no_schools_is_given_no_policy(capsys: Screen) -> None:
    assert run(["policy", "set", "ap-2-27"]) == 4
    assert "imgguard init" in capsys.readouterr().err


def test_explain_tells_the_decision_and_what_would_change_it(school: Path, capsys: Screen) -> None:
    assert run(["policy", "explain", "020448", "--purpose", "division_social_media"]) == 0
    text = told(capsys)
    assert "020448 Theo Marchetti, photo, for division_social_media, under park-west-ap144" in text
    assert "cover: consent refused for this purpose (park-west-ap144 Point of emphasis 4)" in text
    assert "NO nobody who was asked said anything but yes" in text and "on a new form" in text


def test_explain_tells_the_form_behind_a_yes(school: Path, capsys: Screen) -> None:
    assert run(["policy", "explain", "020596", "--purpose", "school_website", "--policy", "strict"]) == 0
    text = told(capsys)
    assert "keep: consent covers this purpose (strict 1)" in text and "NO " not in text
    assert "form MR-2024-106, signed by Guardian of Jun (guardian) on 2024-09-12" in text


def test_explain_lists_everything_that_a_procedure_misses(school: Path, capsys: Screen) -> None:
    options = ["--purpose", "division_social_media", "--policy", "ap-2-27"]
    assert run(["policy", "explain", "020411", *options]) == 0
    text = told(capsys)
    assert "cover: a sign-off that the procedure asks for is missing (ap-2-27 2.1)" in text
    assert "--sign-off ROLE:NAME" in text and "registered destination (--to" in text
    told_roles = ["--sign-off", "principal:P. Principal", "--sign-off", "supervisor:S. Visor", "--operator", "O."]
    assert run(["policy", "explain", "020411", *options, *told_roles]) == 0
    assert "cover: the destination is not registered (ap-2-27 1.1)" in told(capsys)


def test_tables_fit_a_narrow_screen(school: Path, capsys: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (["list"], ["show", "ap-2-27"], ["explain", "020448", "--purpose", "yearbook"]):
        assert run(["policy", *arguments]) == 0
        rows = [line for line in capsys.readouterr().out.splitlines() if "\u2502" in line]
        assert max(map(len, rows), default=0) <= 80


def test_explain_can_be_asked_about_what_is_never_published(capsys: Screen) -> None:
    assert run(["policy", "explain", "020411", *ROSTER, "--purpose", "personal_account"]) == 0
    assert "cover: no consent speaks for personal accounts (strict 5)" in told(capsys)


def test_explain_asks_about_names_and_work_too(capsys: Screen) -> None:
    for aspect, says in (("first-name", "keep"), ("full-name", "cover: consent refused"), ("work", "cover: no answer")):
        options = [*ROSTER, "--purpose", "school_website", "--aspect", aspect]
        assert run(["policy", "explain", "020448", *options]) == 0
        assert says in told(capsys)


def test_destinations_are_listed_closed_ones_too(capsys: Screen) -> None:
    options = ["--address", "example.org", "--manager", "A. Manager", "--approved-by", "P. Principal"]
    assert run(["destination", "add", "Page", "--purpose", "members_only", *options]) == 0
    assert run(["destination", "add", "page", "--purpose", "yearbook", *options]) == 4
    assert run(["destination", "close", "Page"]) == 0
    assert run(["destination", "close", "Page"]) == 4
    capsys.readouterr()
    assert run(["destination", "list"]) == 0
    assert "A. Manager" in (text := told(capsys)) and "closed" in text
    assert run(["destination", "list", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["name"], one["purpose"], one["manager"]) == ("Page", "members_only", "A. Manager")
    assert one["closed_on"]


def test_caption_gives_the_names_from_left_to_right(capsys: Screen) -> None:
    assert run(["caption", CLASS_PHOTO, *WHO]) == 0
    text = told(capsys)
    assert "Left to right: Amina Baptiste-Rowe, Theo, " in text
    assert "Marchetti" not in text and "first: Theo" in text


def test_caption_prints_json_with_the_clause(capsys: Screen) -> None:
    assert run(["caption", CLASS_PHOTO, *WHO, "--policy", "nanaimo-ladysmith-ap107", "--json"]) == 0
    names = json.loads(capsys.readouterr().out)
    assert [name["text"] for name in names][:2] == ["Amina", "Theo"]
    assert names[0]["clause"] == "nanaimo-ladysmith-ap107 6.4" and names[0]["printed"] == "first"


def test_caption_needs_a_purpose(capsys: Screen) -> None:
    assert run(["caption", TWO, *ROSTER]) == 2
    assert "--purpose" in capsys.readouterr().err


def test_explain_finds_a_number_that_is_written_without_its_zero(school: Path, capsys: Screen) -> None:
    assert run(["policy", "explain", "20596", "--purpose", "school_website"]) == 0
    assert "020596 Jun" in told(capsys)
