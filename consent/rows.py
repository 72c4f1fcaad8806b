"""Read the rows of one table by its layout. Whatever is unclear is noted with its row and is never a yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from consent.asking import Asked, Slot, together
from consent.dates import read_day
from consent.layout import Layout
from consent.merging import Telling
from consent.model import Answer, Aspect, Consent, Hold, Purpose, SignerRole
from consent.values import end_of_named_year, end_of_school_year, value_key
from consent.workbooks import MERGED, NO_VALUE

_SHOWN = 40
_WHO = ("number", "name", "first_name", "last_name", "role", "group", "birth_date")
_MOST_KEPT = 10_000
# The date in a date that nobody can read may be later than any other.
_NEVER = date.max
# Earlier ones are what spreadsheets show for a date that is not there: 1899-12-30, 1900-01-01, 1904-01-01.
_FIRST_FORM, _FIRST_BIRTH = date(2000, 1, 1), date(1910, 1, 1)


@dataclass(frozen=True, slots=True)
class _Told:
    marks: Mapping[str, Answer]
    answers: tuple[tuple[Purpose, Aspect, Answer], ...]


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
        confirmed_at: Index of the column in which a person confirms a proposed number; None where there is none.
        neutral: Slots that a refusing question shares with another, where its blank says nothing.
        slots: Everything that is asked, in the order in which it is kept.
        holding: Headings of columns that refuse, of which nobody told for what: they refuse everything.
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
    confirmed_at: int | None
    neutral: frozenset[Slot]
    slots: tuple[Slot, ...]
    holding: tuple[str, ...]
    unknown_permissions: Counter[str]
    clear: dict[tuple[str, ...], _Told] = field(default_factory=dict)
    _days: dict[str, date | None] = field(default_factory=dict)

    @property
    def purposes(self) -> frozenset[Purpose]:
        """The purposes for which photos are asked about."""
        return frozenset(slot[0] for slot in self.slots if isinstance(slot, tuple) and slot[1] is Aspect.PHOTO)

    def tell(self, row: int, cells: Sequence[str], note: Callable[[int, str], None]) -> Telling | None:
        """Read one row; None where it is nobody's."""
        line = _Line(self, row, cells, note)
        number = line.text("number")
        if not number or number in (NO_VALUE, MERGED) or "\N{REPLACEMENT CHARACTER}" in number:
            note(row, "no number that can be read: the row is not used" if number else "no number: the row is not used")
            return None
        if self.confirmed_at is not None and not _is_confirmed(cells, self.confirmed_at):
            note(row, f"the number {number} is proposed by name and not confirmed: the row is not used")
            return None
        if len(cells) != self.width:
            note(row, f"{len(cells)} cells under {self.width} headings, so answers may be shifted: all taken as no")
            shifted = self.told(dict.fromkeys(self.slots, Answer.UNKNOWN))
            consents = line.consents(shifted, _unsigned(self, row))
            return Telling(number, ("", ""), "", "", None, frozenset(), shifted.marks, consents, row)
        return line.telling(number)

    def holds_of_nobody(self, row: int, cells: Sequence[str]) -> tuple[str, frozenset[Hold]] | None:
        """Give the name in a row that is nobody's and what it holds back, if it does."""
        if len(cells) != self.width:
            return None
        somebody = _Line(self, row, cells, lambda row, what: None).telling("").subject()
        return (somebody.name, somebody.holds) if somebody.name and somebody.holds else None

    def unmerged(self, cells: list[str], above: Sequence[str]) -> list[str]:
        """Say again who it is where that is merged with the row above: a student's second guardian has the next row."""
        places = [self.places[name] for name in _WHO if name in self.places]
        merged = {p for p in places if p < min(len(cells), len(above)) and cells[p] == MERGED}
        return [above[place] if place in merged else cell for place, cell in enumerate(cells)] if merged else cells

    def told(self, answers: Mapping[Slot, Answer]) -> _Told:
        """Give answers in the order in which they are kept."""
        marks = {slot: answer for slot, answer in answers.items() if isinstance(slot, str)}
        plain = ((*slot, answers[slot]) for slot in self.slots if isinstance(slot, tuple) and slot in answers)
        return _Told(marks, tuple(plain))

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


def _is_confirmed(cells: Sequence[str], place: int) -> bool:
    return place < len(cells) and value_key(cells[place]) in {"yes", "y"}


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
        told = self._told()
        guardians = frozenset(filter(None, map(str.strip, self.text("guardians").split(";"))))
        return Telling(
            number=number,
            names=self._names(),
            role=self.text("role"),
            group=self.text("group"),
            birth_date=self._day("birth_date", "not known to be of age"),
            guardians=guardians,
            marks=told.marks,
            consents=self.consents(told, self._form()),
            row=self.row,
        )

    def consents(self, told: _Told, form: Consent) -> tuple[Consent, ...]:
        """Give the answers as consents, all by the one who signed the row."""
        role, signed_on, until, form_id = form.signer_role, form.signed_on, form.valid_until, form.form_id
        by, row, since, sha256 = form.signed_by, form.source_row, form.valid_from, form.source_sha256
        return tuple(
            [
                Consent(purpose, answer, by, role, signed_on, until, form_id, row, aspect, since, sha256)
                for purpose, aspect, answer in told.answers
            ]
        )

    def _names(self) -> tuple[str, str]:
        given, family = self.text("first_name"), self.text("last_name")
        whole = self.text("name")
        if given or family or not whole:
            return given, family
        if "," in whole:
            family, _, given = whole.partition(",")
            return given.strip(), family.strip()
        # Which of several words are last names cannot be known; only the first is printed where first names may be.
        given, _, family = whole.partition(" ")
        return given, family.strip()

    def _form(self) -> Consent:
        signed_on = self._day("signed_on")
        valid_from = (self._day("valid_from") or _NEVER) if self.text("valid_from") else None
        return Consent(
            Purpose.IN_SCHOOL, Answer.BLANK, self._signed_by(), self._signer_role(), signed_on,
            self._until(signed_on), self.text("form_id"), self.row, Aspect.PHOTO, valid_from, self.reading.sha256,
        )  # fmt: skip

    def _until(self, signed_on: date | None) -> date | None:
        told, year = self.text("valid_until"), self.text("school_year")
        if not year:
            return self._day("valid_until") if told else end_of_school_year(signed_on)
        until = end_of_named_year(year)
        if until is None:
            self.note(self.row, f"{year[:_SHOWN]!r} is not a school year like 2026/27: the consent is not used")
        last = self._day("valid_until") if told else until
        return min(until, last) if until and last else None

    def _day(self, name: str, otherwise: str = "the consent is not used") -> date | None:
        written = self.text(name)
        if not written:
            return None
        day = self.reading.day(written)
        if day is None:
            self.note(self.row, f"{name} {written[:_SHOWN]!r} is not a date like 2026-09-08: {otherwise}")
        elif day < (_FIRST_BIRTH if name == "birth_date" else _FIRST_FORM):
            self.note(self.row, f"{name} {written[:_SHOWN]!r} is too long ago to be true: {otherwise}")
            return None
        return day

    def _signed_by(self) -> str:
        told = self.text("signed_by")
        if told and (value_key(told) in _NOBODY or not any(map(str.isalnum, told))):
            self.note(self.row, f"signed_by {told[:_SHOWN]!r} names nobody: the consent is not used")
            return ""
        return told

    def _signer_role(self) -> SignerRole:
        told = "_".join(value_key(self.text("signer_role")).split())
        if told in _ROLES:
            return SignerRole(told or SignerRole.UNTOLD)
        what = f"signer_role {told[:_SHOWN]!r} is not one of {', '.join(SignerRole)}: the consent is not used"
        self.note(self.row, f"{what}; if it is one, say so: --value 'signer_role:{told[:_SHOWN]}=guardian'")
        return SignerRole.UNTOLD

    def _told(self) -> _Told:
        """Most rows answer like some row before; clear answers are kept to be used again."""
        cells = tuple(self.reading.cells_asked(self.cells))
        if (known := self.reading.clear.get(cells)) is not None:
            return known
        found, clear = self._read_answers()
        told = self.reading.told(found)
        if clear and len(self.reading.clear) < _MOST_KEPT:
            self.reading.clear[cells] = told
        return told

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
                found[slot] = together(slot, found[slot], answer) if slot in found else answer
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
        elif asked.meanings:
            what = f"which is none of its answers ({asked.options[:80]}): taken as no"
        else:
            what = f"and nobody told what that means (--value '{asked.column}:{cell[:_SHOWN]}=yes'): taken as no"
        self.note(self.row, f"{asked.column} says {cell[:_SHOWN]!r}, {what}")


_ROLES = {"", *SignerRole}
# Microsoft Forms writes "anonymous" for whoever was not logged in; the rest is what people put where nobody signed.
_NOBODY = {
    "anonymous", "n/a", "na", "#n/a", "none", "nobody", "no one", "no", "unknown", "unsigned", "not signed", "pending",
    "missing", "blank", "null", "nan", "tbd", "yes", "signed", "true", "false", NO_VALUE, MERGED,
}  # fmt: skip
