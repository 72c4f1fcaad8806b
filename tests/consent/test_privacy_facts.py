from __future__ import annotations

import json
import os
import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from consent import Store
from consent.backup import back_up
from consent.privacy_facts import TABLES, Fact, PrivacyFacts, privacy_facts
from consent.templates import save_templates
from tests.conftest import TODAY
from tests.rings import FileRing
from tests.schools import END, PASSPHRASE, reference, sample_school


def value(facts: PrivacyFacts, what: str) -> str:
    return fact(facts, what).value


def fact(facts: PrivacyFacts, what: str) -> Fact:
    (found,) = [f for f in (*facts.place, *facts.biometrics, *facts.key, *facts.never) if f.what.startswith(what)]
    return found


def test_every_table_of_the_schema_is_described_and_no_other(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        there = {name for (name,) in store.query("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert set(TABLES) == there
        assert {table.table for table in privacy_facts(store, TODAY).tables} == there


def test_a_table_that_nobody_described_is_told(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        with store.atomic():
            store.change("CREATE TABLE diary (page BLOB)")
        facts = privacy_facts(store, TODAY)
        assert "| diary | 0 | NOT DESCRIBED |" in facts.as_markdown()
        assert fact(facts, "Columns that could hold") == Fact(
            "Columns that could hold pictures or readable vectors", "diary.page", False
        )
        assert not facts.ok


def test_every_count_is_the_files_own(tmp_path: Path, ring: FileRing) -> None:
    store, vault = sample_school(tmp_path / "school", "020411")
    with store:
        facts = privacy_facts(store, TODAY)
        assert facts.ok
        for table in facts.tables:
            ((rows,),) = store.query(f"SELECT count(*) FROM {table.table}")
            assert table.rows == rows
        assert (value(facts, "People of the roster"), value(facts, "Of them")) == ("14", "12")
        assert value(facts, "People with templates") == "1"
        assert value(facts, "Last days") == "2027-06-30 to 2027-06-30"
        save_templates(store, vault, [reference("020448", expires_on=END - timedelta(days=9))])
        back_up(store, tmp_path / "copy")
        later = privacy_facts(store, END)
        assert value(later, "People with templates") == "2" and value(later, "Copies made") == "1"
        assert value(later, "Over, and not purged yet") == "1 (imgguard purge)" and not later.ok


def test_the_key_is_told_by_its_place_and_parameters_and_never_itself(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "one")
    with store:
        facts = privacy_facts(store, TODAY)
        assert value(facts, "Templates are encrypted with") == "AES-256-GCM"
        assert "tests.rings.FileRing" in value(facts, "Kept in")
        assert next(iter(ring.secrets().values())) not in facts.as_json() + facts.as_markdown()
    store, _ = sample_school(tmp_path / "other", passphrase=PASSPHRASE)
    with store:
        facts = privacy_facts(store, TODAY)
        assert value(facts, "Made of") == "a passphrase by scrypt, n 131072, r 8, p 1"
        assert PASSPHRASE not in facts.as_json()


def test_a_file_without_school_or_key_says_so(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        facts = privacy_facts(store, TODAY)
    assert "imgguard init" in value(facts, "School")
    assert Fact("Key", "none: no template can be stored") in facts.key


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP TRIGGER audit_is_not_cut", "Rules of the file"),
        ("UPDATE templates SET nonce = x''", "Templates that are not"),
        ("UPDATE subjects SET present = 0", "Templates of people who may not"),
        (
            "INSERT INTO audit VALUES (99, 'x', 'withdrawn', '{\"person\":\"020411\"}', 'x', 'x')",
            "Entries of the audit trail with",
        ),
        ("CREATE TABLE thumbnails (photo BLOB)", "Columns that could"),
    ],
    ids=lambda text: text[:24],
)
def test_what_must_never_be_stored_is_looked_for(tmp_path: Path, ring: FileRing, statement: str, what: str) -> None:
    store, _ = sample_school(tmp_path / "school", "020411")
    with store:
        assert fact(privacy_facts(store, TODAY), what).ok, "the control"
        with store.atomic():
            store.change(statement)
        facts = privacy_facts(store, TODAY)
        assert not fact(facts, what).ok and not facts.ok
        assert "(please look)" in facts.as_markdown()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_that_others_can_read_is_told(tmp_path: Path) -> None:
    with Store(tmp_path / "school") as store:
        (tmp_path / "school").chmod(0o644)
        assert value(privacy_facts(store, TODAY), "Who can read it") == "its owner AND OTHERS (mode 0644)"
        (tmp_path / "school").chmod(0o600)
        assert fact(privacy_facts(store, TODAY), "Who can read it").ok


def test_json_and_markdown_tell_the_same_and_no_person(tmp_path: Path, ring: FileRing) -> None:
    store, _ = sample_school(tmp_path / "school", "020411")
    with store:
        with store.atomic():
            store.change("UPDATE school SET title = 'North | South' || char(10) || '# School'")
        facts = privacy_facts(store, TODAY)
        people = [str(name) for row in store.query("SELECT family_name, subject_id FROM subjects") for name in row]
    told = json.loads(facts.as_json())
    assert set(told) == {field.name for field in fields(PrivacyFacts)} | {"ok"}
    text = facts.as_markdown()
    for chapter in ("place", "biometrics", "key", "never"):
        for one in told[chapter]:
            assert one["what"] in text
    assert "| School | North \\| South # School |" in text
    assert not [name for name in people if re.search(rf"\b{re.escape(name)}\b", text + facts.as_json())]
