from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import ConsentError, RecordError, Store, audit, read_roster
from consent.aliases import alias_of
from consent.forgetting import FORGOTTEN, Receipt, _folded, _pattern, _Person, _without, forget, purge, shown_on
from consent.people import import_roster
from consent.store import FaceRecord, NewName, PhotoRecord, Reliance, RunRecord
from consent.templates import save_templates
from tests.conftest import SAMPLES, TODAY
from tests.rings import FileRing
from tests.schools import END, begin_run, every_byte, reference, sample_school

NUMBER, OTHER = "020411", "020448"
# The sample roster: Amina Baptiste-Rowe.
WORDS = (NUMBER, "Amina", "Baptiste-Rowe", "baptiste", "AMINA", "amína", "Baptiste_Rowe")
RELIANCE = Reliance("MR-77", "ab" * 32, 2, "2026-09-08", "2027-06-30")


def face(number: str | None, verdict: str = "keep") -> FaceRecord:
    return FaceRecord(1.0, 2.0, 3.0, 4.0, 0.9, "match", 0.7, verdict, "consented", number, "", (RELIANCE,))


def fill(store: Store) -> None:
    """Let the school file tell of a person wherever it can."""
    run = begin_run(store, RunRecord("0.1.0", "yearbook", True, "blur", None, 2, 0.5, {}))
    photo = PhotoRecord("published", None, "11" * 32, "22" * 32, "jpeg", 1, (face(NUMBER), face(OTHER)))
    with store.atomic():
        store.add_photo(run, photo)
        name = NewName("Grade 4/Amina Baptiste_Rowe, AMINA & 020411-Theo.jpg", "photo-0001.jpg")
        store.add_photo(run, replace(photo, output_sha256="33" * 32, new_name=name, faces=(face(None, "cover"),)))
        store.add_photo(run, replace(photo, output_sha256="44" * 32, published_name="amína baptiste.jpg"))
        for number in (NUMBER, OTHER):
            store.insert_row(
                "withdrawals", {"subject_id": number, "withdrawn_on": "2026-11-01", "because": "letter about Amina"}
            )
        store.change("DELETE FROM withdrawals WHERE subject_id = ?", (OTHER,))
        audit.append(store, audit.Kind.WITHDRAWN, {"person": alias_of(store, NUMBER)})
        alias_of(store, OTHER)


def found_in(path: Path) -> set[str]:
    everything = every_byte(path)
    forms = {word: (word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be")) for word in WORDS}
    return {word for word, written in forms.items() if any(form in everything for form in written)}


def test_after_forgetting_no_byte_of_number_or_name_is_in_the_file_or_beside_it(tmp_path: Path, ring: FileRing) -> None:
    path = tmp_path / "school"
    store, _ = sample_school(path, NUMBER, OTHER)
    with store:
        fill(store)
        assert found_in(path) == set(WORDS), "the control: before, all of it is there"
        receipt = forget(store, NUMBER)
        assert found_in(path) == set(), "while the file is open, so with its log"
        assert receipt.complete
    assert found_in(path) == set()
    with Store(path) as store:
        assert store.query("PRAGMA integrity_check") == [("ok",)]
        assert store.query("PRAGMA foreign_key_check") == []


def test_without_writing_the_file_anew_the_name_would_still_be_beside_it(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school", NUMBER)
    with store:
        fill(store)
        with store.atomic():
            store.change("DELETE FROM subjects WHERE subject_id = ?", (NUMBER,))
        assert "Amina" in found_in(tmp_path / "school"), "the control: deleting alone leaves it in the log"


def test_what_others_have_and_what_was_done_stays(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school", NUMBER, OTHER)
    with store:
        fill(store)
        assert shown_on(store, NUMBER) == 2
        before = store.query("SELECT * FROM subjects WHERE subject_id <> ? ORDER BY 1", (NUMBER,))
        forget(store, NUMBER)
        assert shown_on(store, NUMBER) == 0 and shown_on(store, OTHER) == 2
        assert store.query("SELECT * FROM subjects ORDER BY 1") == before
        assert store.query("SELECT DISTINCT subject_id FROM templates") == [(OTHER,)]
        counts = store.query("SELECT count(*), count(subject_id), sum(verdict = 'keep') FROM faces")
        assert counts == [(5, 2, 4)], "the faces are recorded still, but nobody's"
        assert store.query("SELECT count(*) FROM reliances") == [(3,)]
        assert store.query("SELECT count(*) FROM photos") == [(3,)]
        ((own, neutral),) = store.query("SELECT source_name, published_name FROM renamed")
        assert own == f"Grade 4/{FORGOTTEN} {FORGOTTEN}_{FORGOTTEN}, {FORGOTTEN} & {FORGOTTEN}-Theo.jpg"
        assert neutral == "photo-0001.jpg"


def test_a_table_that_is_added_later_is_not_forgotten_and_texts_about_others_are_struck(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
        with store.atomic():
            store.change("CREATE TABLE lent (subject_id TEXT NOT NULL, thing TEXT NOT NULL) STRICT")
            store.insert_row("lent", {"subject_id": NUMBER, "thing": "camera"})
            store.insert_row("lent", {"subject_id": OTHER, "thing": "tripod"})
            because = f"the number may have been {NUMBER}; told by Amina Baptiste-Rowe, not by Amina Okafor"
            row = {"subject_id": OTHER, "withdrawn_on": "2026-11-01", "because": because}
            store.insert_row("withdrawals", row)
        assert forget(store, NUMBER).complete
        assert store.query("SELECT * FROM lent") == [(OTHER, "tripod")]
        struck = f"the number may have been {FORGOTTEN}; told by {FORGOTTEN}, not by Amina Okafor"
        assert store.query("SELECT because FROM withdrawals") == [(struck,)]


def test_the_receipt_and_the_trail_name_nobody_and_the_trail_stays_whole(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school", NUMBER)
    with store:
        fill(store)
        alias = alias_of(store, NUMBER)
        receipt = forget(store, NUMBER)
        assert not [word for word in WORDS if word in str(receipt)] and alias not in str(receipt)
        assert dict(receipt.erased)["templates"] == 1 and dict(receipt.erased)["withdrawals"] == 1
        trail = audit.entries(store)
        assert trail[-1].digest == receipt.entry and receipt.entry in str(receipt)
        assert all(entry.digest == entry.computed() for entry in trail)
        assert json.loads(trail[-1].body)["person"] == alias
        assert not [word for entry in trail for word in WORDS if word in entry.body]
        assert store.query("SELECT 1 FROM aliases WHERE alias = ?", (alias,)) == [], "nobody can tell whose it was"


def test_a_roster_that_still_has_the_person_brings_them_back_as_somebody_new(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school", NUMBER)
    with store:
        alias = alias_of_now(store)
        receipt = forget(store, NUMBER)
        assert any("brings them back" in note for note in receipt.notes)
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
        assert store.query("SELECT present FROM subjects WHERE subject_id = ?", (NUMBER,)) == [(1,)]
        assert store.query("SELECT count(*) FROM templates") == [(0,)]
        assert alias_of_now(store) != alias


def alias_of_now(store: Store) -> str:
    with store.atomic():
        return alias_of(store, NUMBER)


def test_where_somebody_is_still_named_the_receipt_says_so(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school", NUMBER)
    with store:
        run = RunRecord("0.1.0", None, False, "blur", None, 0, None, {}, operator="Amina Baptiste-Rowe")
        begin_run(store, run)
        with store.atomic():
            audit.append(store, audit.Kind.WITHDRAWN, {"person": NUMBER})
        receipt = forget(store, NUMBER)
        assert not receipt.complete
        told = " ".join(receipt.notes)
        assert "runs.operator: 1" in told and "audit.body: 1" in told and "Amina" not in told


@pytest.mark.parametrize(
    ("name", "struck"),
    [
        ("Li.jpg", f"{FORGOTTEN}.jpg"),
        ("Living room.jpg", "Living room.jpg"),
        ("StraßenfestGROßmann.jpg", f"Straßenfest{FORGOTTEN}.jpg"),
        ("grossmann/LI 7.jpg", f"{FORGOTTEN}/{FORGOTTEN} 7.jpg"),
        ("photo 77.jpg", "photo 77.jpg"),
        ("photo 7.jpg", "photo 7.jpg"),
        ("x-7a-7.jpg", "x-7a-7.jpg"),
        ("n-007.jpg", f"n-{FORGOTTEN}.jpg"),
    ],
)
def test_names_of_photos_are_struck_out_whole_words_where_they_are_short(
    tmp_path: Path, name: str, struck: str
) -> None:
    roster = read_roster(SAMPLES / "roster.csv")
    person = replace(roster.subjects[NUMBER], subject_id="007", given_name="Li", family_name="Großmann")
    with Store(tmp_path / "school") as store:
        import_roster(store, replace(roster, subjects={"007": person}))
        run = begin_run(store, RunRecord("0.1.0", None, False, "blur", None, 0, None, {}))
        photo = PhotoRecord("published", None, "11" * 32, "22" * 32, "jpeg", 1, (), NewName(name, "photo-0001.jpg"))
        with store.atomic():
            store.add_photo(run, photo)
        forget(store, "007")
        assert store.query("SELECT source_name FROM renamed") == [(struck,)]


_LETTERS = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Mn", "Nd", "Zs", "Pd", "Po"]), max_size=12)


@given(given_name=_LETTERS, family=_LETTERS, number=st.text("0123456789aB", min_size=1), parts=st.lists(_LETTERS))
def test_whatever_names_a_person_is_struck_and_striking_again_finds_nothing(
    given_name: str, family: str, number: str, parts: list[str]
) -> None:
    person = _Person(number, given_name, family)
    pattern = _pattern(person, pieces=True)
    text = f"{'/'.join(parts)} {given_name.upper()} {family} {number}.jpg"
    struck = _without(pattern, text)
    left = _folded(struck.replace(FORGOTTEN, "\0"))[0]
    assert not pattern.search(left)
    words = re.split(r"[\W_\0]+", left)
    pieces = [piece for name in (given_name, family) for piece in re.split(r"[\W_]+", _folded(name)[0]) if piece]
    assert not {_folded(number)[0], *pieces} & set(words)


def test_nobody_is_forgotten_under_a_number_that_is_not_known(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        import_roster(store, read_roster(SAMPLES / "roster.csv"))
        before = audit.head(store)
        with pytest.raises(ConsentError, match="nobody has the number 20411"):
            forget(store, "20411")
        assert audit.head(store) == before


def test_who_is_only_in_the_record_can_be_forgotten_too(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        run = begin_run(store, RunRecord("0.1.0", None, False, "blur", None, 0, None, {}))
        with store.atomic():
            store.add_photo(run, PhotoRecord("published", None, "11" * 32, "22" * 32, "jpeg", 1, (face("4711"),)))
        assert forget(store, "4711").complete
        assert store.query("SELECT subject_id FROM faces") == [(None,)]


def test_a_crash_while_forgetting_forgets_nothing(
    tmp_path: Path, ring: FileRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = sample_school(tmp_path / "school", NUMBER)
    with store:
        before = list(store._db.iterdump())
        with monkeypatch.context() as patched:
            patched.setattr(audit, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                forget(store, NUMBER)
        assert list(store._db.iterdump()) == before


def test_purging_deletes_what_is_over_and_its_bytes(tmp_path: Path, ring: FileRing) -> None:
    path = tmp_path / "school"
    store, vault = sample_school(path, NUMBER)
    with store:
        save_templates(store, vault, [reference(OTHER, expires_on=TODAY - timedelta(days=1))])
        with store.atomic():
            store.change("UPDATE subjects SET present = 0 WHERE subject_id = ?", (NUMBER,))
        ciphertexts = [bytes(c) for (c,) in store.query("SELECT ciphertext FROM templates")]  # type: ignore[call-overload]
        assert len(ciphertexts) == 2 and all(c in every_byte(path) for c in ciphertexts), "the control"
        receipt = purge(store, TODAY)
        assert [count for _, count in receipt.erased] == [1, 1] and receipt.complete
        assert not [c for c in ciphertexts if c in every_byte(path)]
        assert (tmp_path / "school-wal").stat().st_size == 0
        assert audit.entries(store)[-1].kind == "purged"


def test_purging_keeps_what_may_still_be_used(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school", NUMBER, OTHER)
    with store:
        assert "left: 2" in str(purge(store, END))
        assert "left: 0" in str(purge(store, END + timedelta(days=1)))


def test_a_reader_that_keeps_the_log_is_told(tmp_path: Path, ring: FileRing, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "school"
    store, _ = sample_school(path, NUMBER)
    with store:
        store._db.execute("PRAGMA busy_timeout = 200")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM subjects").fetchall()
        receipt = forget(store, NUMBER)
        assert not receipt.complete and any("another process" in note for note in receipt.notes)
        assert "Amina" in found_in(path), "it would have been untrue to say less"
        reader.close()
        assert purge(store, TODAY).complete
        assert found_in(path) == set()


@pytest.mark.parametrize("typed", [NUMBER, "20411"])
def test_whoever_is_forgotten_is_so_under_a_number_that_had_lost_its_zero(
    tmp_path: Path, ring: FileRing, typed: str
) -> None:
    path = tmp_path / "school"
    store, _ = sample_school(path, NUMBER, OTHER)
    with store:
        run = begin_run(store, RunRecord("0.1.0", "yearbook", True, "blur", None, 2, 0.5, {}))
        photo = PhotoRecord("published", None, "11" * 32, "22" * 32, "jpeg", 1, (face("20411"), face(OTHER)))
        with store.atomic():
            store.add_photo(run, replace(photo, published_name="20411.jpg"))
        assert shown_on(store, typed) == 1
        with store.atomic():
            known_as = alias_of(store, NUMBER)
        assert forget(store, typed).complete
        last = audit.entries(store)[-1]
        assert json.loads(last.body)["person"] == known_as, "backups know the person by it"
        assert store.query("SELECT count(*) FROM subjects WHERE given_name = 'Amina'") == [(0,)]
        assert store.query("SELECT subject_id FROM faces ORDER BY id") == [(None,), (OTHER,)]
        assert store.query("SELECT published_name FROM photos") == [("[forgotten].jpg",)]
    assert b"20411" not in every_byte(path)


@pytest.mark.parametrize("act", [lambda store: forget(store, NUMBER), lambda store: purge(store, TODAY)])
def test_where_the_file_cannot_be_written_anew_the_receipt_is_given_and_tells_it(
    tmp_path: Path, ring: FileRing, monkeypatch: pytest.MonkeyPatch, act: Callable[[Store], Receipt]
) -> None:
    store, _ = sample_school(tmp_path / "school", NUMBER, OTHER)

    def full(self: Store) -> bool:
        raise RecordError("disk full", "")

    monkeypatch.setattr(Store, "compact", full)
    with store:
        receipt = act(store)
    assert not receipt.complete and "disk is full" in str(receipt)
