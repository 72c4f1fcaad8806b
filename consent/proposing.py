"""Propose student numbers for an export that has only names. A name never joins anybody: a person confirms each row."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from consent.errors import RosterError
from consent.layout import Layout
from consent.model import Subject
from consent.roster import Table
from consent.tables import write_table
from consent.values import heading_key

CONFIRMED, PROPOSED, BECAUSE = "confirmed", "proposed_number", "because"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What number a row may have.

    Attributes:
        row: The row of the file.
        number: The number; empty where nobody has the name, or more than one.
        because: Why, for the person who confirms it.
    """

    row: int
    number: str
    because: str


def propose(table: Table, layout: Layout, people: Iterable[Subject]) -> tuple[Proposal, ...]:
    """Look for the name of each row among people whose numbers are known.

    Raises:
        RosterError: if the layout has no column for names.
    """
    at = {heading_key(heading): place for place, heading in enumerate(table.header) if heading}
    places = [_place(layout, field, at) for field in ("first_name", "last_name", "name")]
    if all(place is None for place in places):
        raise RosterError(f"{table.path}: no column holds the student's name", "Say which one: --column name=HEADING.")
    known: dict[tuple[str, ...], list[Subject]] = defaultdict(list)
    for person in people:
        known[_words(person.name)].append(person)
    return tuple(_proposal(row, _name(cells, places), known) for row, cells in table.rows)


def proposed_table(table: Table, proposals: Sequence[Proposal]) -> str:
    """Give the export again as CSV, with a column to write "yes" into for each proposal that is right."""
    header = (CONFIRMED, PROPOSED, BECAUSE, *table.header)
    rows = zip(proposals, table.rows, strict=True)
    return write_table(header, (("", p.number, p.because, *cells) for p, (_, cells) in rows))


def _place(layout: Layout, field: str, at: Mapping[str, int]) -> int | None:
    return next((at[heading_key(h)] for h in layout.fields.get(field, ()) if heading_key(h) in at), None)


def _name(cells: Sequence[str], places: Sequence[int | None]) -> str:
    return " ".join(cells[place] for place in places if place is not None and place < len(cells))


def _proposal(row: int, name: str, known: Mapping[tuple[str, ...], list[Subject]]) -> Proposal:
    words = _words(name)
    found = known.get(words, []) if words else []
    if len(found) == 1:
        group = f", {found[0].group}" if found[0].group else ""
        return Proposal(row, found[0].subject_id, f"{found[0].name}{group}")
    return Proposal(row, "", f"{len(found)} people have this name" if found else "nobody has this name")


def _words(name: str) -> tuple[str, ...]:
    """Give what two ways of writing a name have in common: case, accents, commas and which name comes first."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return tuple(sorted(plain.split()))
