"""Settle what each column of a table is, before any row is read: by the layout, and never by guessing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from consent.asking import Asked, Slot, asked_of
from consent.dates import settled_order
from consent.errors import RosterError
from consent.layout import EVERY, FIELDS, FLAGS, Layout, Question, spread
from consent.model import ASKED_PURPOSES, Aspect, Hold, Purpose
from consent.recognise import Rows
from consent.rows import Reading
from consent.values import heading_key, value_key

# Headings of columns that hold people back, whatever the export; what is in them must not be left out unread.
_HOLDS = re.compile(
    r"(^|_)(court|custody|custodial|dnp|(no|do_not)_(photo|media|publi|pictur|image)\w*)(_|\W|$)|^(\w+_){0,3}"
    r"(opt_?out|refused|refusal|withdrawn|withdrawal|revoked|objection)\W*$"
)
_NOT_HELD = dict.fromkeys(("no", "n", "none", "false", "0"), "no")


def prepare(path: Path, sha256: str, layout: Layout, header: Sequence[str], rows: Rows) -> Reading:
    """Settle how the rows of a table are read.

    Args:
        path: The file.
        sha256: Its digest.
        layout: The layout that it fits.
        header: Its headings, each once.
        rows: The rows below.

    Raises:
        RosterError: if a heading that matters stands twice, nothing holds the number, or dates could be two days.
    """
    at = {heading_key(heading): place for place, heading in enumerate(header) if heading}
    places = {name: place for name in FIELDS if (place := _place(layout, name, at)) is not None}
    confirmed_at = None
    if "number" not in places and {"proposed_number", "confirmed"} <= at.keys():
        places["number"], confirmed_at = at["proposed_number"], at["confirmed"]
    if "number" not in places:
        raise RosterError(
            f"{path}: no column holds the student number (layout {layout.name})",
            "Say which one does with --column number=HEADING, or let `imgguard roster map` ask about every column. "
            "Without one, `imgguard roster match` proposes numbers by name, for a person to confirm.",
        )
    long = bool(layout.permission)
    listing = [_needed(path, heading, at) for heading in (layout.permission, layout.answer) if heading]
    wide = [q for q in layout.questions if heading_key(q.column) in at and (not long or set(q.targets) & set(FLAGS))]
    taken = {*places.values(), *listing, *(at[heading_key(q.column)] for q in wide)}
    held = [q for q in wide if not q.targets and _only_refuses(q, layout)]
    wide = [_holding(q, layout) if q in held else q for q in wide]
    left = [
        heading for place, heading in enumerate(header) if place not in taken and _HOLDS.search(heading_key(heading))
    ]
    wide += [Question(heading, (Hold.DO_NOT_PUBLISH,), _NOT_HELD) for heading in left]
    columns = {q.column: at[heading_key(q.column)] for q in wide}
    _check_twice(path, header, [*places.values(), *columns.values(), *listing])
    listed = [q for q in layout.questions if q not in wide] if long else []
    every = _every([*wide, *listed])
    placed = [(columns[q.column], q) for q in wide]
    asked = tuple((place, asked_of(q, layout.values, every, _column(rows, place))) for place, q in placed)
    codes = {value_key(q.column): asked_of(q, layout.values, every, _column(rows, listing[1])) for q in listed}
    everything = [*(a for _, a in asked), *codes.values()]
    return Reading(
        source=path.name,
        sha256=sha256,
        width=len(header),
        places=places,
        layout=replace(layout, date_order=settled_order(path, layout, header, places, rows)),
        asked=asked,
        permissions=codes,
        confirmed_at=confirmed_at,
        listing=(listing[0], listing[1]) if long else None,
        neutral=frozenset(slot for a in everything if not a.only_refuses for slot in a.slots),
        slots=_ordered({slot for a in everything for slot in a.slots}),
        holding=(*(q.column for q in held), *left),
        unknown_permissions=_unknown(codes, _column(rows, listing[0]) if long else ()),
    )


def _only_refuses(question: Question, layout: Layout) -> bool:
    meanings = list((question.values or layout.values).values())
    return "no" in meanings and all(meaning in ("no", "blank") for meaning in meanings)


def _holding(question: Question, layout: Layout) -> Question:
    """What refuses, and for what is not told, refuses everything."""
    values = {
        value: "yes" if meaning == "no" else "no" for value, meaning in (question.values or layout.values).items()
    }
    return replace(question, targets=(Hold.DO_NOT_PUBLISH,), values=values, opt_out=False)


def _place(layout: Layout, name: str, at: Mapping[str, int]) -> int | None:
    return next((at[heading_key(h)] for h in layout.fields.get(name, ()) if heading_key(h) in at), None)


def _needed(path: Path, heading: str, at: Mapping[str, int]) -> int:
    if heading_key(heading) not in at:
        raise RosterError(f"{path}: there is no column {heading}", "Export it again with this column.")
    return at[heading_key(heading)]


def _check_twice(path: Path, header: Sequence[str], used: Iterable[int]) -> None:
    keys = {heading_key(heading) for heading in header}
    twice = sorted({header[place] for place in used if heading_key(f"{header[place]} (2)") in keys})
    if twice:
        what = f"{path}: the header has the column {', '.join(twice)} more than once"
        raise RosterError(what, "Delete or rename the one that does not count.")


def _unknown(known: Mapping[str, Asked], names: Iterable[str]) -> Counter[str]:
    return Counter(name for name in names if value_key(name) not in known)


def _column(rows: Rows, place: int) -> Iterator[str]:
    return (cells[place] for _, cells in rows if place < len(cells))


def _every(questions: Sequence[Question]) -> dict[Aspect, tuple[Purpose, ...]]:
    """Say for each aspect what "every purpose" is: those asked about, without those that have their own question."""
    targets = [target for question in questions for target in question.targets]
    plain = [slot for target in targets for slot in spread(target, ())]
    photos = {purpose for purpose, aspect in plain if aspect is Aspect.PHOTO}
    asked = [purpose for purpose in ASKED_PURPOSES if EVERY in targets or purpose in photos]
    others = {aspect: tuple(p for p in asked if (p, aspect) not in plain) for aspect in Aspect}
    return {**others, Aspect.PHOTO: ASKED_PURPOSES}


def _ordered(slots: Iterable[Slot]) -> tuple[Slot, ...]:
    plain = [slot for slot in slots if isinstance(slot, tuple)]
    marks = sorted(slot for slot in slots if isinstance(slot, str))
    order = list(Aspect)
    return (*marks, *sorted(plain, key=lambda slot: (ASKED_PURPOSES.index(slot[0]), order.index(slot[1]))))
