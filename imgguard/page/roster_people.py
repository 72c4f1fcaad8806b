"""The people of the school file as the page shows them: everybody in short, and one person with every reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from consent.answers import Answers, answer_counts
from consent.checklist import Line, checklist
from consent.imports import Import, imports
from consent.limits import published_sources
from consent.model import ASKED_PURPOSES, Aspect, Purpose, Subject
from consent.numbers import NumberIndex
from consent.people import present_people, stored_roster, withdrawn
from consent.policy import Decision, Verdict, case_of, decide
from consent.procedures import Circumstances, Policy
from consent.rechecking import forms_alone
from consent.roster import Roster
from consent.school import School, open_school
from consent.school_policy import policy_of
from consent.showings import Showing, showings
from consent.store import Store
from consent.templates import last_days, recognisable
from consent.withdrawals import Entry, Known, known_people, withdrawals_of

SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Row:
    """One person in the list.

    Attributes:
        person: Who.
        shown_for: For what the person may be shown today by the forms.
        template_until: The last day of the newest template; None where there is none.
    """

    person: Subject
    shown_for: tuple[Purpose, ...]
    template_until: date | None


@dataclass(frozen=True, slots=True)
class Office:
    """What the office should know at a glance.

    Attributes:
        school: The school.
        policy: Its procedure, as its forms answer it: what it asks of a publication besides is asked then.
        made: The newest import.
        answers: What people answer and who may be shown today, by purpose.
        rows: Everybody of the newest roster.
        no_template: Who may be recognised and has no template that can be used today.
        ends_soon: Whose template ends soon.
        held: Who is on hold.
        withdrawn: Who withdrew, with what for.
        others: Numbers that withdrew and are in no roster.
    """

    school: School
    policy: Policy
    made: Import
    answers: tuple[Answers, ...]
    rows: tuple[Row, ...]
    no_template: tuple[Subject, ...]
    ends_soon: tuple[Row, ...]
    held: tuple[Subject, ...]
    withdrawn: tuple[Subject, ...]
    others: tuple[str, ...]


def office_of(store: Store, on: date) -> Office | None:
    """Give the overview; None where no roster was imported yet."""
    school, roster = open_school(store), stored_roster(store)
    if school is None or roster is None:
        return None
    policy = form_rules(policy_of(store))
    present = present_people(store)
    allowed, days = recognisable(store), last_days(store)
    rows = tuple(_row(person, policy, days, on) for person in present.values())
    index = NumberIndex(present)
    return Office(
        school=school,
        policy=policy,
        made=imports(store)[0],
        answers=answer_counts(_of(roster, present), on, policy=policy),
        rows=rows,
        no_template=tuple(p for n, p in present.items() if n in allowed and days.get(n, date.min) < on),
        ends_soon=tuple(row for row in rows if row.template_until and on <= row.template_until <= on + SOON),
        held=tuple(person for person in present.values() if person.holds),
        withdrawn=tuple(person for person in roster.subjects.values() if person.withdrawn),
        others=tuple(number for number in sorted(withdrawn(store)) if index.find(number) is None),
    )


def form_rules(policy: Policy) -> Policy:
    """Leave of a procedure what forms answer; sign-offs and the like are asked when something is published."""
    return forms_alone({policy.name: policy})[policy.name]


def _of(roster: Roster, present: Mapping[str, Subject]) -> Roster:
    return replace(roster, subjects=present)


def _row(person: Subject, policy: Policy, days: Mapping[str, date], on: date) -> Row:
    shown = tuple(p for p in _asked(person) if decide(person, p, on, policy=policy).verdict is Verdict.KEEP)
    return Row(person, shown, days.get(person.subject_id))


def _asked(person: Subject) -> tuple[Purpose, ...]:
    there = {consent.purpose for consent in person.consents if consent.aspect is Aspect.PHOTO}
    return tuple(purpose for purpose in ASKED_PURPOSES if purpose in there)


def found(rows: Iterable[Row], query: str) -> tuple[Row, ...]:
    """Give who has all the words that were typed in the number, the name or the group."""
    words = query.casefold().split()
    return tuple(row for row in rows if all(word in _words(row.person) for word in words))


def _words(person: Subject) -> str:
    return f"{person.subject_id} {person.name} {person.group}".casefold()


@dataclass(frozen=True, slots=True)
class Judged:
    """What may be shown of somebody for one purpose.

    Attributes:
        purpose: What for.
        decisions: By what of the person, as the forms decide it.
        lines: Everything that has to hold for the photo, what the procedure asks of a publication included.
    """

    purpose: Purpose
    decisions: tuple[tuple[Aspect, Decision], ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Portrait:
    """Everything about one person.

    Attributes:
        known: Number, name and group.
        person: What the newest roster says; None for somebody who is in none.
        judged: By purpose.
        template_until: The last day of the newest template; None where there is none.
        may_be_recognised: Whether there may be one.
        withdrawals: Newest first.
        taken_back: For what consent is withdrawn now.
        seen: Published photos that show the person.
        under_cover: Published photos on which the person is covered.
    """

    known: Known
    person: Subject | None
    judged: tuple[Judged, ...]
    template_until: date | None
    may_be_recognised: bool
    withdrawals: tuple[Entry, ...]
    taken_back: frozenset[Purpose]
    seen: tuple[Showing, ...]
    under_cover: int


def portrait_of(store: Store, number: str, on: date) -> Portrait:
    """Give everything about a number; somebody of whom the school file has not heard has nothing."""
    known = {one.subject_id: one for one in known_people(store)}.get(number) or Known(number)
    roster, policy = stored_roster(store), policy_of(store)
    person = roster.subjects.get(number) if roster else None
    entries, everything = withdrawals_of(store, number), showings(store, number)
    return Portrait(
        known=known,
        person=person,
        judged=tuple(_judged(store, person, purpose, policy, on) for purpose in ASKED_PURPOSES) if person else (),
        template_until=last_days(store).get(number),
        may_be_recognised=number in recognisable(store),
        withdrawals=entries,
        taken_back=person.withdrawn if person else withdrawn(store).get(number, frozenset()),
        seen=tuple(showing for showing in everything if showing.visible),
        under_cover=sum(not showing.visible for showing in everything),
    )


def _judged(store: Store, person: Subject, purpose: Purpose, policy: Policy, on: date) -> Judged:
    forms, days = form_rules(policy), policy.limit_days(purpose)
    shown = published_sources(store, purpose, on, days).get(person.subject_id, ()) if days is not None else None
    circumstances = Circumstances(published=None if shown is None else len(shown))
    decisions = tuple((aspect, decide(person, purpose, on, aspect=aspect, policy=forms)) for aspect in Aspect)
    return Judged(purpose, decisions, checklist(case_of(person, purpose, on, Aspect.PHOTO, circumstances), policy))
