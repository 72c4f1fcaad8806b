"""Hold what was published against today's forms: whose consent is gone since, and whose is about to go. Pure.

Only the forms are asked again. What a procedure asks of a publication besides (sign-offs, limits, group sizes) was met
when it was published, and does not end. Nor does a yes to being shown end where the yes to being recognised does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from consent.model import Purpose, Subject
from consent.numbers import NumberIndex
from consent.policy import Decision, decide
from consent.reasons import Reason, Verdict
from consent.showings import Showing, still_open

_LONGEST = 3660


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
    """

    showing: Showing
    gone: Gone
    reason: Reason
    until: date | None = None

    @property
    def words(self) -> str:
        """Why it is listed, as a person would say it."""
        if self.until is not None:
            return f"{self.gone.words} after {self.until}"
        if self.gone in (Gone.TAKEN_AWAY, Gone.ON_HOLD):
            return f"{self.gone.words}: {self.reason.words}"
        return self.gone.words


def recheck(
    everything: Iterable[Showing], people: Mapping[str, Subject], on: date, *, within: int = 0
) -> tuple[Lapse, ...]:
    """Find everybody who is to be seen on a published file without a consent that holds today.

    Args:
        everything: Who is on which file; see `consent.showings.showings`.
        people: Who is in today's roster, by number, withdrawals included; nobody who vanished from it.
        on: The day.
        within: Also list consents that end within so many days, 0 to 3660.

    Returns:
        One lapse for each person and file, in the order given.
    """
    later = on + timedelta(days=max(0, min(within, _LONGEST)))
    index = NumberIndex(people)
    found = (_lapse(showing, _find(showing, people, index), on, later) for showing in still_open(everything))
    return tuple(lapse for lapse in found if lapse is not None)


def _find(showing: Showing, people: Mapping[str, Subject], index: NumberIndex) -> Subject | None:
    found = index.find(showing.subject_id)
    return people[found.number] if found else None


def _lapse(showing: Showing, person: Subject | None, on: date, later: date) -> Lapse | None:
    if person is None:
        return Lapse(showing, Gone.VANISHED, Reason.BLANK)
    today = shown_today(person, showing.file.purpose, on)
    if today.verdict is Verdict.COVER:
        return Lapse(showing, _BY_REASON.get(today.reason, Gone.TAKEN_AWAY), today.reason)
    if shown_today(person, showing.file.purpose, later).verdict is Verdict.KEEP:
        return None
    until = max(consent.valid_until or on for consent in today.relied)
    return Lapse(showing, Gone.EXPIRES_SOON, today.reason, until)


def shown_today(person: Subject, purpose: Purpose | None, on: date) -> Decision:
    """Decide by the forms alone whether a person might be shown."""
    if purpose is None:
        return Decision(Verdict.COVER, Reason.NO_RECOGNITION, person.subject_id)
    return decide(replace(person, biometric_ok=True), purpose, on)
