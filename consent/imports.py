"""What the school file knows of its imports, the mappings that they used, and what makes a new one doubtful."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from consent import audit
from consent.changes import Change, Kind
from consent.findings import Finding
from consent.layout import Layout, parse_layout
from consent.roster import Roster
from consent.store import Store, now


@dataclass(frozen=True, slots=True)
class Import:
    """An import that was made.

    Attributes:
        roster_id: Its id.
        imported_on: The day, by the clock of then.
        sha256: Digest of the file, hexadecimal.
        layout: The layout that it was read by.
        declared: What the operator said about it.
        people: How many people.
    """

    roster_id: int
    imported_on: date
    sha256: str
    layout: str
    declared: tuple[str, ...]
    people: int


def imports(store: Store) -> tuple[Import, ...]:
    """List the imports, newest first."""
    rows: Any = store.query("SELECT id, imported_at, sha256, layout, declared, people FROM rosters ORDER BY id DESC")
    return tuple(
        Import(roster_id, date.fromisoformat(at[:10]), sha256, layout, tuple(json.loads(declared)), people)
        for roster_id, at, sha256, layout, declared, people in rows
    )


def changes_of(store: Store, roster_id: int) -> tuple[Change, ...]:
    """Give what an import changed."""
    rows: Any = store.query(
        "SELECT subject_id, kind, what FROM roster_changes WHERE roster_id = ? ORDER BY id", (roster_id,)
    )
    return tuple(Change(number, Kind(kind), what) for number, kind, what in rows)


def doubts(store: Store, roster: Roster, on: date) -> Iterator[Finding]:
    """Tell what speaks against importing a roster: dates that cannot be, a clock set back, an older export.

    None of it allows more: a signature of tomorrow is no consent today, and the newest import came last.
    """
    yield from late_signatures(roster, on)
    made = imports(store)
    newest = max((known.imported_on for known in made), default=None)
    if newest and newest > on:
        what = f"the newest import was on {newest}, which is after today ({on}): is the clock set back?"
        yield Finding(roster.path.name, None, f"{what} Consents that have run out may look as if they held")
    rows: Any = store.query("SELECT max(signed_on) FROM consents WHERE signed_on <= ?", (on.isoformat(),))
    known_day = date.fromisoformat(rows[0][0]) if rows and rows[0][0] else None
    last = max((d for d in _signed(roster) if d <= on), default=None)
    if known_day and last and last < known_day:
        what = f"its newest signature is of {last}, the school file's of {known_day}: is it an older export?"
        yield Finding(roster.path.name, None, what)
    if any(known.sha256 == roster.sha256 for known in made[1:]) and made[0].sha256 != roster.sha256:
        yield Finding(roster.path.name, None, "this very file was imported before, and another one since")


def clock_set_back(store: Store, on: date) -> Iterator[Finding]:
    """Tell that the school file was written to later than today; a day is let pass, for its times are those of UTC."""
    rows: Any = store.query(
        "SELECT max(newest) FROM (SELECT max(at) AS newest FROM audit UNION ALL SELECT max(started_at) FROM runs)"
    )
    newest = date.fromisoformat(rows[0][0][:10]) if rows and rows[0][0] else None
    if newest and newest - on > timedelta(1):
        what = f"was last written to on {newest}, which is after today ({on}): is the clock set back?"
        yield Finding(store.path.name, None, f"{what} Consents that have run out may look as if they held")


def late_signatures(roster: Roster, on: date) -> Iterator[Finding]:
    """Tell which rows were signed later than today: the clock is wrong, or the date."""
    rows = sorted(
        {c.source_row for p in roster.subjects.values() for c in p.consents if c.signed_on and c.signed_on > on}
    )
    for row in rows:
        yield Finding(roster.path.name, row, f"signed later than today ({on}): no consent until then")


def same_names(roster: Roster) -> Iterator[Finding]:
    """Tell who has the same name as somebody else: only numbers tell them apart."""
    by_name: dict[str, list[str]] = {}
    for person in roster.subjects.values():
        if person.name:
            by_name.setdefault(" ".join(person.name.casefold().split()), []).append(person.subject_id)
    for numbers in by_name.values():
        if len(numbers) > 1:
            name = roster.subjects[numbers[0]].name
            yield Finding(roster.path.name, None, f"{len(numbers)} people are called {name}: {', '.join(numbers)}")


def _signed(roster: Roster) -> Iterator[date]:
    return (c.signed_on for person in roster.subjects.values() for c in person.consents if c.signed_on)


def save_mapping(store: Store, name: str, content: str) -> None:
    """Keep a mapping under a name, in place of an older one of that name."""
    with store.atomic():
        store.change(
            "INSERT INTO mappings (name, saved_at, content) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET saved_at = excluded.saved_at, content = excluded.content",
            (name, now(), content),
        )
        told = {"sha256": hashlib.sha256(content.encode()).hexdigest()}
        audit.append(store, audit.Kind.MAPPING_SAVED, told)


def saved_mappings(store: Store) -> tuple[Layout, ...]:
    """Give the school's own mappings, by name."""
    rows: Any = store.query("SELECT name, content FROM mappings ORDER BY name")
    return tuple(parse_layout(content, f"{store.path}, mapping {name}") for name, content in rows)
