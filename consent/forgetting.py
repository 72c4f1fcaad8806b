"""Erase what is over, and erase a person everywhere; what was done is told in a receipt that names nobody."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from consent import audit
from consent.aliases import alias_of
from consent.errors import ConsentError, RecordError
from consent.showings import writings_of
from consent.store import Store, now
from consent.templates import drop_disallowed, drop_ended

# What stands where a name stood.
FORGOTTEN = "[forgotten]"
# A shorter piece of a name is looked for as a whole word only: "Li" is in many words.
_PIECE = 4
_NAMED_IN = (("renamed", "source_name"), ("renamed", "published_name"), ("photos", "published_name"))
_TOLD_IN = (("withdrawals", "because"), ("withdrawals", "lifted_because"), ("roster_changes", "what"))
# That something was there stays known, and of whom does not.
_STAYS = ("faces", "overrides", "review_marks")
# What the receipt calls the rows of a table.
_WORDS = {
    "subjects": "entries of the roster",
    "consents": "answers",
    "faces": "faces, which are nobody's now",
    "overrides": "what was said of photos, which names nobody now",
    "review_marks": "what was said of photos under review, which names nobody now",
    "roster_changes": "changes of the roster",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased, to be shown to anybody: it names no one.

    Attributes:
        at: When, UTC.
        what: What was done, in words.
        erased: How many of what.
        notes: What the reader has to know besides.
        entry: Digest of the entry of the audit trail.
        complete: Whether nothing of it is left in the school file.
    """

    at: str
    what: str
    erased: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    entry: str
    complete: bool

    def __str__(self) -> str:
        """Write it as lines of text."""
        counts = [f"  {what}: {count}" for what, count in self.erased]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"{self.what}, {self.at}", *counts, *notes, f"Entry of the audit trail: {self.entry}", ""])


def purge(store: Store, on: date) -> Receipt:
    """Delete the templates whose time is over or whose people may not be recognised, and write the file anew.

    Raises:
        RecordError: if the school file cannot be written.
    """
    with store.atomic():
        erased = (
            ("templates whose last day is over", drop_ended(store, on)),
            ("templates of people who may not be recognised, or are gone", drop_disallowed(store)),
        )
        ((left,),) = store.query("SELECT count(*) FROM templates")
        told = {"ended": erased[0][1], "disallowed": erased[1][1], "left": left}
        entry = audit.append(store, audit.Kind.PURGED, told)
    compacted = _compacted(store)
    notes = (f"Templates that are left: {left}.", *_about_file(store, compacted))
    return Receipt(now(), "Purged", erased, notes, entry.digest, compacted)


def shown_on(store: Store, subject_id: str) -> int:
    """Count the published photos that show somebody: whoever is forgotten cannot be found on them any more."""
    ((count,),) = store.query(
        "SELECT count(DISTINCT output_sha256) FROM photos JOIN faces ON photo_id = photos.id"
        " WHERE subject_id IN (SELECT value FROM json_each(?)) AND verdict = 'keep' AND status = 'published'",
        (json.dumps(sorted(writings_of(store, subject_id))),),
    )
    assert isinstance(count, int)
    return count


def forget(store: Store, subject_id: str) -> Receipt:
    """Erase a person from the school file, in one transaction, and write the file anew.

    What was done stays recorded without telling of whom. The audit trail cannot be edited: it knows people by an alias,
    and what links the alias to the person is erased.

    Raises:
        ConsentError: if the school file does not know the person.
        RecordError: if the school file cannot be written.
    """
    with store.atomic():
        person = _person(store, subject_id)
        alias = alias_of(store, person.subject_id)
        erased = (
            *_erase(store, person.numbers),
            ("texts, in which the name was struck out", _strike(store, person)),
        )
        left = tuple(_still_named(store, person))
        told = {"person": alias, "erased": sum(count for _, count in erased)}
        entry = audit.append(store, audit.Kind.FORGOTTEN, told)
    compacted = _compacted(store)
    notes = (
        *(f"Still named in {place}: {count}." for place, count in left),
        "A roster that still has the person brings them back when it is imported: take them out of its source first.",
        *_about_file(store, compacted),
    )
    return Receipt(now(), "Forgotten: one person", erased, notes, entry.digest, compacted and not left)


@dataclass(frozen=True, slots=True)
class _Person:
    subject_id: str
    given_name: str
    family_name: str
    numbers: tuple[str, ...] = ()


def _person(store: Store, subject_id: str) -> _Person:
    traces = " UNION ".join(
        f"SELECT subject_id FROM {table}"
        for table in ("subjects", "faces", "withdrawals", "aliases", "overrides", "review_marks")
    )
    if not store.query(f"SELECT 1 FROM ({traces}) WHERE subject_id = ?", (subject_id,)):
        raise ConsentError(
            f"{store.path}: nobody has the number {subject_id}", "Give a number as the roster has it, zeros included."
        )
    numbers = tuple(sorted(writings_of(store, subject_id)))
    for number in numbers:
        rows: Any = store.query("SELECT given_name, family_name FROM subjects WHERE subject_id = ?", (number,))
        for given_name, family_name in rows:
            # By the roster's number backups know the person.
            return _Person(number, given_name, family_name, numbers)
    return _Person(subject_id, "", "", numbers)


def _erase(store: Store, numbers: Collection[str]) -> tuple[tuple[str, int], ...]:
    """Delete the rows of a person from every table that has any, those that others hang on last."""
    relied = "DELETE FROM reliances WHERE face_id IN (SELECT id FROM faces WHERE subject_id = ?)"
    steps = [
        ("consents relied on", relied),
        *((_WORDS[table], f"UPDATE {table} SET subject_id = NULL WHERE subject_id = ?") for table in _STAYS),
    ]
    tables: Any = store.query(
        "SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        " AND c.name = 'subject_id' ORDER BY t.name = 'subjects', t.name"
    )
    # A table that is added later must not be forgotten.
    steps += [
        (_WORDS.get(table, table), f'DELETE FROM "{table}" WHERE subject_id = ?')
        for (table,) in tables
        if table not in _STAYS
    ]
    return tuple((what, sum(store.change(sql, (number,)) for number in numbers)) for what, sql in steps)


def _strike(store: Store, person: _Person) -> int:
    """Strike a person out of names of photos, by any piece of the name, and of what is told of others, by all of it."""
    places = [(place, _pattern(person, pieces=True)) for place in _NAMED_IN]
    places += [(place, _pattern(person, pieces=False)) for place in _TOLD_IN]
    changed = 0
    for (table, column), pattern in places:
        if not store.query("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column)):
            continue
        rows: Any = store.query(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL")
        for row, name in rows:
            struck = _without(pattern, name)
            if struck != name:
                changed += store.change(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (struck, row))
    return changed


def _still_named(store: Store, person: _Person) -> Iterator[tuple[str, int]]:
    """Look through every text of the file: a table that is added later must not be forgotten."""
    pattern = _pattern(person, pieces=False)
    tables: Any = store.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    for (table,) in tables:
        columns: Any = store.query("SELECT name FROM pragma_table_info(?) WHERE type = 'TEXT'", (table,))
        for (column,) in columns:
            # Most columns say the same few things in many rows.
            texts: Any = store.query(
                f'SELECT "{column}", count(*) FROM "{table}" WHERE "{column}" IS NOT NULL GROUP BY 1'
            )
            count = sum(rows for text, rows in texts if _found(pattern, text))
            if count:
                yield f"{table}.{column}", count


def _pattern(person: _Person, *, pieces: bool) -> re.Pattern[str]:
    """Give what finds a person in a folded text: the number, both names together, or any piece of them."""
    given, family = ([w for w in re.split(r"[\W_]+", _folded(name)[0]) if w] for name in (
        person.given_name, person.family_name))  # fmt: skip
    words = [_word(_folded(number)[0]) for number in {person.subject_id, *person.numbers}]
    if pieces:
        words += [re.escape(w) if len(w) >= _PIECE else _word(w) for w in (*given, *family)]
    elif given and family:
        first, last = (r"[\W_]*".join(map(re.escape, name)) for name in (given, family))
        words += [rf"{first}[\W_]*{last}", rf"{last}[\W_]*{first}"]
    return re.compile("|".join(words))


def _word(word: str) -> str:
    return rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"


def _found(pattern: re.Pattern[str], text: str) -> bool:
    # Of plain ASCII, folding leaves no more than the case to be changed, which is a hundred times as fast.
    return pattern.search(text.lower() if text.isascii() else _folded(text)[0]) is not None


def _without(pattern: re.Pattern[str], text: str) -> str:
    if not _found(pattern, text):
        return text
    folded, places = _folded(text)
    for match in reversed(list(pattern.finditer(folded))):
        text = text[: places[match.start()]] + FORGOTTEN + text[places[match.end() - 1] + 1 :]
    return text


def _folded(text: str) -> tuple[str, list[int]]:
    """Give a text without case and accents, and for each of its letters the place that it comes from."""
    pairs = [
        (letter, place)
        for place, written in enumerate(text)
        for letter in unicodedata.normalize("NFKD", written.casefold())
        if not unicodedata.combining(letter)
    ]
    return "".join(letter for letter, _ in pairs), [place for _, place in pairs]


def _compacted(store: Store) -> bool:
    """Write the file anew; what was erased is erased, and has its receipt, even where there is no space for that."""
    try:
        return store.compact()
    except RecordError:
        return False


def _about_file(store: Store, compacted: bool) -> Iterator[str]:
    if not compacted:
        yield (
            "The file could not be written anew: another process is reading it, or the disk is full. What was erased "
            "may still be in its log. Close the process or make space, and purge."
        )
    kinds = (audit.Kind.BACKED_UP.value, audit.Kind.RESTORED.value)
    rows = store.query("SELECT count(*), max(at) FROM audit WHERE kind IN (?, ?)", kinds)
    ((count, last),) = rows
    if count:
        yield (
            f"Copies of the file that were made before, as backups or by restoring one (the last on {last}), "
            "still hold what was erased: delete them."
        )
