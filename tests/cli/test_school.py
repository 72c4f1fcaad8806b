"""`imgguard init`, `key`, `enroll` into the school file, `purge`, `forget`, `backup`, `restore`, `privacy-facts`."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
from datetime import date, timedelta
from pathlib import Path

import keyring.backends.fail
import pytest

from cli.main import run
from consent import Store, read_roster
from consent.people import import_roster
from consent.school import open_school, template_end
from consent.store import RunRecord
from consent.vault import kept_in, open_vault
from tests.conftest import SAMPLES
from tests.rings import FileRing, use
from tests.schools import PASSPHRASE, begin_run

Screen = pytest.CaptureFixture[str]
IDS = SAMPLES / "id_photos"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The school file that IMGGUARD_SCHOOL names."""
    return tmp_path / "school.imgguard"


@pytest.fixture
def ids(tmp_path: Path) -> Path:
    folder = tmp_path / "ids"
    folder.mkdir()
    for name in ("020411.jpg", "020448.jpg"):
        shutil.copy(IDS / name, folder / name)
    return folder


def phrase_file(tmp_path: Path, text: str = PASSPHRASE, name: str = "phrase") -> str:
    file = tmp_path / name
    file.touch(mode=0o600)
    file.write_text(text + "\n")
    return str(file)


def import_sample(path: Path) -> None:
    with Store(path) as store:
        import_roster(store, read_roster(SAMPLES / "roster.csv"))


def enrolled(path: Path) -> list[str]:
    with Store(path) as store:
        return [str(n) for (n,) in store.query("SELECT DISTINCT subject_id FROM templates ORDER BY 1")]


def test_init_makes_a_school_file_of_the_users_own_and_a_second_time_leaves_it_alone(
    path: Path, ring: FileRing, capsys: Screen
) -> None:
    assert run(["init", "--title", "Cedar Ridge School"]) == 0
    assert "key of the templates is in your keyring" in capsys.readouterr().out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(ring.secrets()) == 1
    with Store(path) as store:
        school = open_school(store)
    assert school is not None and (school.title, school.policy) == ("Cedar Ridge School", "strict")
    content = path.read_bytes()
    assert run(["init", "--title", "Another School"]) == 4
    assert "is a school file already" in capsys.readouterr().err
    assert path.read_bytes() == content and len(ring.secrets()) == 1


def test_init_completes_the_record_that_earlier_runs_made(path: Path, ring: FileRing) -> None:
    with Store(path) as store:
        begin_run(store, RunRecord("0.1.0", None, False, "blur", None, 0, None, {}))
    assert run(["init", "--title", "Cedar Ridge School"]) == 0
    with Store(path) as store:
        assert store.query("SELECT count(*) FROM runs") == [(1,)]
        assert kept_in(store) == "keyring"


def test_init_without_a_keyring_says_what_to_do_and_leaves_nothing(path: Path, ring: FileRing, capsys: Screen) -> None:
    with use(keyring.backends.fail.Keyring()):
        assert run(["init", "--title", "Cedar Ridge School"]) == 4
        told = capsys.readouterr().err
        assert "no keyring that protects" in told and "imgguard init --passphrase" in told
        assert not list(path.parent.glob("school*"))
        with Store(path) as store:
            begin_run(store, RunRecord("0.1.0", None, False, "blur", None, 0, None, {}))
        assert run(["init", "--title", "Cedar Ridge School"]) == 4
        with Store(path) as store:
            assert open_school(store) is None and store.query("SELECT count(*) FROM runs") == [(1,)]


def test_init_refuses_a_procedure_that_it_does_not_know(path: Path, ring: FileRing, capsys: Screen) -> None:
    assert run(["init", "--title", "x", "--policy", "nowhere-ap1"]) == 2
    assert "strict" in capsys.readouterr().err and not path.exists()
    assert run(["init"]) == 2


def test_a_passphrase_comes_from_a_file_that_nobody_else_can_read(
    tmp_path: Path, path: Path, ids: Path, capsys: Screen
) -> None:
    good = phrase_file(tmp_path)
    open_to_all = phrase_file(tmp_path, name="open")
    Path(open_to_all).chmod(0o644)
    for bad, said in (
        (open_to_all, f"chmod 600 {open_to_all}"),
        (str(tmp_path / "nowhere"), "cannot be read"),
        (phrase_file(tmp_path, "short", "short"), "shorter than 12"),
        (phrase_file(tmp_path, "two lines of it\nare not one", "two"), "one line"),
        (phrase_file(tmp_path, "", "empty"), "one line"),
    ):
        assert run(["init", "--title", "x", "--passphrase-file", bad]) == 4
        assert said in capsys.readouterr().err and not path.exists()
    assert run(["init", "--title", "x", "--passphrase-file", good]) == 0
    import_sample(path)
    wrong = phrase_file(tmp_path, "another one entirely", "wrong")
    assert run(["enroll", "--id-photos", str(ids), "--passphrase-file", wrong]) == 4
    assert "the passphrase is wrong" in capsys.readouterr().err and enrolled(path) == []
    assert run(["enroll", "--id-photos", str(ids), "--passphrase-file", good]) == 3
    assert enrolled(path) == ["020411", "020448"]


def test_a_passphrase_is_asked_for_twice_hidden_and_never_taken_from_the_environment(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Screen
) -> None:
    asked: list[dict[str, object]] = []

    def prompt(text: str, **options: object) -> str:
        asked.append({"text": text, **options})
        return PASSPHRASE

    monkeypatch.setattr("click.prompt", prompt)
    for name in ("PASSPHRASE", "IMGGUARD_PASSPHRASE", "IMGGUARD_PASSPHRASE_FILE"):
        monkeypatch.setenv(name, "out of the environment")
    assert run(["init", "--title", "x", "--passphrase"]) == 0
    assert [(a["hide_input"], a["confirmation_prompt"]) for a in asked] == [(True, True)]
    assert run(["key", "rotate"]) == 0
    assert [(a["hide_input"], a["confirmation_prompt"]) for a in asked[1:]] == [(True, False), (True, True)]
    with Store(path) as store:
        open_vault(store, lambda: PASSPHRASE)
    assert PASSPHRASE not in (shown := capsys.readouterr()).out + shown.err


def test_enroll_needs_a_school_file_with_a_roster_and_a_key(
    path: Path, ids: Path, ring: FileRing, capsys: Screen
) -> None:
    command = ["enroll", "--id-photos", str(ids)]
    assert run(command) == 4
    assert "there is no school file" in capsys.readouterr().err and not path.exists()
    with Store(path):
        pass
    assert run(command) == 4
    assert "imgguard roster import" in capsys.readouterr().err
    import_sample(path)
    assert run(command) == 4
    assert "imgguard init" in capsys.readouterr().err


def test_enroll_stores_once_tells_what_is_unusable_and_follows_the_group(
    path: Path, ids: Path, ring: FileRing, capsys: Screen
) -> None:
    assert run(["init", "--title", "x"]) == 0
    import_sample(path)
    (ids / "999999.jpg").write_bytes(b"nobody")
    capsys.readouterr()
    assert run(["enroll", "--id-photos", str(ids)]) == 3
    told = " ".join(capsys.readouterr().out.split())
    assert "Enrolled: 2 of 12 who may be recognised" in told and "999999.jpg: no row" in told
    assert f"2 new templates; 0 known already; 0 deleted. They end on {template_end(date.today())}." in told
    assert run(["enroll", "--id-photos", str(ids), "--group", "Grade 99"]) == 4
    capsys.readouterr()
    assert run(["enroll", "--id-photos", str(ids)]) == 3
    assert "0 new templates; 2 known already" in capsys.readouterr().out


def test_looking_at_a_roster_stores_nothing(path: Path, ids: Path, ring: FileRing) -> None:
    assert run(["init", "--title", "x"]) == 0
    import_sample(path)
    roster = ["--roster", str(SAMPLES / "roster.csv")]
    assert run(["enroll", *roster, "--id-photos", str(ids)]) == 3
    assert enrolled(path) == []


def test_a_key_is_rotated_moved_and_given_up(
    tmp_path: Path, path: Path, ids: Path, ring: FileRing, capsys: Screen
) -> None:
    assert run(["key", "rotate"]) == 4
    assert run(["init", "--title", "x"]) == 0
    import_sample(path)
    run(["enroll", "--id-photos", str(ids)])
    capsys.readouterr()
    assert run(["key", "rotate"]) == 0
    assert "2 templates encrypted with the new key" in capsys.readouterr().out
    good = phrase_file(tmp_path)
    assert run(["key", "rotate", "--new-passphrase-file", good]) == 0 and ring.secrets() == {}
    assert run(["key", "rotate", "--passphrase-file", good, "--to-keyring"]) == 0 and len(ring.secrets()) == 1
    assert run(["key", "rotate", "--to-keyring", "--new-passphrase-file", good]) == 2
    (tmp_path / "ring.json").unlink()
    assert run(["key", "rotate"]) == 4
    assert "imgguard key lost" in capsys.readouterr().err
    assert enrolled(path) == ["020411", "020448"]
    assert run(["key", "lost", "--yes"]) == 0
    assert "2 templates deleted" in capsys.readouterr().out and enrolled(path) == []
    assert run(["enroll", "--id-photos", str(ids)]) == 3 and enrolled(path) == ["020411", "020448"]


def test_deleting_asks_first(
    path: Path, ids: Path, ring: FileRing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(["init", "--title", "x"])
    import_sample(path)
    run(["enroll", "--id-photos", str(ids)])
    assert run(["backup", str(tmp_path / "copy")]) == 0
    monkeypatch.setattr("sys.stdin", open(os.devnull, encoding="utf-8"))  # noqa: PTH123, SIM115
    for command in (["key", "lost"], ["forget", "020411"], ["restore", str(tmp_path / "copy")]):
        assert run(command) == 130
    assert enrolled(path) == ["020411", "020448"]


def test_purge_gives_a_receipt_that_can_be_kept(
    tmp_path: Path, path: Path, ids: Path, ring: FileRing, capsys: Screen
) -> None:
    run(["init", "--title", "x"])
    import_sample(path)
    run(["enroll", "--id-photos", str(ids)])
    with Store(path) as store, store.atomic():
        yesterday = date.today() - timedelta(days=1)
        store.change("UPDATE templates SET expires_on = ? WHERE subject_id = '020411'", (yesterday.isoformat(),))
    capsys.readouterr()
    receipt = tmp_path / "receipt.txt"
    assert run(["purge", "--receipt", str(receipt)]) == 0
    assert capsys.readouterr().out == receipt.read_text() and "020411" not in receipt.read_text()
    assert "templates whose last day is over: 1" in receipt.read_text()
    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600
    assert enrolled(path) == ["020448"]
    assert run(["purge", "--receipt", str(receipt)]) == 4, "an earlier receipt is not overwritten"


def test_forget_erases_and_its_receipt_names_nobody(path: Path, ids: Path, ring: FileRing, capsys: Screen) -> None:
    run(["init", "--title", "x"])
    import_sample(path)
    run(["enroll", "--id-photos", str(ids)])
    capsys.readouterr()
    assert run(["forget", "020411", "--yes"]) == 0
    told = capsys.readouterr().out
    assert "templates: 1" in told and "020411" not in told and "Amina" not in told
    assert b"020411" not in path.read_bytes() and b"Amina" not in path.read_bytes()
    assert run(["forget", "020411", "--yes"]) == 4
    assert "zeros included" in capsys.readouterr().err


def test_forget_says_who_is_meant_before_it_erases(
    path: Path, ids: Path, ring: FileRing, capsys: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["init", "--title", "x"])
    import_sample(path)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    capsys.readouterr()
    assert run(["forget", "020411"]) == 130
    assert "Erase 020411 Amina" in capsys.readouterr().err
    assert run(["forget", "Amina", "--yes"]) == 4, "a name erases nobody"
    assert b"020411" in path.read_bytes()


def test_backup_and_restore_bring_back_what_was(
    tmp_path: Path, path: Path, ids: Path, ring: FileRing, capsys: Screen
) -> None:
    run(["init", "--title", "x"])
    import_sample(path)
    run(["enroll", "--id-photos", str(ids)])
    copy = tmp_path / "copy.imgguard"
    assert run(["backup", str(copy)]) == 0
    assert "SHA-256" in capsys.readouterr().out
    assert run(["backup", str(copy)]) == 4
    assert run(["key", "lost", "--yes"]) == 0
    assert enrolled(path) == []
    capsys.readouterr()
    assert run(["restore", str(copy), "--yes"]) == 0
    assert "is kept" in (told := capsys.readouterr().out) or "replaced is" in told
    assert enrolled(path) == ["020411", "020448"]
    import_sample(path)
    assert run(["restore", str(copy), "--yes"]) == 3
    assert "import the newest one" in capsys.readouterr().out
    (tmp_path / "bad").write_bytes(b"nothing of the sort")
    assert run(["restore", str(tmp_path / "bad"), "--yes"]) == 4
    assert enrolled(path) == ["020411", "020448"]


def test_privacy_facts_are_of_the_file_as_it_is(path: Path, ids: Path, ring: FileRing, capsys: Screen) -> None:
    assert run(["privacy-facts"]) == 4
    run(["init", "--title", "Cedar Ridge School"])
    import_sample(path)
    run(["enroll", "--id-photos", str(ids)])
    capsys.readouterr()
    assert run(["privacy-facts"]) == 0
    text = capsys.readouterr().out
    assert "| School | Cedar Ridge School |" in text and "| templates | 2 |" in text and "Amina" not in text
    assert run(["privacy-facts", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {t["table"]: t["rows"] for t in told["tables"]}["templates"] == 2 and told["ok"]
    path.chmod(0o644)
    assert run(["privacy-facts"]) == 3


def test_init_never_deletes_a_school_file_that_somebody_else_has_just_made(
    tmp_path: Path, ring: FileRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "school.imgguard"
    opening = Store.__init__

    def first_somebody_else(self: Store, given: Path) -> None:
        monkeypatch.setattr(Store, "__init__", opening)
        assert run(["init", "--title", "Theirs", "--school", str(path)]) == 0
        opening(self, given)

    monkeypatch.setattr(Store, "__init__", first_somebody_else)
    assert run(["init", "--title", "Mine", "--school", str(path)]) == 4
    with Store(path) as store:
        assert store.query("SELECT title FROM school") == [("Theirs",)]
