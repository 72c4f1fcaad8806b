"""Tell what a school file holds, for how long and under which key: the factual part of a privacy impact assessment.

Counts, columns, parameters and permissions are read from the file and its schema as they are. What no file can tell,
what a table is for and when its rows go, stands in `TABLES`, which has an entry for every table.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from consent import audit
from consent.keychain import SERVICE
from consent.school import open_school
from consent.store import Store
from consent.vault import ALGORITHM

_ENCRYPTED = {"templates.nonce", "templates.ciphertext"}
_OF_KEYS = {"keys.nonce", "keys.proof"}


@dataclass(frozen=True, slots=True)
class About:
    """What a table is for.

    Attributes:
        holds: What is in it.
        people: By what it knows people: "names", "student numbers", "aliases", "nobody".
        until: When its rows go.
    """

    holds: str
    people: str
    until: str


_FORGET = "until the person is forgotten"
_FILE = "as long as the file"
TABLES: Mapping[str, About] = {
    "school": About("title of the school, random id, name of its procedure", "nobody", _FILE),
    "policy_options": About("which optional rules of the procedure are switched on", "nobody", _FILE),
    "rosters": About("digest, day and counts of each imported roster", "nobody", _FILE),
    "roster_changes": About("what each import changed, person by person", "student numbers", _FORGET),
    "mappings": About("how columns of the school's exports are read", "nobody", "until saved anew"),
    "subjects": About("people of the roster: name, role, group, birth date, guardians, holds", "names", _FORGET),
    "aliases": About("random numbers by which the audit trail knows people", "student numbers", _FORGET),
    "consents": About("answers of the forms: who signed, when, until when", "names", "until the next import"),
    "withdrawals": About("consents that were taken back, and why in the school's words", "student numbers", _FORGET),
    "destinations": About("accounts and addresses published to, their managers", "names", _FILE),
    "keys": About("where each key is kept, parameters, proof of the right key; no key", "nobody", _FILE),
    "templates": About(
        "encrypted face templates of ID photos and confirmed faces",
        "student numbers",
        "until their last day, then purge",
    ),
    "runs": About("settings of each run; who ran it and signed off, where told", "names", _FILE),
    "photos": About("digests of original and published photo, name of the published file", "file names", _FILE),
    "faces": About("box, score and decision of each face; the number of whom it shows", "student numbers", _FORGET),
    "reliances": About("forms that a shown face relies on: id, row, digest, days", "nobody", _FORGET),
    "overrides": About("what a person changed on a published photo: box, who did, whom it names", "names", _FORGET),
    "reviews": About("folders that are looked through on the page, with their settings", "names", _FILE),
    "review_photos": About("photos of them that were looked at, by digest, and by whom", "names", _FILE),
    "review_marks": About("what was said of faces on them: box, who did, whom it names", "names", _FORGET),
    "releases": About("who released them", "names", _FILE),
    "renamed": About("own and neutral name of photos whose own name told something", "file names", _FORGET),
    "intents": About("the photo that is being published, until its record is there", "names", "until it is recorded"),
    "seen": About("digests of photos and of their places, so that none is read twice", "nobody", _FILE),
    "takedowns": About("published photos that were taken down, and when", "nobody", _FILE),
    "audit": About("what was done and when: ids, digests, counts", "aliases", "never: append-only"),
}


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table: what it is for, and what is in it now."""

    table: str
    rows: int
    holds: str
    people: str
    until: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that can be read from the file; `ok` is False where it is not as it has to be."""

    what: str
    value: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class PrivacyFacts:
    """Everything, by chapter."""

    on: str
    place: tuple[Fact, ...]
    tables: tuple[TableFacts, ...]
    biometrics: tuple[Fact, ...]
    key: tuple[Fact, ...]
    never: tuple[Fact, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it has to be."""
        return all(fact.ok for fact in (*self.place, *self.biometrics, *self.key, *self.never))

    def as_json(self) -> str:
        """Give it as JSON."""
        return json.dumps({**asdict(self), "ok": self.ok}, indent=2, ensure_ascii=False) + "\n"

    def as_markdown(self) -> str:
        """Give it as Markdown."""
        return "\n".join(_markdown(self)) + "\n"


def privacy_facts(store: Store, on: date) -> PrivacyFacts:
    """Read the facts of a school file.

    Args:
        store: The school file.
        on: Today.
    """
    with store.atomic():
        return PrivacyFacts(
            on.isoformat(),
            tuple(_place(store)),
            tuple(_tables(store)),
            tuple(_biometrics(store, on)),
            tuple(_key(store)),
            tuple(_never(store)),
        )


def _place(store: Store) -> Iterator[Fact]:
    school = open_school(store)
    yield Fact("School", school.title if school else "not made yet (imgguard init)", school is not None)
    yield Fact("Procedure", school.policy if school else "none")
    yield Fact("File, on this computer", str(store.path))
    yield Fact("Size in bytes", str(store.path.stat().st_size))
    mode = stat.S_IMODE(store.path.stat().st_mode)
    if os.name == "posix":
        private = not mode & (stat.S_IRWXG | stat.S_IRWXO)
        yield Fact("Who can read it", f"its owner{'' if private else ' AND OTHERS'} (mode {mode:04o})", private)
    else:
        yield Fact("Who can read it", "whom the permissions of its folder allow")
    ((deleting,),) = store.query("PRAGMA secure_delete")
    yield Fact("What is deleted is overwritten", "yes" if deleting else "no", bool(deleting))
    kinds = (audit.Kind.BACKED_UP.value, audit.Kind.RESTORED.value)
    copies = _count(store, "SELECT count(*) FROM audit WHERE kind IN (?, ?)", *kinds)
    yield Fact("Copies made, as backups or by restoring one", str(copies))
    yield Fact("Sent to other computers", "nothing")


def _tables(store: Store) -> Iterator[TableFacts]:
    tables: Any = store.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
    for (table,) in tables:
        about = TABLES.get(table, About("NOT DESCRIBED", "unknown", "unknown"))
        columns: Any = store.query("SELECT name FROM pragma_table_info(?)", (table,))
        names = tuple(name for (name,) in columns)
        yield TableFacts(
            table, _count(store, f'SELECT count(*) FROM "{table}"'), about.holds, about.people, about.until, names
        )


def _biometrics(store: Store, on: date) -> Iterator[Fact]:
    people = _count(store, "SELECT count(*) FROM subjects WHERE present = 1")
    yield Fact("People of the roster", str(people))
    yield Fact("Of them, who may be recognised", str(_count(store, "SELECT count(*) FROM recognisable")))
    yield Fact("People with templates", str(_count(store, "SELECT count(DISTINCT subject_id) FROM templates")))
    yield Fact("Templates", str(_count(store, "SELECT count(*) FROM templates")))
    models: Any = store.query("SELECT DISTINCT model_id FROM templates ORDER BY model_id")
    yield Fact("Made by", ", ".join(model for (model,) in models) or "none")
    ends: Any = store.query("SELECT min(expires_on), max(expires_on) FROM templates")
    ((first, last),) = ends
    yield Fact("Last days on which they may be used", "none" if first is None else f"{first} to {last}")
    over = _count(store, "SELECT count(*) FROM templates WHERE expires_on < ?", on.isoformat())
    yield Fact("Over, and not purged yet", f"{over}{' (imgguard purge)' if over else ''}", not over)


def _key(store: Store) -> Iterator[Fact]:
    yield Fact("Templates are encrypted with", ALGORITHM)
    rows: Any = store.query("SELECT id, kept_in, parameters, made_at FROM keys WHERE retired_at IS NULL")
    for key_id, kept_in, parameters, made_at in rows:
        told = json.loads(parameters)
        school = open_school(store)
        yield Fact("Key", f"{key_id}, made {made_at}")
        if kept_in == "keyring":
            name = f"{school.school_id if school else ''}/{key_id}"
            yield Fact("Kept in", f"keyring of the operating system ({told['backend']}), as {SERVICE} {name}")
        else:
            yield Fact("Made of", f"a passphrase by {told['kdf']}, n {told['n']}, r {told['r']}, p {told['p']}")
    if not rows:
        yield Fact("Key", "none: no template can be stored")
    yield Fact("Keys that were replaced", str(_count(store, "SELECT count(*) FROM keys WHERE retired_at IS NOT NULL")))


def _never(store: Store) -> Iterator[Fact]:
    """What is not in the file: each is looked for in it."""
    binary: Any = store.query(
        "SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c"
        " WHERE t.type = 'table' AND c.type NOT IN ('TEXT', 'INTEGER', 'REAL') ORDER BY 1"
    )
    columns = {column for (column,) in binary}
    other = columns - _ENCRYPTED - _OF_KEYS
    yield Fact("Columns that could hold pictures or readable vectors", ", ".join(sorted(other)) or "none", not other)
    outside = _count(
        store, "SELECT count(*) FROM templates WHERE subject_id NOT IN (SELECT subject_id FROM recognisable)"
    )
    yield Fact("Templates of people who may not be recognised", str(outside), not outside)
    loose = _count(store, "SELECT count(*) FROM templates WHERE length(nonce) <> 12 OR length(ciphertext) < 16")
    yield Fact("Templates that are not encrypted", str(loose), not loose)
    named = _count(
        store,
        "SELECT count(*) FROM audit JOIN subjects ON instr(body, '\"' || subject_id || '\"') > 0",
    )
    yield Fact("Entries of the audit trail with a student number", str(named), not named)
    guards: Any = store.query("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
    names = {name for (name,) in guards}
    missing = sorted(_GUARDS - names)
    yield Fact("Rules of the file itself that are missing", ", ".join(missing) or "none", not missing)


_GUARDS = {"templates_need_consent", "templates_end_with_consent", "audit_is_not_edited", "audit_is_not_cut"}


def _count(store: Store, sql: str, *values: object) -> int:
    ((count,),) = store.query(sql, values)
    assert isinstance(count, int)
    return count


def _markdown(facts: PrivacyFacts) -> Iterator[str]:
    yield f"# What imgguard stores, {facts.on}"
    yield from (
        "",
        "The facts for a privacy impact assessment (British Columbia: FIPPA; Alberta: POPA, formerly FOIP).",
    )
    yield from _chapter("Where, and who can read it", facts.place)
    yield from ("", "## What, how much and until when", "")
    yield from ("| table | rows | what | knows people by | until |", "|---|---|---|---|---|")
    for table in facts.tables:
        yield f"| {table.table} | {table.rows} | {table.holds} | {table.people} | {table.until} |"
    yield from _chapter("Biometrics", facts.biometrics)
    yield from _chapter("Key", facts.key)
    yield from _chapter("Never stored: looked for in this file", facts.never)


def _chapter(title: str, facts: tuple[Fact, ...]) -> Iterator[str]:
    yield from ("", f"## {title}", "", "| what | now |", "|---|---|")
    for fact in facts:
        yield f"| {fact.what} | {_plain(fact.value)}{'' if fact.ok else ' (please look)'} |"


def _plain(text: str) -> str:
    """Keep a title or a path from breaking the table."""
    return " ".join(text.split()).replace("|", "\\|")
