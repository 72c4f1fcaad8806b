"""Whatever somebody does to the audit trail is found: by the chain, by a head kept elsewhere, or by the record."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import Purpose, RecordError, Store, audit
from consent.audit import GENESIS, Entry, Kind, entries
from consent.forgetting import forget
from consent.schema import APPLICATION_ID, MIGRATIONS
from consent.takedown import mark_taken_down
from consent.trail import TrailCheck, check_school, check_trail, checked_pin, export_trail, read_trail
from consent.withdrawals import lift, withdraw
from tests.conftest import ROOT, TODAY
from tests.recorded import add_run, face, published, refused

Tamper = Callable[[sqlite3.Connection], object]


@pytest.fixture
def school(tmp_path: Path) -> Path:
    """A school file with two runs: eight entries."""
    path = tmp_path / "school.imgguard"
    with Store(path) as store:
        add_run(store, published(1, face("keep", "020411"), face("cover", None)), refused(2))
        add_run(store, published(3, face("keep", "020448")), published(4))
    return path


def head_of(path: Path) -> str:
    with Store(path) as store:
        newest = audit.head(store)
    assert newest is not None
    return newest.digest


def checked(path: Path, pinned: str | None = None) -> TrailCheck:
    with Store(path) as store:
        return check_school(store, pinned)


def tampered(path: Path, change: Tamper, *, keep_guards: bool = True) -> None:
    """Change the file as somebody would who can write it and knows SQL; the guards are put back afterwards."""
    with sqlite3.connect(path) as db:
        guards = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        ).fetchall()
        for name, _ in guards:
            db.execute(f"DROP TRIGGER {name}")
        change(db)
        for _, sql in guards if keep_guards else ():
            db.execute(sql)
    db.close()


def sql(*statements: str) -> Tamper:
    return lambda db: [db.execute(statement) for statement in statements]


def test_a_trail_that_nobody_touched_is_whole(school: Path) -> None:
    found = checked(school, head_of(school))
    assert (found.ok, found.entries, found.pinned_at, found.remarks) == (True, 8, 8, ())
    assert found.head == head_of(school)


def test_the_digest_is_what_anybody_can_compute(school: Path) -> None:
    with Store(school) as store:
        trail = entries(store)
    assert trail[0].prev == GENESIS == "0" * 64
    for entry in trail:
        told = json.dumps([entry.seq, entry.at, entry.kind, entry.body, entry.prev])
        assert hashlib.sha256(told.encode()).hexdigest() == entry.digest


@pytest.mark.parametrize("statement", ["UPDATE audit SET body = '{}' WHERE seq = 2", "DELETE FROM audit WHERE seq = 8"])
def test_the_file_itself_refuses_to_edit_and_cut(school: Path, statement: str) -> None:
    with Store(school) as store, pytest.raises(RecordError, match="append-only"), store.atomic():
        store.change(statement)
    assert checked(school).ok


FOUND_BY_THE_CHAIN = {
    "edit body": sql("""UPDATE audit SET body = replace(body, '"keep":1', '"keep":0') WHERE seq = 2"""),
    "edit kind": sql("UPDATE audit SET kind = 'refused' WHERE seq = 2"),
    "edit time": sql("UPDATE audit SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 5"),
    "edit seq": sql("UPDATE audit SET seq = 99 WHERE seq = 4"),
    "edit seq of the last": sql("UPDATE audit SET seq = 9 WHERE seq = 8"),
    "edit prev": sql("UPDATE audit SET prev = digest WHERE seq = 6"),
    "edit digest": sql(f"UPDATE audit SET digest = '{'0' * 64}' WHERE seq = 8"),
    "delete the first": sql("DELETE FROM audit WHERE seq = 1"),
    "delete the first and close the gap": sql(
        "DELETE FROM audit WHERE seq = 1", "UPDATE audit SET seq = -seq", "UPDATE audit SET seq = -seq - 1"
    ),
    "delete a middle one": sql("DELETE FROM audit WHERE seq = 4"),
    "delete a middle one and close the gap": sql(
        "DELETE FROM audit WHERE seq = 7", "UPDATE audit SET seq = 7 WHERE seq = 8"
    ),
    "swap two": sql(
        "UPDATE audit SET seq = -3 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 6",
        "UPDATE audit SET seq = 6 WHERE seq = -3",
    ),
    "insert one": sql(
        "UPDATE audit SET seq = 9 WHERE seq = 8",
        "INSERT INTO audit SELECT 8, at, kind, body, digest, digest FROM audit WHERE seq = 7",
    ),
    "append one": sql("INSERT INTO audit SELECT 9, at, kind, body, digest, digest FROM audit WHERE seq = 8"),
}  # fmt: skip


@pytest.mark.parametrize("change", FOUND_BY_THE_CHAIN.values(), ids=FOUND_BY_THE_CHAIN)
def test_the_chain_finds_it(school: Path, change: Tamper) -> None:
    tampered(school, change)
    with Store(school) as store:
        assert not check_trail(entries(store)).ok


def rewritten(db: sqlite3.Connection, change: Callable[[list[Entry]], list[Entry]]) -> None:
    """Write the trail anew after a change, so that it fits together again."""
    rows = db.execute("SELECT seq, at, kind, body, prev, digest FROM audit ORDER BY seq").fetchall()
    db.execute("DELETE FROM audit")
    prev = GENESIS
    for seq, entry in enumerate(change([Entry(*row) for row in rows]), 1):
        anew = replace(entry, seq=seq, prev=prev)
        prev = anew.computed()
        values = (anew.seq, anew.at, anew.kind, anew.body, anew.prev, prev)
        db.execute("INSERT INTO audit (seq, at, kind, body, prev, digest) VALUES (?, ?, ?, ?, ?, ?)", values)


FOUND_BY_THE_HEAD_ALONE = {
    "cut the end off": lambda trail: trail[:-2],
    "cut everything": lambda trail: [],
    "remove one": lambda trail: trail[:3] + trail[4:],
    "edit a time": lambda trail: [replace(trail[0], at="2020-01-01T00:00:00+00:00"), *trail[1:]],
    "swap two": lambda trail: [trail[1], trail[0], *trail[2:]],
    "insert one": lambda trail: [*trail[:5], trail[4], *trail[5:]],
}


@pytest.mark.parametrize("change", FOUND_BY_THE_HEAD_ALONE.values(), ids=FOUND_BY_THE_HEAD_ALONE)
def test_a_trail_written_anew_is_found_by_a_head_kept_elsewhere_and_only_by_it(
    school: Path, change: Callable[[list[Entry]], list[Entry]]
) -> None:
    pinned = head_of(school)
    tampered(school, lambda db: rewritten(db, change))
    with Store(school) as store:
        trail = entries(store)
    assert check_trail(trail).ok, "the control: the chain alone cannot know"
    found = check_trail(trail, pinned)
    assert "the pinned head is not in the trail" in found.faults[-1] and found.pinned_at is None


def test_a_chain_that_fits_together_and_skips_a_number_is_found(school: Path) -> None:
    with Store(school) as store:
        first, _, third, *_ = entries(store)
    third = replace(third, prev=first.digest)
    third = replace(third, digest=third.computed())
    assert check_trail([first, third]).faults == ("entry 3 is where entry 2 belongs (place 2)",)


def test_entries_that_are_right_by_themselves_and_not_chained_are_found(school: Path) -> None:
    with Store(school) as store:
        first, _, third, *_ = entries(store)
    second = replace(third, seq=2)
    second = replace(second, digest=second.computed())
    (fault,) = check_trail([first, second]).faults
    assert "entry 2 does not follow on entry 1" in fault
    first = replace(first, prev="1" * 64)
    (fault,) = check_trail([replace(first, digest=first.computed())]).faults
    assert "entry 1 does not follow on the beginning" in fault


class _Interrupted(Store):
    """A school file that something else tries to write to whenever it was read."""

    other: Store

    def query(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        rows = super().query(sql, values)
        with suppress(RecordError):
            add_run(self.other, published(9))
        return rows


def test_a_run_that_writes_during_the_check_looks_like_no_fault(school: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consent.store._BUSY_S", 0)
    with Store(school) as other, _Interrupted(school) as store:
        store.other = other
        assert check_school(store).ok
        store.query("SELECT 1")
        assert len(entries(other)) > 8, "the control: the other did write when nothing kept it from it"


def test_a_head_stays_good_while_the_trail_grows(school: Path) -> None:
    pinned = head_of(school)
    with Store(school) as store:
        add_run(store, published(5))
    found = checked(school, pinned)
    assert (found.ok, found.pinned_at, found.entries) == (True, 8, 11)


def test_an_older_backup_put_in_place_is_found_by_the_head(school: Path, tmp_path: Path) -> None:
    older = shutil.copy(school, tmp_path / "older")
    with Store(school) as store:
        add_run(store, published(5))
    pinned = head_of(school)
    assert not checked(Path(older), pinned).ok and checked(Path(older)).ok


def test_a_restored_backup_is_told_of(school: Path) -> None:
    with Store(school) as store, store.atomic():
        audit.append(store, Kind.RESTORED, {"backup": "ab" * 32})
    found = checked(school)
    assert found.ok and "a backup was restored" in found.remarks[0]


def test_a_clock_that_was_set_back_is_told_of_and_is_no_fault(school: Path) -> None:
    later = lambda trail: [replace(trail[0], at="2999-01-01T00:00:00+00:00"), *trail[1:]]  # noqa: E731
    tampered(school, lambda db: rewritten(db, later))
    found = checked(school)
    assert found.ok and "entry 2" in found.remarks[0] and "clock" in found.remarks[0]


def test_guards_that_were_taken_away_are_missed(school: Path) -> None:
    tampered(school, lambda db: None, keep_guards=False)
    assert [fault.split()[4] for fault in checked(school).faults] == ["audit_is_not_edited", "audit_is_not_cut"]


FOUND_BY_THE_RECORD = {
    "a photo is gone": (sql("DELETE FROM photos WHERE id = 1"), "the record of photo 1 is gone"),
    "a face is gone": (sql("DELETE FROM faces WHERE id = 2"), "photo 1 is not what the trail"),
    "a face was kept": (sql("UPDATE faces SET verdict = 'cover' WHERE id = 1"), "photo 1 is not what the trail"),
    "another file": (sql("UPDATE photos SET output_sha256 = 'ff' WHERE id = 3"), "photo 3 is not what the trail"),
    "another original": (sql("UPDATE photos SET source_sha256 = 'ff' WHERE id = 2"), "photo 2 is not what the trail"),
    "one too many": (
        sql("INSERT INTO photos SELECT 9, 2, recorded_at, status, refusal, source_sha256, output_sha256, format,"
            " rounds, published_name, replaces, decided_by, source_place, target_place FROM photos WHERE id = 3"),
        "the trail does not tell of photo 9",
    ),
    "a run is gone": (sql("PRAGMA foreign_keys = OFF", "DELETE FROM runs WHERE id = 2"), "the record of run 2 is gone"),
    "a run too many": (
        sql("INSERT INTO runs (started_at, imgguard_version, recognition, style, gallery_size, models)"
            " VALUES ('', '', 0, '', 0, '{}')"),
        "the trail does not tell of run 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "told"), FOUND_BY_THE_RECORD.values(), ids=FOUND_BY_THE_RECORD)
def test_a_record_that_is_not_what_the_trail_tells_is_found(school: Path, change: Tamper, told: str) -> None:
    tampered(school, change)
    assert any(told in fault for fault in checked(school).faults)


def test_a_body_that_is_no_json_is_a_fault_and_no_crash(school: Path) -> None:
    tampered(school, sql("UPDATE audit SET body = '[' WHERE seq = 2", "UPDATE audit SET body = '7' WHERE seq = 1"))
    assert len(checked(school).faults) >= 2


def test_runs_that_are_older_than_the_trail_are_a_remark(tmp_path: Path) -> None:
    path = tmp_path / "record"
    with sqlite3.connect(path) as db:
        db.executescript(MIGRATIONS[0])
        db.execute(
            "INSERT INTO runs (started_at, imgguard_version, recognition, style, gallery_size, models)"
            " VALUES ('2026-01-01', '0.1', 0, 'blur', 0, '{}')"
        )
        db.execute(
            "INSERT INTO photos (run_id, recorded_at, status, output_sha256, rounds)"
            " VALUES (1, '2026-01-01', 'published', 'ab', 1)"
        )
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with Store(path) as store:
        add_run(store, published(1))
    found = checked(path)
    assert found.ok and "older than the trail" in found.remarks[0] and found.remarks[0].endswith(": 1")


_APPEND = """
import sys
from pathlib import Path
from consent import Store, audit
with Store(Path(sys.argv[1])) as store:
    for _ in range(40):
        with store.atomic():
            audit.append(store, audit.Kind.PURGED, {"process": int(sys.argv[2])})
"""


def test_processes_that_append_at_once_keep_one_chain(school: Path) -> None:
    command = [sys.executable, "-c", _APPEND, str(school)]
    running = [subprocess.Popen([*command, str(number)], cwd=ROOT) for number in range(3)]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    found = checked(school)
    assert (found.ok, found.entries) == (True, 8 + 3 * 40)
    with Store(school) as store:
        writers = [entry.body for entry in entries(store)[8:]]
    assert sum(one != other for one, other in pairwise(writers)) >= 2


def test_an_entry_is_kept_only_together_with_what_it_tells_of(school: Path) -> None:
    with Store(school) as store:
        with pytest.raises(RuntimeError), store.atomic():
            audit.append(store, Kind.PURGED, {"ended": 1})
            raise RuntimeError
        assert len(entries(store)) == 8


def test_a_trail_is_checked_without_the_school_file(school: Path, tmp_path: Path) -> None:
    with Store(school) as store:
        trail = entries(store)
    file = tmp_path / "trail.jsonl"
    file.write_text(export_trail(trail))
    assert read_trail(file) == trail and check_trail(read_trail(file), head_of(school)).pinned_at == 8
    lines = file.read_text().splitlines(keepends=True)
    for changed in (lines[1:], lines[:3] + lines[4:], [lines[1], lines[0], *lines[2:]], [*lines, lines[-1]]):
        file.write_text("".join(changed))
        assert not check_trail(read_trail(file)).ok
    file.write_text("".join(lines).replace("park", "pork").replace("school_website", "yearbook", 1))
    assert "entry 1 was edited" in check_trail(read_trail(file)).faults[0]


@pytest.mark.parametrize("bad", ["no json", "[]", "{}", '{"seq": 1}', "1" * 9000, "[" * 100_000, '{"seq": true}'])
def test_a_line_that_is_no_entry_is_named(school: Path, tmp_path: Path, bad: str) -> None:
    with Store(school) as store:
        text = export_trail(entries(store)[:2])
    (tmp_path / "trail.jsonl").write_text(f"{text}{bad}\n")
    with pytest.raises(RecordError, match="line 3 is no entry"):
        read_trail(tmp_path / "trail.jsonl")


def test_a_file_that_is_no_text_is_no_trail(tmp_path: Path) -> None:
    (tmp_path / "trail").write_bytes(b"\xff\xfe\x00")
    for name in ("trail", "nowhere"):
        with pytest.raises(RecordError, match="cannot be read"):
            read_trail(tmp_path / name)


def test_a_head_may_be_typed_with_blanks_and_capitals_and_must_be_long_enough() -> None:
    digest = hashlib.sha256(b"").hexdigest()
    typed = " ".join(digest[n : n + 8] for n in range(0, 64, 8)).upper()
    assert checked_pin(typed) == digest and checked_pin(digest[:32]) == digest[:32]
    for wrong in (digest[:31], digest + "0", "g" * 64, ""):
        with pytest.raises(RecordError, match="audit head"):
            checked_pin(wrong)


@st.composite
def trails(draw: st.DrawFn) -> list[Entry]:
    prev, trail = GENESIS, []
    for seq in range(1, draw(st.integers(1, 12)) + 1):
        kind, body = draw(st.sampled_from(list(Kind))).value, json.dumps({"n": draw(st.integers(0, 3))})
        entry = Entry(seq, f"2026-11-{seq:02}T08:00:00+00:00", kind, body, prev, "")
        trail.append(replace(entry, digest=entry.computed()))
        prev = trail[-1].digest
    return trail


@given(trails(), st.data())
def test_any_one_change_of_any_trail_is_found(trail: list[Entry], data: st.DataObject) -> None:
    pinned = trail[-1].digest
    assert check_trail(trail, pinned).ok
    at = data.draw(st.integers(0, len(trail) - 1))
    field = data.draw(st.sampled_from(["seq", "at", "kind", "body", "prev", "digest", "gone", "twice"]))
    changed = list(trail)
    if field == "gone":
        del changed[at]
    elif field == "twice":
        changed.insert(at, changed[at])
    else:
        value: object = getattr(trail[at], field)
        changed[at] = replace(trail[at], **{field: value + 1 if isinstance(value, int) else f"{value} "})
    assert not check_trail(changed, pinned).ok


@given(trails(), st.data())
def test_any_other_order_is_found(trail: list[Entry], data: st.DataObject) -> None:
    order = data.draw(st.permutations(trail))
    assert check_trail(order).ok == (list(order) == trail)


WITHDRAWN = {
    "the withdrawal is gone": (sql("DELETE FROM withdrawals"), "a withdrawal that entry"),
    "it was lifted behind the back": (
        sql("UPDATE withdrawals SET lifted_on = '2026-11-01', lifted_because = ''"), "a withdrawal that entry",
    ),
    "it is for less": (sql("UPDATE withdrawals SET purpose = 'newsletter'"), "a withdrawal that entry"),
    "a file was ticked off that nobody took down": (
        sql("INSERT INTO takedowns VALUES (3, '2026-11-01')"), "that photo 3 was taken down",
    ),
    "a body that lists nothing": (sql("UPDATE audit SET body = '{\"purposes\":7}' WHERE kind = 'withdrawn'"), "edited"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "told"), WITHDRAWN.values(), ids=WITHDRAWN)
def test_a_withdrawal_or_a_take_down_that_is_not_what_the_trail_tells_is_found(
    school: Path, change: Tamper, told: str
) -> None:
    with Store(school) as store:
        withdraw(store, "020411", (), "letter", TODAY)
        withdraw(store, "020448", (), "letter", TODAY)
        lift(store, "020448", [Purpose.YEARBOOK], "new form", TODAY)
        forget(store, "020448")
        ((first,),) = store.query("SELECT output_sha256 FROM photos WHERE id = 1")
        mark_taken_down(store, [str(first)], TODAY)
    assert checked(school).ok, "the control"
    tampered(school, change)
    assert any(told in fault for fault in checked(school).faults)
