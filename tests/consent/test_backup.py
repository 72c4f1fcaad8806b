from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from consent import RecordError, Store, audit, read_roster, withdrawals
from consent import backup as backups
from consent.backup import Carried, back_up, restore
from consent.destinations import all_destinations, close
from consent.forgetting import forget
from consent.people import import_roster, stored_roster
from consent.schema import MIGRATIONS
from consent.school import make_school
from consent.school_policy import policy_setting, set_policy
from consent.store import PhotoRecord, RunRecord
from consent.templates import read_templates
from consent.vault import open_vault
from tests.conftest import SAMPLES, TODAY
from tests.consent.published import add_destination
from tests.rings import FileRing
from tests.schools import begin_run, sample_school

NUMBER = "020411"
NOTHING = Carried(0, 0, False)


@pytest.fixture
def school(tmp_path: Path, ring: FileRing) -> Path:
    path = tmp_path / "here" / "school.imgguard"
    sample_school(path, NUMBER, "020448")[0].close()
    return path


def copy_of(school: Path) -> Path:
    target = school.parent.parent / "backup.imgguard"
    with Store(school) as store:
        back_up(store, target)
    return target


def dump(path: Path) -> list[str]:
    """Every row but those that tell of backups."""
    with Store(path) as store:
        rows = (line for line in store._db.iterdump() if line.startswith("INSERT INTO"))
        return sorted(row for row in rows if not row.startswith(('INSERT INTO "audit"', 'INSERT INTO "aliases"')))


def withdraw(path: Path, number: str) -> None:
    with Store(path) as store, store.atomic():
        store.insert_row("withdrawals", {"subject_id": number, "withdrawn_on": "2026-11-01", "because": "letter"})


def neighbours(school: Path) -> list[str]:
    return sorted(p.name for p in school.parent.iterdir() if not p.name.endswith(("-wal", "-shm")))


def test_a_backup_holds_everything_is_one_file_and_the_users_alone(school: Path) -> None:
    before = dump(school)
    target = copy_of(school)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(p.name for p in target.parent.iterdir() if "backup" in p.name) == [target.name]
    assert dump(target) == before
    with Store(school) as store:
        (last,) = [entry for entry in audit.entries(store) if entry.kind == "backed_up"]
        assert str(target) not in last.body


def test_a_backup_overwrites_nothing(school: Path) -> None:
    target = school.parent / "other"
    target.write_text("precious")
    with Store(school) as store, pytest.raises(RecordError, match="a file already"):
        back_up(store, target)
    assert target.read_text() == "precious"
    assert neighbours(school) == ["other", "school.imgguard"], "nor is anything left beside it"


def test_a_backup_that_cannot_be_written_leaves_nothing(school: Path) -> None:
    (school.parent / "file").write_text("")
    with Store(school) as store, pytest.raises(RecordError):
        back_up(store, school.parent / "file" / "copy")
    assert neighbours(school) == ["file", "school.imgguard"]


_WRITER = """
    import sys
    from pathlib import Path
    from consent import Store, audit
    with Store(Path(sys.argv[1])) as store:
        print("ready", flush=True)
        for n in range(100_000):
            with store.atomic():
                store.insert_row("mappings", {"name": f"a{n}", "saved_at": "x", "content": "x" * 3000})
                store.insert_row("mappings", {"name": f"b{n}", "saved_at": "x", "content": "x" * 3000})
                audit.append(store, audit.Kind.PURGED, {"n": n})
"""


def test_a_backup_made_while_another_process_writes_is_of_one_moment(school: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(_WRITER), str(school)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
            counts = []
            for n in range(3):
                target = school.parent / f"copy{n}"
                with Store(school) as store:
                    back_up(store, target)
                with Store(target) as copied:
                    ((firsts, seconds),) = copied.query("SELECT sum(name LIKE 'a%'), sum(name LIKE 'b%') FROM mappings")
                    assert firsts == seconds
                    ((told,),) = copied.query("SELECT count(*) FROM audit WHERE kind = 'purged'")
                    assert told == (firsts or 0)
                    assert copied.query("PRAGMA integrity_check") == [("ok",)]
                    counts.append(told)
            assert writer.poll() is None and counts[-1] > counts[0], "the control: it was writing all the time"
        finally:
            writer.kill()


def test_what_is_restored_is_what_was_backed_up_and_the_replaced_file_is_kept(school: Path) -> None:
    target, before = copy_of(school), dump(school)
    with Store(school) as store, store.atomic():
        store.change("DELETE FROM templates")
    replaced = dump(school)
    assert replaced != before
    done = restore(target, school)
    assert dump(school) == before and done.carried == NOTHING
    assert done.kept is not None and dump(done.kept) == replaced
    assert stat.S_IMODE(done.kept.stat().st_mode) == 0o600
    with Store(school) as store:
        assert len(read_templates(store, open_vault(store), TODAY).stored) == 2
        trail = audit.entries(store)
        assert trail[-1].kind == "restored" and all(entry.computed() == entry.digest for entry in trail)
    assert stat.S_IMODE(school.stat().st_mode) == 0o600


def test_a_backup_is_restored_where_there_is_no_file_and_over_one_that_is_damaged(school: Path) -> None:
    target, before = copy_of(school), dump(school)
    elsewhere = school.parent / "new" / "school.imgguard"
    done = restore(target, elsewhere)
    assert (done.kept, done.carried) == (None, None) and dump(elsewhere) == before
    school.write_bytes(b"overwritten by something else" * 400)
    done = restore(target, school)
    assert done.carried is None and done.kept is not None
    assert done.kept.read_bytes().startswith(b"overwritten")
    assert dump(school) == before


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[20_000:60_000] = b"\xff" * 40_000
    path.write_bytes(content)


def newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()


def edited(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DROP TRIGGER audit_is_not_edited")
        db.execute("UPDATE audit SET body = '{}' WHERE seq = 2")
    db.close()


def other(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE grades (x)")
    db.close()


def orphaned(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM subjects WHERE subject_id = '020411'")
    db.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damaged, "damaged"),
        (orphaned, "damaged"),
        (newer, "made by a newer imgguard"),
        (edited, "audit trail was changed at entry 2"),
        (other, "not a school file"),
        (lambda path: path.write_bytes(b"text" * 1000), "damaged, or no backup"),
        (lambda path: path.write_bytes(b""), "not a school file"),
        (lambda path: path.unlink(), "no such backup"),
    ],
    ids=["damaged", "orphaned", "newer", "edited", "another program's", "text", "empty", "missing"],
)
def test_a_backup_that_is_not_what_it_should_be_is_refused_and_nothing_is_touched(
    school: Path, spoil: object, said: str
) -> None:
    target = copy_of(school)
    before = dump(school)
    spoil(target)  # type: ignore[operator]
    with pytest.raises(RecordError, match=said) as refused:
        restore(target, school)
    assert str(target) in refused.value.what and refused.value.remedy
    assert dump(school) == before and neighbours(school) == ["school.imgguard"]


def test_a_backup_of_another_school_is_refused(school: Path, tmp_path: Path) -> None:
    backup = copy_of(school)
    other = tmp_path / "other.imgguard"
    with Store(other) as store:
        make_school(store, "South School", "strict")
    before = dump(other)
    with pytest.raises(RecordError, match="another school"):
        restore(backup, other)
    assert dump(other) == before
    assert sorted(path.name for path in tmp_path.glob("other.imgguard*replaced*")) == []


def test_the_school_file_is_no_backup_of_itself(school: Path) -> None:
    with pytest.raises(RecordError, match="the school file itself"):
        restore(school, school)


def test_a_withdrawal_since_the_backup_holds_after_restoring_it(school: Path) -> None:
    withdraw(school, "020448")
    target = copy_of(school)
    withdraw(school, NUMBER)
    assert restore(target, school).carried == Carried(1, 0, False)
    with Store(school) as store:
        roster = stored_roster(store)
        assert roster is not None and roster.subjects[NUMBER].withdrawn and roster.subjects["020448"].withdrawn
        assert store.query("SELECT count(*) FROM withdrawals") == [(2,)]


def test_who_was_forgotten_since_the_backup_is_forgotten_again(school: Path) -> None:
    target = copy_of(school)
    assert b"Amina" in target.read_bytes()
    with Store(school) as store:
        forget(store, NUMBER)
    assert restore(target, school).carried == Carried(0, 1, False)
    with Store(school) as store:
        assert store.query("SELECT 1 FROM subjects WHERE subject_id = ?", (NUMBER,)) == []
        assert store.query("SELECT subject_id FROM templates") == [("020448",)]
    assert b"Amina" not in school.read_bytes()
    assert restore(target, school).carried == Carried(0, 1, False), "and when it is restored once more"


def test_an_older_roster_shows_nobody_until_the_newest_is_imported_again(school: Path) -> None:
    target = copy_of(school)
    with Store(school) as store:
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
    assert restore(target, school).carried == Carried(0, 0, True)
    with Store(school) as store:
        roster = stored_roster(store)
        assert roster is not None and not any(person.consents for person in roster.subjects.values())
        assert store.query("SELECT count(*) FROM templates") == [(2,)]


def test_what_was_published_since_the_backup_is_told(school: Path) -> None:
    photo = PhotoRecord("published", None, "11" * 32, "22" * 32, "jpeg", 1, ())
    with Store(school) as store:
        run = begin_run(store, RunRecord("0.1.0", None, False, "blur", None, 0, None, {}))
        with store.atomic():
            store.add_photo(run, photo)
    target = copy_of(school)
    assert restore(target, school).carried == NOTHING, "the control: the backup knows it"
    with Store(school) as store, store.atomic():
        store.add_photo(run, replace(photo, output_sha256="33" * 32))
    assert restore(target, school).carried == Carried(published=1)


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    from consent.schema import APPLICATION_ID

    old = tmp_path / "old"
    with sqlite3.connect(old) as db:
        db.executescript(MIGRATIONS[0])
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    db.close()
    content = old.read_bytes()
    restore(old, tmp_path / "school")
    with Store(tmp_path / "school") as store:
        assert store.query("PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert old.read_bytes() == content


@pytest.mark.parametrize("where", ["_check_copy", "_keep", "_carry", "_note"])
def test_a_crash_while_restoring_leaves_the_school_file_as_it_was(
    school: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    target, before = copy_of(school), dump(school)
    withdraw(target, NUMBER)
    monkeypatch.setattr(backups, where, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        restore(target, school)
    assert dump(school) == before
    assert not [name for name in neighbours(school) if ".part" in name]


def test_a_process_that_has_the_file_open_sees_what_was_restored(school: Path) -> None:
    target = copy_of(school)
    with Store(school) as other_process:
        with other_process.atomic():
            other_process.change("DELETE FROM templates")
        restore(target, school)
        assert other_process.query("SELECT count(*) FROM templates") == [(2,)]
        with other_process.atomic():
            audit.append(other_process, audit.Kind.PURGED, {})
    with Store(school) as store:
        assert store.query("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind everybody")
def test_a_folder_that_cannot_be_written_is_told(school: Path) -> None:
    target = copy_of(school)
    school.parent.chmod(0o500)
    try:
        with pytest.raises(RecordError):
            restore(target, school)
    finally:
        school.parent.chmod(0o700)


def test_a_copy_by_hand_of_a_closed_file_is_a_backup_too(school: Path, tmp_path: Path) -> None:
    before = dump(school)
    shutil.copy(school, tmp_path / "by-hand")
    restore(tmp_path / "by-hand", school)
    assert dump(school) == before


def test_a_withdrawal_since_the_backup_leaves_no_template_in_what_is_restored(school: Path) -> None:
    target = copy_of(school)
    with Store(school) as store:
        withdrawals.withdraw(store, NUMBER, (), "letter", TODAY)
    restore(target, school)
    with Store(school) as store:
        assert store.query("SELECT DISTINCT subject_id FROM templates") == [("020448",)]


def test_a_destination_closed_and_a_procedure_chosen_since_the_backup_hold(school: Path) -> None:
    with Store(school) as store:
        add_destination(store, "Blog")
        add_destination(store, "Website")
    target = copy_of(school)
    with Store(school) as store:
        close(store, "Blog", TODAY)
        set_policy(store, "park-west-ap144", {})
    restore(target, school)
    with Store(school) as store:
        assert {one.name: one.closed_on for one in all_destinations(store)} == {"Blog": TODAY, "Website": None}
        assert policy_setting(store) == ("park-west-ap144", {})
        set_policy(store, "strict", {})
    early, late = target, school.parent / "late.imgguard"
    with Store(school) as store:
        back_up(store, late)
    restore(early, school)
    restore(late, school)
    with Store(school) as store:
        assert policy_setting(store)[0] == "strict"


def test_a_roster_is_outdated_also_where_a_later_one_was_given_its_number(school: Path) -> None:
    """Import numbers are given out again once an earlier backup was restored."""
    first = copy_of(school)
    roster = read_roster(SAMPLES / "roster.csv")
    with Store(school) as store:
        import_roster(store, replace(roster, sha256="aa" * 32))
        second = school.parent / "second.imgguard"
        back_up(store, second)
    restore(first, school)
    with Store(school) as store:
        import_roster(store, replace(roster, sha256="bb" * 32))
    done = restore(second, school)
    assert done.carried is not None and done.carried.outdated
    with Store(school) as store:
        assert store.query("SELECT count(*) FROM consents") == [(0,)]
