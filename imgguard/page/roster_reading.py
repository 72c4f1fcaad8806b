"""Read an upload as it stands on the form, and tell what importing it would change, before anything is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from consent.answers import Answers, answer_counts
from consent.changes import Change, Kind, Renumbering
from consent.errors import RosterError
from consent.findings import Told, together
from consent.imports import doubts, imports, same_names, saved_mappings
from consent.layout import Layout
from consent.mapping import Declared, applied, saved_mapping
from consent.meanings import stripped
from consent.model import Subject
from consent.people import changes_by, present_people
from consent.rechecking import Gone, recheck
from consent.roster import Roster, Table, find_table, read_roster, unknown_table
from consent.showings import showings
from consent.store import Store
from imgguard.page.roster_uploads import Draft, Said
from imgguard.today import policies_behind

MOST_SHOWN = 100
# What takes something away comes first.
_ORDER = (
    Kind.LOST, Kind.VANISHED, Kind.HELD, Kind.NOT_RECOGNISED, Kind.RELEASED, Kind.GAINED, Kind.RECOGNISED, Kind.NEW,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """An upload that was read.

    Attributes:
        table: The table that was found in it.
        roster: The people; None where it cannot be read as it stands.
        mapping: What was said on the form, as a mapping for next year; None where nothing was.
        problem: Why it cannot be read; None where it can.
    """

    table: Table
    roster: Roster | None
    mapping: Layout | None
    problem: RosterError | None


def read_draft(draft: Draft, content: bytes, store: Store) -> Read:
    """Read an upload as it stands on the form.

    Raises:
        RosterError: if there is no table in it at all.
    """
    path, mappings = Path(draft.name), saved_mappings(store)
    chosen = Declared(layout=draft.layout, sheet=draft.sheet)
    problem: RosterError | None = None
    try:
        table = find_table(path, chosen, mappings=mappings, content=content)
    except RosterError as error:
        table, problem = unknown_table(path, draft.sheet, content=content), error
    try:
        if draft.said is not None:
            mapping = mapping_of(table, draft.said)
            return Read(table, _by_mapping(path, draft, mapping, content), mapping, None)
        if problem is None:
            return Read(table, read_roster(path, chosen, mappings=mappings, content=content), None, None)
    except RosterError as error:
        problem = error
    return Read(table, None, None, problem)


def mapping_of(table: Table, said: Said) -> Layout:
    """Give what was said on the form as a mapping of the school's own.

    Raises:
        RosterError: if something was said that cannot be.
    """
    layout = stripped(table.fit.layout, table.header, said.known)
    return saved_mapping(said.name or table.path.stem, applied(layout, said.declared), table.header)


def _by_mapping(path: Path, draft: Draft, mapping: Layout, content: bytes) -> Roster:
    assert draft.said is not None
    rest = replace(draft.said.declared, mapping=mapping, sheet=draft.sheet, columns={}, asks={}, values={})
    return read_roster(path, replace(rest, permissions=None), content=content)


@dataclass(frozen=True, slots=True)
class Group:
    """The people for whom the same changes.

    Attributes:
        kind: What.
        changes: The first of them.
        count: How many there are.
    """

    kind: Kind
    changes: tuple[Change, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What importing a roster would do.

    Attributes:
        after: The import that it would follow; 0 where it is the first.
        people: How many people it has.
        answers: What they answer, by purpose.
        held: Who is never to be published.
        unrecognised: Who may not be recognised.
        findings: What a person should look at.
        groups: What changes for whom.
        renumbered: Numbers that may be one person's.
        joined: Numbers that were taken for known ones, with how they are written.
        names: Names by number.
        lapsed: Published photos that would show somebody without a consent that holds.
    """

    after: int
    people: int
    answers: tuple[Answers, ...]
    held: int
    unrecognised: int
    findings: tuple[Told, ...]
    groups: tuple[Group, ...]
    renumbered: tuple[Renumbering, ...]
    joined: Mapping[str, str]
    names: Mapping[str, str]
    lapsed: int


def effect_of(store: Store, roster: Roster, on: date) -> Effect:
    """Tell what importing a roster would do, without importing it."""
    difference, people, joined = changes_by(store, roster, on)
    before = present_people(store)
    return Effect(
        after=newest_import(store),
        people=len(people),
        answers=answer_counts(roster, on),
        held=sum(bool(person.holds) for person in people.values()),
        unrecognised=sum(not person.biometric_ok for person in people.values()),
        findings=together((*same_names(roster), *roster.unanswered(), *roster.findings, *doubts(store, roster, on))),
        groups=_grouped(difference.changes),
        renumbered=difference.renumbered,
        joined=joined,
        names={number: person.name for number, person in {**before, **people}.items()},
        lapsed=_lapsed(store, people, on),
    )


def newest_import(store: Store) -> int:
    """Give the number of the newest import; 0 where there is none."""
    made = imports(store)
    return made[0].roster_id if made else 0


def fingerprint(draft: Draft, content: bytes) -> str:
    """Give what stands for an upload with everything that was said about it: what was looked at is what is imported."""
    return hashlib.sha256(content + draft.version.encode()).hexdigest()


def _grouped(changes: tuple[Change, ...]) -> tuple[Group, ...]:
    ordered = sorted(changes, key=lambda change: _ORDER.index(change.kind))
    groups = ((kind, tuple(found)) for kind, found in groupby(ordered, attrgetter("kind")))
    return tuple(Group(kind, found[:MOST_SHOWN], len(found)) for kind, found in groups)


def _lapsed(store: Store, people: Mapping[str, Subject], on: date) -> int:
    everything = showings(store)
    lapses = recheck(everything, people, on, policies=policies_behind(store, everything))
    return len({lapse.showing.file.photo_id for lapse in lapses if lapse.gone is not Gone.EXPIRES_SOON})
