"""What a new export changes for whom: who gains, who loses, who vanished, who is new, whose number may have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from consent.model import Aspect, Consent, Purpose, Subject
from consent.numbers import NumberIndex, number_key
from consent.policy import Verdict, decide


class Kind(StrEnum):
    """What changes for somebody."""

    NEW = "new"
    VANISHED = "vanished"
    GAINED = "gained"
    LOST = "lost"
    HELD = "held"
    RELEASED = "released"
    RECOGNISED = "recognised"
    NOT_RECOGNISED = "not_recognised"


@dataclass(frozen=True, slots=True)
class Change:
    """One change for one person.

    Attributes:
        subject_id: The number.
        kind: What changes.
        what: Which permissions or holds, such as "school_website, yearbook (work)".
    """

    subject_id: str
    kind: Kind
    what: str = ""


@dataclass(frozen=True, slots=True)
class Renumbering:
    """Two numbers that may be one person's: name and birth date are the same. Only a person can tell.

    Attributes:
        old: The number that vanished.
        new: The number that is new.
    """

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that a new export changes.

    Attributes:
        changes: In the order of the numbers.
        renumbered: Proposals; nobody is joined by them.
    """

    changes: tuple[Change, ...]
    renumbered: tuple[Renumbering, ...]


def compare(before: Mapping[str, Subject], after: Mapping[str, Subject], on: date) -> Difference:
    """Compare what two rosters allow on a day.

    Whether a face may be recognised is a change of its own, and does not hide what the forms allow.

    Args:
        before: The people of the older roster, by number.
        after: The people of the newer one, with what was withdrawn.
        on: The day on which consents are judged.
    """
    numbers = sorted(before.keys() | after.keys())
    changes = (c for number in numbers for c in _changes(number, before.get(number), after.get(number), on))
    return Difference(tuple(changes), _renumberings(before, after))


def aligned(people: Mapping[str, Subject], known: Iterable[str]) -> tuple[Mapping[str, Subject], dict[str, str]]:
    """Give the people under the numbers that are known already, where only zeros in front or the like differ.

    Returns:
        The people, and for each number that was changed so the one that it was written as. Where more than one would
        fit, on either side, nobody is changed.
    """
    index = NumberIndex(known)
    keys: dict[str, int] = defaultdict(int)
    for number in people:
        keys[number_key(number)] += 1
    found, joined = {}, {}
    for number, person in people.items():
        match = index.find(number)
        if match and not match.exact and match.number not in people and keys[number_key(number)] == 1:
            joined[match.number] = number
            found[match.number] = replace(person, subject_id=match.number)
        else:
            found[number] = person
    return found, joined


def _changes(number: str, before: Subject | None, after: Subject | None, on: date) -> Iterator[Change]:
    if before is not None and after is not None and _same(before, after):
        return
    had, has = (_allowed(person, on) if person else frozenset() for person in (before, after))
    if after is None:
        yield Change(number, Kind.VANISHED, _told(had))
        return
    if before is None:
        yield Change(number, Kind.NEW, _told(has))
        return
    if has - had:
        yield Change(number, Kind.GAINED, _told(has - had))
    if had - has:
        yield Change(number, Kind.LOST, _told(had - has))
    if after.holds - before.holds:
        yield Change(number, Kind.HELD, ", ".join(sorted(after.holds - before.holds)))
    if before.holds - after.holds:
        yield Change(number, Kind.RELEASED, ", ".join(sorted(before.holds - after.holds)))
    if before.biometric_ok is not after.biometric_ok:
        yield Change(number, Kind.RECOGNISED if after.biometric_ok else Kind.NOT_RECOGNISED)


def _same(one: Subject, other: Subject) -> bool:
    """Compare what decides, not where it was told: most people stay as they were, and deciding takes long."""
    return _deciding(one) == _deciding(other)


def _deciding(person: Subject) -> tuple[object, ...]:
    consents = sorted(map(_consent, person.consents), key=repr) if len(person.consents) else []
    marks = (person.biometric_ok, person.holds, person.withdrawn, person.independent, person.birth_date)
    return (*marks, person.is_staff, consents)


def _consent(c: Consent) -> tuple[object, ...]:
    return (c.purpose, c.aspect, c.answer, c.signed_by, c.signer_role, c.signed_on, c.valid_from, c.valid_until)


def _allowed(person: Subject, on: date) -> frozenset[tuple[Purpose, Aspect]]:
    known = replace(person, biometric_ok=True)
    asked = {(consent.purpose, consent.aspect) for consent in person.consents}
    return frozenset(
        (purpose, aspect)
        for purpose, aspect in asked
        if decide(known, purpose, on, aspect=aspect).verdict is Verdict.KEEP
    )


def _told(slots: Iterable[tuple[Purpose, Aspect]]) -> str:
    by_purpose: dict[Purpose, list[Aspect]] = defaultdict(list)
    for purpose, aspect in slots:
        by_purpose[purpose].append(aspect)
    order = list(Aspect)
    told = []
    for purpose in sorted(by_purpose):
        aspects = sorted(by_purpose[purpose], key=order.index)
        told.append(f"{purpose.value} ({', '.join(a.value.replace('_', ' ') for a in aspects)})")
    return ", ".join(told)


def _renumberings(before: Mapping[str, Subject], after: Mapping[str, Subject]) -> tuple[Renumbering, ...]:
    gone = _by_person(person for number, person in before.items() if number not in after)
    come = _by_person(person for number, person in after.items() if number not in before)
    return tuple(Renumbering(old, new) for key in gone.keys() & come.keys() for old in gone[key] for new in come[key])


def _by_person(people: Iterable[Subject]) -> dict[tuple[str, date], list[str]]:
    found: dict[tuple[str, date], list[str]] = defaultdict(list)
    for person in people:
        if person.name and person.birth_date:
            found[(" ".join(person.name.casefold().split()), person.birth_date)].append(person.subject_id)
    return found
