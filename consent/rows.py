"""Read the rows of one table by its layout. Whatever is unclear is noted with its row and is never a yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from consent.asking import Asked, Slot, asked_of, weaker
from consent.dates import read_day, settled_order
from consent.errors import RosterError
from consent.layout import EVERY, FIELDS, FLAGS, Layout, Question, spread
from consent.merging import Telling
from consent.model import ASKED_PURPOSES, Answer, Aspect, Consent, Hold, Purpose, SignerRole
from consent.recognise import Rows
from consent.values import end_of_named_year, end_of_school_year, heading_key, value_key

_SHOWN = 40
_MOST_KEPT = 10_000
# The date in a date that nobody can read may be later than any other.
_NEVER = date.max


@dataclass(frozen=True, slots=True)
class Reading:
    """A table with everything that is needed to read its rows.

    Attributes:
        source: The file's name, for findings.
        sha256: Digest of the file.
        width: How many cells a row has.
        places: For each field that has a column, its index.
        layout: The layout; its order of dates is settled.
        asked: Questions with the index of their column.
        permissions: In a list, the questions by the key of the permission's name.
        listing: In a list, the indices of the columns with these names and with the answers; None elsewhere.
        neutral: Slots that a refusing question shares with another, where its blank says nothing.
        slots: Everything that is asked, in the order in which it is kept.
        unknown_permissions: In a list, the permissions that are not known, with how many rows have them.
        clear: Answers of rows without anything unclear, by what answers in them.
    """

    source: str
    sha256: str
    width: int
    places: Mapping[str, int]
    layout: Layout
    asked: tuple[tuple[int, Asked], ...]
    permissions: Mapping[str, Asked]
    listing: tuple[int, int] | None
    neutral: frozenset[Slot]
    slots: tuple[Slot, ...]
    unknown_permissions: Counter[str]
    clear: dict[tuple[str, ...], Mapping[Slot, Answer]] = field(default_factory=dict)
    _days: dict[str, date | None] = field(default_factory=dict)

    @property
    def purposes(self) -> frozenset[Purpose]:
        """The purposes for which photos are asked about."""
        return frozenset(slot[0] for slot in self.slots if isinstance(slot, tuple) and slot[1] is Aspect.PHOTO)

    def tell(self, row: int, cells: Sequence[str], note: Callable[[int, str], None]) -> Telling | None:
        """Read one row; None where it is nobody's."""
        line = _Line(self, row, cells, note)
        number = line.text("number")
        if not number or "\N{REPLACEMENT CHARACTER}" in number:
            note(row, "no number that can be read: the row is not used" if number else "no number: the row is not used")
            return None
        if len(cells) != self.width:
            note(row, f"{len(cells)} cells under {self.width} headings, so answers may be shifted: all taken as no")
            shifted = {slot: Answer.UNKNOWN for slot in self.slots}
            return Telling(number, ("", ""), "", "", None, frozenset(), *line.split(shifted, _unsigned(self, row)), row)
        return line.telling(number)

    def cells_asked(self, cells: Sequence[str]) -> Iterator[str]:
        """Give what of a row answers."""
        for place, _ in self.asked:
            yield cells[place]
        for place in self.listing or ():
            yield cells[place]

    def day(self, text: str) -> date | None:
        """Read a date by the file's order; the same ones stand in many rows."""
        if text not in self._days:
            self._days[text] = read_day(text, self.layout.date_order)
        return self._days[text]


def _unsigned(reading: Reading, row: int) -> Consent:
    return Consent(Purpose.IN_SCHOOL, Answer.UNKNOWN, "", SignerRole.UNTOLD, None, None, "", row,
                   source_sha256=reading.sha256)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    reading: Reading
    row: int
    cells: Sequence[str]
    note: Callable[[int, str], None]

    def text(self, name: str) -> str:
        place = self.reading.places.get(name)
        if place is None:
            return self.reading.layout.constants.get(name, "")
        told = self.cells[place] if place < len(self.cells) else ""
        words = self.reading.layout.words.get(name)
        return told if words is None else next((w for v, w in words.items() if value_key(v) == value_key(told)), told)

    def telling(self, number: str) -> Telling:
        form = self._form()
        marks, consents = self.split(self._answers(), form)
        guardians = frozenset(filter(None, map(str.strip, self.text("guardians").split(";"))))
        born = self._day("birth_date", "not known to be of age")
        return Telling(
            number, self._names(), self.text("role"), self.text("group"), born, guardians, marks, consents, self.row
        )

    def split(self, answers: Mapping[Slot, Answer], form: Consent) -> tuple[dict[str, Answer], tuple[Consent, ...]]:
        """Give the marks, and the consents, all by the one who signed the row."""
        marks = {slot: answer for slot, answer in answers.items() if isinstance(slot, str)}
        consents = tuple(
            Consent(
                slot[0], answer, form.signed_by, form.signer_role, form.signed_on, form.valid_until, form.form_id,
                form.source_row, slot[1], form.valid_from, form.source_sha256,
            )
            for slot in self.reading.slots
            if isinstance(slot, tuple) and (answer := answers.get(slot)) is not None
        )  # fmt: skip
        return marks, consents

    def _names(self) -> tuple[str, str]:
        given, family = self.text("first_name"), self.text("last_name")
        whole = self.text("name")
        if given or family or not whole:
            return given, family
        if "," in whole:
            family, _, given = whole.partition(",")
            return given.strip(), family.strip()
        given, _, family = whole.rpartition(" ")
        return (given, family) if given else (family, "")

    def _form(self) -> Consent:
        signed_on = self._day("signed_on")
        valid_from = (self._day("valid_from") or _NEVER) if self.text("valid_from") else None
        return Consent(
            Purpose.IN_SCHOOL, Answer.BLANK, self.text("signed_by"), self._signer_role(), signed_on,
            self._until(signed_on), self.text("form_id"), self.row, Aspect.PHOTO, valid_from, self.reading.sha256,
        )  # fmt: skip

    def _until(self, signed_on: date | None) -> date | None:
        if self.text("valid_until"):
            return self._day("valid_until")
        year = self.text("school_year")
        if not year:
            return end_of_school_year(signed_on)
        until = end_of_named_year(year)
        if until is None:
            self.note(self.row, f"{year[:_SHOWN]!r} is not a school year like 2026/27: the consent is not used")
        return until

    def _day(self, name: str, otherwise: str = "the consent is not used") -> date | None:
        written = self.text(name)
        if not written:
            return None
        day = self.reading.day(written)
        if day is None:
            self.note(self.row, f"{name} {written[:_SHOWN]!r} is not a date like 2026-09-08: {otherwise}")
        return day

    def _signer_role(self) -> SignerRole:
        told = "_".join(value_key(self.text("signer_role")).split())
        if told in _ROLES:
            return SignerRole(told or SignerRole.UNTOLD)
        what = f"signer_role {told[:_SHOWN]!r} is not one of {', '.join(SignerRole)}: the consent is not used"
        self.note(self.row, what)
        return SignerRole.UNTOLD

    def _answers(self) -> Mapping[Slot, Answer]:
        """Most rows answer like some row before, and only clear ones are kept to be used again."""
        cells = tuple(self.reading.cells_asked(self.cells))
        if (known := self.reading.clear.get(cells)) is not None:
            return known
        found, clear = self._read_answers()
        if clear and len(self.reading.clear) < _MOST_KEPT:
            self.reading.clear[cells] = found
        return found

    def _read_answers(self) -> tuple[dict[Slot, Answer], bool]:
        found: dict[Slot, Answer] = {}
        clear = True
        for cell, asked in self._questions():
            answers = asked.answers(cell)
            if Answer.UNKNOWN in answers or Answer.CONFLICTING in answers:
                clear = False
                self._note_unknown(asked, cell, Answer.CONFLICTING in answers)
            silent = asked.only_refuses
            for slot, answer in zip(asked.slots, answers, strict=True):
                if silent and answer is Answer.BLANK and slot in self.reading.neutral:
                    continue
                found[slot] = weaker(found[slot], answer) if slot in found else answer
        return found, clear

    def _questions(self) -> Iterator[tuple[str, Asked]]:
        for place, asked in self.reading.asked:
            yield self.cells[place], asked
        if self.reading.listing is None:
            return
        name_at, answer_at = self.reading.listing
        name = self.cells[name_at]
        permission = self.reading.permissions.get(value_key(name))
        if permission is not None:
            yield self.cells[answer_at], permission

    def _note_unknown(self, asked: Asked, cell: str, conflicting: bool) -> None:
        if set(asked.slots) & set(Hold):
            what = "which is neither yes nor no: taken as yes: not published"
        elif conflicting:
            what = "which says both yes and no: taken as no"
        elif set(asked.question.values.values()) <= {"yes", "no"} and len(asked.question.values) > 3:
            what = "which is neither yes nor no: taken as no"
        else:
            what = f"which is none of its answers ({asked.options[:80]}): taken as no"
        self.note(self.row, f"{asked.column} says {cell[:_SHOWN]!r}, {what}")


_ROLES = {"", *SignerRole}


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
    if "number" not in places:
        raise RosterError(
            f"{path}: no column holds the student number (layout {layout.name})",
            "Say which one does with --column number=HEADING. Without one, `imgguard roster match` proposes numbers by "
            "name, for a person to confirm.",
        )
    long = bool(layout.permission)
    listing = [_needed(path, heading, at) for heading in (layout.permission, layout.answer) if heading]
    wide = [q for q in layout.questions if heading_key(q.column) in at and (not long or set(q.targets) & set(FLAGS))]
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
        listing=(listing[0], listing[1]) if long else None,
        neutral=frozenset(slot for a in everything if not a.only_refuses for slot in a.slots),
        slots=_ordered({slot for a in everything for slot in a.slots}),
        unknown_permissions=_unknown(codes, _column(rows, listing[0]) if long else ()),
    )


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
