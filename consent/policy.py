"""Decide whether a face may be seen. Pure: no clock, no file, no image."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from consent.model import Answer, Consent, Purpose, Subject


class Verdict(StrEnum):
    """What happens to a face."""

    KEEP = "keep"
    COVER = "cover"


class Unidentified(StrEnum):
    """Why nobody of the roster stands for a face."""

    NO_MATCH = "no_match"
    AMBIGUOUS = "ambiguous"
    NOT_COMPARABLE = "not_comparable"
    CONTRADICTED = "contradicted"
    NO_RECOGNITION = "no_recognition"
    FOUND_BY_CHECK = "found_by_check"


class Reason(StrEnum):
    """Why a face is kept or covered. CONSENTED is the only reason to keep one."""

    CONSENTED = "consented"
    NO_MATCH = "no_match"
    AMBIGUOUS = "ambiguous"
    NOT_COMPARABLE = "not_comparable"
    CONTRADICTED = "contradicted"
    NO_RECOGNITION = "no_recognition"
    FOUND_BY_CHECK = "found_by_check"
    DO_NOT_PUBLISH = "do_not_publish"
    NO_BIOMETRICS = "no_biometrics"
    REFUSED = "refused"
    BLANK = "blank"
    UNKNOWN_VALUE = "unknown_value"
    CONFLICTING = "conflicting"
    UNSIGNED = "unsigned"
    UNDATED = "undated"
    SIGNED_IN_FUTURE = "signed_in_future"
    EXPIRED = "expired"

    @property
    def words(self) -> str:
        """The reason as a person would say it."""
        return _WORDS[self]


_WORDS = {
    Reason.CONSENTED: "consent covers this purpose",
    Reason.NO_MATCH: "nobody of the roster",
    Reason.AMBIGUOUS: "could be more than one person",
    Reason.NOT_COMPARABLE: "too small, blurred or turned to compare",
    Reason.CONTRADICTED: "photos of this event disagree about who it is",
    Reason.NO_RECOGNITION: "recognition is off, everybody is covered",
    Reason.FOUND_BY_CHECK: "found only by the check of the finished picture",
    Reason.DO_NOT_PUBLISH: "do not publish",
    Reason.NO_BIOMETRICS: "may not be recognised",
    Reason.REFUSED: "consent refused for this purpose",
    Reason.BLANK: "no answer for this purpose",
    Reason.UNKNOWN_VALUE: "the roster's answer is not understood",
    Reason.CONFLICTING: "the roster's rows disagree",
    Reason.UNSIGNED: "nobody signed",
    Reason.UNDATED: "no usable date of signature or end",
    Reason.SIGNED_IN_FUTURE: "signed later than today",
    Reason.EXPIRED: "consent has run out",
}

_NOT_YES = {
    Answer.NO: Reason.REFUSED,
    Answer.BLANK: Reason.BLANK,
    Answer.UNKNOWN: Reason.UNKNOWN_VALUE,
    Answer.CONFLICTING: Reason.CONFLICTING,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reason; `subject_id` is None where nobody was identified."""

    verdict: Verdict
    reason: Reason
    subject_id: str | None


def decide(person: Subject | Unidentified, purpose: Purpose, on: date) -> Decision:
    """Decide about one face.

    Args:
        person: Who it is, or why nobody can be named.
        purpose: What the photo is published for.
        on: The day of publishing.

    Returns:
        KEEP only where the person is known, may be recognised, and has signed a consent for exactly this
        purpose that holds on this day. COVER with its own reason in every other case.
    """
    if isinstance(person, Unidentified):
        return Decision(Verdict.COVER, Reason(person.value), None)
    reason = _reason_to_cover(person, purpose, on)
    if reason is None:
        return Decision(Verdict.KEEP, Reason.CONSENTED, person.subject_id)
    return Decision(Verdict.COVER, reason, person.subject_id)


def _reason_to_cover(person: Subject, purpose: Purpose, on: date) -> Reason | None:
    if person.do_not_publish:
        return Reason.DO_NOT_PUBLISH
    if not person.biometric_ok:
        return Reason.NO_BIOMETRICS
    consent = person.consents.get(purpose)
    return Reason.BLANK if consent is None else _weakness(consent, on)


def _weakness(consent: Consent, on: date) -> Reason | None:
    if consent.answer is not Answer.YES:
        return _NOT_YES[consent.answer]
    if not consent.signed_by:
        return Reason.UNSIGNED
    if consent.signed_on is None or consent.valid_until is None:
        return Reason.UNDATED
    if consent.signed_on > on:
        return Reason.SIGNED_IN_FUTURE
    return Reason.EXPIRED if consent.valid_until < on else None
