from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from consent import Store, audit
from consent.existing import open_existing
from consent.publishing import Intent, _on_windows, address_of, note, publish, recover
from consent.school import make_school
from consent.store import FaceRecord, NewName, Override, PhotoRecord, Reliance, RunRecord
from consent.withdrawals import withdraw
from imgguard.output import OutputFolder
from imgguard.parts import remove_left
from tests.conftest import TODAY
from tests.schools import begin_run

RUN = RunRecord("0.1.0", "yearbook", True, "blur", "ab" * 32, 13, 0.58, {"model.onnx": "cd" * 32})
CONTENT = b"the finished bytes"
RELIED = Reliance("form", "ee" * 32, 3, "2026-09-01", "2027-06-30")
FACE = FaceRecord(1.0, 2.0, 3.0, 4.0, 0.9, "match", 0.7, "keep", "consented", "020485", "", (RELIED,))
PHOTO = PhotoRecord(
    "published", None, "11" * 32, hashlib.sha256(CONTENT).hexdigest(), "jpeg", 1, (FACE,), NewName("Ä b.jpg", "a.jpg"),
    "a.jpg", None, (Override("cover", 1.0, 2.0, 3.0, 4.0, None, "K. Reyes", "2026-11-23T10:00:00+00:00"),), "ff" * 32,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "school.imgguard") as store:
        make_school(store, "Cedar Ridge School", "strict")
        assert begin_run(store, RUN) == 1
        with store.atomic():
            audit.append(store, audit.Kind.RUN_BEGUN, {"run": 1})
        yield store


def count(store: Store, table: str) -> object:
    return store.query(f"SELECT count(*) FROM {table}")[0][0]


def told(store: Store) -> list[tuple[object, ...]]:
    """Everything that the record holds of photos, but when it was written."""
    tables = ("photos", "faces", "reliances", "overrides", "renamed")
    columns = {t: [c for (c,) in store.query("SELECT name FROM pragma_table_info(?)", (t,))] for t in tables}
    return [
        row
        for t, names in columns.items()
        for row in store.query(f"SELECT {', '.join(str(n) for n in names if n != 'recorded_at')} FROM {t}")
    ]


@pytest.mark.parametrize("name", ["a.jpg", "ö ü%20#?.jpg", "\udcff.jpg"])
def test_what_a_killed_process_published_is_recorded_as_it_would_have_been(
    store: Store, tmp_path: Path, name: str
) -> None:
    target = tmp_path / name
    intent = Intent(1, address_of(target), PHOTO)
    note(store, intent)
    target.write_bytes(CONTENT)
    assert recover(store) == 1
    assert (count(store, "photos"), count(store, "intents")) == (1, 0)
    with Store(tmp_path / "other.imgguard") as other:
        begin_run(other, RUN)
        assert publish(other, intent, lambda: None)
        assert told(store) == told(other)
    assert recover(store) == 0


@pytest.mark.parametrize("there", [None, b"somebody else's", CONTENT[:-1]])
def test_what_was_not_published_is_forgotten_and_nothing_is_touched(
    store: Store, tmp_path: Path, there: bytes | None
) -> None:
    target = tmp_path / "a.jpg"
    if there is not None:
        target.write_bytes(there)
    note(store, Intent(1, address_of(target), PHOTO))
    assert recover(store) == 0
    assert (count(store, "photos"), count(store, "intents")) == (0, 0)
    assert (target.read_bytes() if target.exists() else None) == there


def test_what_may_not_be_shown_any_more_is_taken_away(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    target.write_bytes(CONTENT)
    note(store, Intent(1, address_of(target), PHOTO))
    withdraw(store, "020485", [], "the family asked", TODAY)
    assert recover(store) == 0
    assert not target.exists() and count(store, "photos") == 0


def test_a_link_in_the_place_of_the_file_is_not_followed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "other.jpg").write_bytes(CONTENT)
    (tmp_path / "a.jpg").symlink_to(tmp_path / "other.jpg")
    note(store, Intent(1, address_of(tmp_path / "a.jpg"), PHOTO))
    assert recover(store) == 0


def test_a_drive_that_cannot_be_read_is_asked_again_later(store: Store, tmp_path: Path) -> None:
    class Unplugged:
        def digest(self, address: str) -> str | None:
            raise OSError("no such device")

        def remove(self, address: str) -> None:
            raise AssertionError

    (tmp_path / "a.jpg").write_bytes(CONTENT)
    note(store, Intent(1, address_of(tmp_path / "a.jpg"), PHOTO))
    assert recover(store, {"file": Unplugged()}) == 0
    assert count(store, "intents") == 1
    assert recover(store) == 1


def test_intents_of_other_places_are_left_for_those_who_know_them(store: Store) -> None:
    note(store, Intent(1, "s3://bucket/a.jpg", PHOTO))
    assert recover(store) == 0
    assert count(store, "intents") == 1


def test_a_process_that_was_taken_for_dead_notes_its_intent_again(store: Store, tmp_path: Path) -> None:
    """Another process looks just between the intent and the publication."""
    target, begun = tmp_path / "a.jpg", []
    real = store.atomic

    def interrupted() -> object:
        if len(begun) == 1:
            with Store(store.path) as other:
                recover(other)
        begun.append(True)
        return real()

    store.atomic = interrupted  # type: ignore[method-assign, assignment]
    assert publish(store, Intent(1, address_of(target), PHOTO), lambda: target.write_bytes(CONTENT) and None)
    assert len(begun) == 4, "noted, not found, noted again, published"
    assert (count(store, "photos"), count(store, "intents")) == (1, 0)


def test_what_fails_while_it_is_published_is_not_recorded(store: Store, tmp_path: Path) -> None:
    def put() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish(store, Intent(1, address_of(tmp_path / "a.jpg"), PHOTO), put)
    assert count(store, "photos") == 0
    assert recover(store) == 0 and count(store, "intents") == 0


def test_whoever_looks_something_up_sees_what_was_published(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(CONTENT)
    note(store, Intent(1, address_of(tmp_path / "a.jpg"), PHOTO))
    with open_existing(store.path) as again:
        assert count(again, "photos") == 1


def test_a_commit_is_on_the_disk_before_it_counts(store: Store) -> None:
    assert store.query("PRAGMA synchronous") == [(2,)], "FULL: NORMAL may lose it when the power fails"


class Ticking:
    """Ends the process at a step, before or after something is done to the disk."""

    def __init__(self, die_at: int) -> None:
        self.steps, self._die_at = 0, die_at

    def tick(self) -> None:
        self.steps += 1
        if self.steps == self._die_at:
            os._exit(9)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def told(*arguments: Any, **named: Any) -> Any:
            self.tick()
            result = function(*arguments, **named)
            self.tick()
            return result

        return told


class TickingDb:
    """A database whose every statement is a step."""

    def __init__(self, db: sqlite3.Connection, ticking: Ticking) -> None:
        self._db, self.execute = db, ticking.around(db.execute)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def publish_until(die_at: int, school: Path, target: Path) -> int:
    """Publish in a process of its own that ends at a step; give that, or how many there are."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading) as told:
            steps = told.read()
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == (9 if die_at else 0)
        return int(steps or die_at)
    try:
        ticking = Ticking(die_at)
        store = Store(school)
        store._db = TickingDb(store._db, ticking)  # type: ignore[assignment]
        for name in ("link", "replace", "fsync", "unlink"):
            setattr(os, name, ticking.around(getattr(os, name)))
        with OutputFolder(target.parent, overwrite=False).publishing(CONTENT, target) as put:
            publish(store, Intent(1, address_of(target), PHOTO), put)
        os.write(writing, str(ticking.steps).encode())
        os._exit(0)
    finally:
        os._exit(1)


@pytest.mark.skipif(os.name == "nt", reason="no fork")
def test_killed_at_any_step_a_photo_is_published_and_recorded_or_neither(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "out" / "a.jpg"
    target.parent.mkdir()
    steps = publish_until(0, store.path, target)
    assert steps > 30
    recovered = []
    for die_at in range(1, steps + 1):
        target.unlink(missing_ok=True)
        with store.atomic():
            store.change("DELETE FROM photos")
        publish_until(die_at, store.path, target)
        before = count(store, "photos")
        recovered.append(recover(store))
        assert count(store, "intents") == 0
        published = target.exists()
        assert count(store, "photos") == int(published), f"killed at step {die_at}"
        assert not published or target.read_bytes() == CONTENT
        assert before == int(published) - recovered[-1]
    assert 1 in recovered, "somewhere the file was there and its record was not"
    assert remove_left([target.parent]) > 0
    assert {path.suffix for path in target.parent.iterdir()} <= {".jpg"}


def test_a_file_on_a_drive_of_the_network_is_found_again_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = pytest.importorskip("nturl2path")
    monkeypatch.setattr("consent.publishing.url2pathname", windows.url2pathname)
    for name in (r"\\server\photos\clean d\a.jpg", r"C:\clean d\a.jpg"):
        assert _on_windows(PureWindowsPath(name).as_uri()) == name
