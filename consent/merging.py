"""Put the rows of one person together. What rows disagree on is no; of several signers each must say yes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from consent.asking import together
from consent.model import Answer, Aspect, Consent, Hold, Purpose, Subject
from consent.numbers import number_key

# Nobody has so many forms; and comparing each row with all the others takes ever longer.
_MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Telling:
    """What one row, or several that were put together, tell about a person.

    Attributes:
        number: The number as written.
        names: First and last name.
        role: As written.
        group: As written.
        birth_date: None where not told.
        guardians: Who has a say.
        marks: Answers about the person, such as biometric_ok and the holds; only those that were asked.
        consents: The other answers.
        row: The number of the first row.
    """

    number: str
    names: tuple[str, str]
    role: str
    group: str
    birth_date: date | None
    guardians: frozenset[str]
    marks: Mapping[str, Answer]
    consents: tuple[Consent, ...]
    row: int

    @property
    def person(self) -> tuple[object, ...]:
        """Who it is, without what one row may say and another not."""
        return (self.number, self.names, self.role, self.group, self.birth_date)

    @property
    def signers(self) -> frozenset[str]:
        """Who signed."""
        return frozenset(consent.signed_by for consent in self.consents)

    def subject(self) -> Subject:
        """Give the person; a mark that nobody understands may well mean "do not publish"."""
        marks = self.marks
        return Subject(
            subject_id=self.number,
            given_name=self.names[0],
            family_name=self.names[1],
            role=self.role,
            group=self.group,
            biometric_ok=marks.get("biometric_ok") is Answer.YES,
            holds=frozenset(hold for hold in Hold if marks.get(hold, Answer.BLANK) not in (Answer.BLANK, Answer.NO)),
            consents=self.consents,
            birth_date=self.birth_date,
            independent=marks.get("independent") is Answer.YES,
            guardians=self.guardians,
        )


@dataclass(slots=True)
class People:
    """The people of a roster while it is being read, each with all of its rows.

    Attributes:
        note: Called with a row and what is to be said about it.
        renewals: Whether several rows of one signer may be one permission given anew, as in lists of permissions.
    """

    note: Callable[[int, str], None]
    renewals: bool = False
    _told: dict[str, Telling] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)

    def add(self, telling: Telling) -> None:
        """Add a row; a number that was there already keeps only what all its rows say clearly."""
        key = number_key(telling.number)
        known = self._told.get(key)
        if known is None:
            self._told[key] = telling
            return
        count = self._rows[key] = self._rows.get(key, 1) + 1
        if count <= _MOST_ROWS:
            self._told[key] = self._together(known, telling)
        elif count == _MOST_ROWS + 1:
            self.note(telling.row, f"the number {known.number} stands more than {_MOST_ROWS} times: all taken as no")
            self._told[key] = _refused(known)
        # Rows that nobody compares any more can still block.
        if count > _MOST_ROWS:
            self._told[key] = replace(self._told[key], marks=_marks(self._told[key], telling))

    def subjects(self) -> dict[str, Subject]:
        """Give everybody by number."""
        return {telling.number: telling.subject() for telling in self._told.values()}

    def _together(self, known: Telling, telling: Telling) -> Telling:
        number, row = known.number, telling.row
        if _said(known) == _said(telling):
            self.note(row, f"the number {number} stands twice: it says the same")
            return known
        if known.person != telling.person:
            self.note(row, f"{_conflict(known, telling)}: what they do not agree on is taken as no")
            return _merge(known, telling, disputed=_slots(known.consents) | _slots(telling.consents))
        disputed = _disputed(known, telling, renewals=self.renewals)
        same = known.signers & telling.signers
        if same and (disputed or _differ(known.marks, telling.marks)):
            what = f"the number {number} stands twice and their answers differ"
            self.note(row, f"{what}: what they do not agree on is taken as no")
            return _merge(known, telling, disputed=disputed)
        self._note_second(known, telling)
        return _merge(known, telling, disputed=frozenset())

    def _note_second(self, known: Telling, telling: Telling) -> None:
        """Tell of a second answer that is not yes where the first was, or the other way round."""
        before = {(c.purpose, c.aspect) for c in known.consents if c.answer is Answer.YES}
        now = {(c.purpose, c.aspect): c.answer for c in telling.consents}
        first = {(c.purpose, c.aspect) for c in known.consents if c.answer is not Answer.YES}
        against = {slot for slot in before if now.get(slot, Answer.YES) is not Answer.YES}
        against |= {slot for slot in first if now.get(slot) is Answer.YES}
        differ = {m for m in known.marks.keys() & telling.marks.keys() if known.marks[m] is not telling.marks[m]}
        told = sorted({purpose.value for purpose, aspect in against if aspect is Aspect.PHOTO} | (differ - set(Hold)))
        if told:
            what = f"the number {known.number} has answers of several signers, and not all say yes to {', '.join(told)}"
            self.note(telling.row, f"{what}: taken as no")


def _conflict(known: Telling, telling: Telling) -> str:
    if known.number != telling.number:
        return f"the numbers {known.number} and {telling.number} differ only in how they are written"
    what = "their answers differ" if known.names == telling.names else "they name different people"
    return f"the number {known.number} stands twice and {what}"


def _said(telling: Telling) -> tuple[object, ...]:
    """Leave out where it was told, to compare what was told."""
    told = tuple(replace(c, source_row=0) for c in telling.consents)
    return (telling.person, telling.guardians, dict(telling.marks), told)


def _slots(consents: Iterable[Consent]) -> frozenset[tuple[Purpose, Aspect]]:
    return frozenset((c.purpose, c.aspect) for c in consents)


def _disputed(known: Telling, telling: Telling, *, renewals: bool) -> frozenset[tuple[Purpose, Aspect]]:
    """Find what both speak of, and not in the same words."""
    one, other = (_by_slot(t.consents) for t in (known, telling))
    return frozenset(
        slot
        for slot in one.keys() & other.keys()
        if one[slot] != other[slot] and not (renewals and _renewed(one[slot], other[slot]))
    )


def _by_slot(consents: Iterable[Consent]) -> dict[tuple[Purpose, Aspect], frozenset[Consent]]:
    found: dict[tuple[Purpose, Aspect], frozenset[Consent]] = {}
    for consent in consents:
        slot = (consent.purpose, consent.aspect)
        found[slot] = found.get(slot, frozenset()) | {replace(consent, source_row=0)}
    return found


def _renewed(one: frozenset[Consent], other: frozenset[Consent]) -> bool:
    """Tell whether they are yeses of different days: each then stands for itself."""
    days = [consent.signed_on for consent in (*one, *other)]
    return {c.answer for c in one | other} == {Answer.YES} and None not in days and len(set(days)) == len(days)


def _differ(one: Mapping[str, Answer], other: Mapping[str, Answer]) -> bool:
    return any(one[mark] is not other[mark] for mark in one.keys() & other.keys())


def _marks(one: Telling, other: Telling) -> dict[str, Answer]:
    """Holds add up: a row that is silent about one does not lift it. The rest needs every row's yes."""
    both = {**one.marks, **other.marks}
    for mark in one.marks.keys() & other.marks.keys():
        both[mark] = together(mark, one.marks[mark], other.marks[mark])
    return both


def _merge(one: Telling, other: Telling, *, disputed: frozenset[tuple[Purpose, Aspect]]) -> Telling:
    told = {replace(c, source_row=0) for c in one.consents}
    more = (c for c in other.consents if replace(c, source_row=0) not in told)
    consents = tuple(
        replace(c, answer=Answer.CONFLICTING) if (c.purpose, c.aspect) in disputed else c
        for c in (*one.consents, *more)
    )
    return replace(one, guardians=one.guardians | other.guardians, marks=_marks(one, other), consents=consents)


def _refused(telling: Telling) -> Telling:
    return replace(telling, consents=tuple(replace(c, answer=Answer.CONFLICTING) for c in telling.consents))


def held_by_name(
    subjects: Mapping[str, Subject],
    unnumbered: Iterable[tuple[int, str, frozenset[Hold]]],
    note: Callable[[int, str], None],
) -> dict[str, Subject]:
    """Hold back everybody whose name a row without a number holds back: a name joins nobody, but it may cover."""
    found = dict(subjects)
    for row, name, holds in unnumbered:
        meant = [number for number, person in found.items() if _plain(person.name) == _plain(name)]
        for number in meant:
            found[number] = replace(found[number], holds=found[number].holds | holds)
        if meant:
            note(row, f"holds back whoever has this name: {', '.join(meant)}")
    return found


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
