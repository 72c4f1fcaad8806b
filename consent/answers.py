"""Count what a roster answers for each purpose, and whom that lets be seen: to look at before importing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from consent.model import Answer, Purpose, Subject
from consent.policy import decide
from consent.procedures import STRICT, UNTOLD, Circumstances, Policy
from consent.reasons import Reason, Verdict
from consent.roster import Roster

# Several signers may have answered; what is not yes weighs more.
_WEIGHT = (Answer.NO, Answer.CONFLICTING, Answer.UNKNOWN, Answer.BLANK, Answer.YES)


@dataclass(frozen=True, slots=True)
class Answers:
    """How many people answered what for a purpose.

    Attributes:
        purpose: What for.
        yes: How many said yes.
        no: How many said no.
        blank: How many said nothing.
        unclear: Whose answer is not understood, or contradicts another.
        seen: Who may be seen on the day.
        unseen: For those who said yes and may not be seen, the reasons, most frequent first.
    """

    purpose: Purpose
    yes: int
    no: int
    blank: int
    unclear: int
    seen: int
    unseen: tuple[tuple[Reason, int], ...]


def answer_counts(
    roster: Roster, on: date, *, policy: Policy = STRICT, circumstances: Circumstances = UNTOLD
) -> tuple[Answers, ...]:
    """Count the answers for each purpose that a roster has a column for.

    Args:
        roster: The roster.
        on: The day on which consents have to hold.
        policy: The procedure whose rules hold besides.
        circumstances: What those rules have to know.
    """
    people = tuple(roster.subjects.values())
    return tuple(_counted(people, purpose, on, policy, circumstances) for purpose in sorted(roster.purposes))


def _counted(
    people: Iterable[Subject], purpose: Purpose, on: date, policy: Policy, circumstances: Circumstances
) -> Answers:
    given, unseen, seen = Counter[Answer](), Counter[Reason](), 0
    for person in people:
        answer = answer_of(person, purpose)
        decision = decide(person, purpose, on, policy=policy, circumstances=circumstances)
        given[answer] += 1
        if decision.verdict is Verdict.KEEP:
            seen += 1
        elif answer is Answer.YES:
            unseen[decision.reason] += 1
    unclear = given[Answer.UNKNOWN] + given[Answer.CONFLICTING]
    plain = (given[Answer.YES], given[Answer.NO], given[Answer.BLANK])
    return Answers(purpose, *plain, unclear, seen, tuple(unseen.most_common()))


def answer_of(person: Subject, purpose: Purpose) -> Answer:
    """Give what a person's forms answer for a purpose, taken together."""
    given = {consent.answer for consent in person.asked(purpose)}
    return next((answer for answer in _WEIGHT if answer in given), Answer.BLANK)
