"""Hold what was published against today's forms: whose consent is gone since, and whose is about to go. Pure.

Only the forms are asked again, as the procedure reads them under which a photo was published: every guardian, who is
independent. What it asks of a publication besides (sign-offs, limits, group sizes) was met then, and does not end. Nor
does a yes to being shown end where the yes to being recognised does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from consent.model import Purpose, Subject
from consent.numbers import NumberIndex
from consent.policy import Decision, decide
from consent.procedures import STRICT, EveryGuardian, Independent, Policy
from consent.reasons import Reason, Verdict
from consent.showings import Showing, still_open

_LONGEST = 3660
_OF_FORMS = (EveryGuardian, Independent, type(None))
_STRICT_ALONE: Mapping[str, Policy] = MappingProxyType({})


class Gone(StrEnum):
    """How a consent that a published photo stands on came to its end, or will."""

    WITHDRAWN = "withdrawn"
    ON_HOLD = "on_hold"
    VANISHED = "vanished"
    TAKEN_AWAY = "taken_away"
    EXPIRED = "expired"
    EXPIRES_SOON = "expires_soon"

    @property
    def words(self) -> str:
        """The same as a person would say it."""
        return _WORDS[self]


_WORDS = {
    Gone.WITHDRAWN: "consent was withdrawn",
    Gone.ON_HOLD: "must not be published",
    Gone.VANISHED: "not in the roster any more",
    Gone.TAKEN_AWAY: "the roster has no consent any more",
    Gone.EXPIRED: "consent has run out",
    Gone.EXPIRES_SOON: "consent will run out",
}
_BY_REASON = {
    Reason.WITHDRAWN: Gone.WITHDRAWN,
    Reason.COURT_ORDER: Gone.ON_HOLD,
    Reason.DO_NOT_PUBLISH: Gone.ON_HOLD,
    Reason.CULTURAL_HOLD: Gone.ON_HOLD,
    Reason.EXPIRED: Gone.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Lapse:
    """Somebody who is to be seen on a published file without a consent that holds, or not for long.

    Attributes:
        showing: Who is to be seen where.
        gone: How the consent ended.
        reason: Why the person would be covered today; CONSENTED where the consent still holds.
        until: The last day on which it holds, where it is about to end; else None.
        clause: The clause of the procedure behind it; empty where it names none.
    """

    showing: Showing
    gone: Gone
    reason: Reason
    until: date | None = None
    clause: str = ""

    @property
    def words(self) -> str:
        """Why it is listed, as a person would say it."""
        told = self.gone.words
        if self.until is not None:
            told += f" after {self.until}"
        elif self.gone in (Gone.TAKEN_AWAY, Gone.ON_HOLD):
            told += f": {self.reason.words}"
        return f"{told} ({self.clause})" if self.clause else told


def recheck(
    everything: Iterable[Showing],
    people: Mapping[str, Subject],
    on: date,
    *,
    within: int = 0,
    policies: Mapping[str, Policy] = _STRICT_ALONE,
) -> tuple[Lapse, ...]:
    """Find everybody who is to be seen on a published file without a consent that holds today.

    Args:
        everything: Who is on which file; see `consent.showings.showings`.
        people: Who is in today's roster, by number, withdrawals included; nobody who vanished from it.
        on: The day.
        within: Also list consents that end within so many days, 0 to 3660.
        policies: The procedures by name; one that is missing is the strict default.

    Returns:
        One lapse for each person and file, in the order given.
    """
    later = on + timedelta(days=max(0, min(within, _LONGEST)))
    index = NumberIndex(people)
    rules = forms_alone(policies)
    found = (
        _lapse(showing, _find(showing, people, index), rules.get(showing.file.policy, STRICT), on, later)
        for showing in still_open(everything)
    )
    return tuple(lapse for lapse in found if lapse is not None)


def _find(showing: Showing, people: Mapping[str, Subject], index: NumberIndex) -> Subject | None:
    found = index.find(showing.subject_id)
    return people[found.number] if found else None


def _lapse(showing: Showing, person: Subject | None, policy: Policy, on: date, later: date) -> Lapse | None:
    if person is None:
        return Lapse(showing, Gone.VANISHED, Reason.BLANK)
    today = shown_today(person, showing.file.purpose, on, policy)
    if today.verdict is Verdict.COVER:
        gone = _BY_REASON.get(today.reason, Gone.TAKEN_AWAY)
        return Lapse(showing, gone, today.reason, clause=today.clause)
    if shown_today(person, showing.file.purpose, later, policy).verdict is Verdict.KEEP:
        return None
    until = max(consent.valid_until or on for consent in today.relied)
    return Lapse(showing, Gone.EXPIRES_SOON, today.reason, until)


def forms_alone(policies: Mapping[str, Policy]) -> dict[str, Policy]:
    """Leave of each procedure what its forms answer: no rule that asks for something of a publication."""
    return {
        name: replace(policy, rules=tuple(rule for rule in policy.rules if isinstance(rule.condition, _OF_FORMS)))
        for name, policy in policies.items()
    }


def shown_today(person: Subject, purpose: Purpose | None, on: date, policy: Policy = STRICT) -> Decision:
    """Decide by the forms alone whether a person might be shown.

    Args:
        person: Who.
        purpose: What the photo was published for.
        on: The day.
        policy: A procedure with rules about forms alone; see `forms_alone`.
    """
    if purpose is None:
        return Decision(Verdict.COVER, Reason.NO_RECOGNITION, person.subject_id)
    return decide(replace(person, biometric_ok=True), purpose, on, policy=policy)
