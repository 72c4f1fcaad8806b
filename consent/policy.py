"""Decide whether a face, a name or a work may be seen. Pure: no clock, no file, no image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from consent.model import Answer, Aspect, Consent, Hold, Purpose, SignerRole, Subject
from consent.procedures import OF_AGE, STRICT, UNTOLD, Case, Circumstances, Policy
from consent.reasons import Reason, Unidentified, Verdict

__all__ = ["Decision", "Fault", "Reason", "Unidentified", "Verdict", "case_of", "decide", "faults"]

# In the order in which they are named where several hold.
_HOLDS = ((Hold.COURT_ORDER, Reason.COURT_ORDER), (Hold.DO_NOT_PUBLISH, Reason.DO_NOT_PUBLISH),
          (Hold.CULTURAL_HOLD, Reason.CULTURAL_HOLD))  # fmt: skip
_NOT_YES = (
    (Answer.NO, Reason.REFUSED),
    (Answer.CONFLICTING, Reason.CONFLICTING),
    (Answer.UNKNOWN, Reason.UNKNOWN_VALUE),
    (Answer.BLANK, Reason.BLANK),
)
_SIGN_OFFS = (SignerRole.PRINCIPAL, SignerRole.SUPERVISOR, SignerRole.SECOND_ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reason.

    Attributes:
        verdict: Shown or covered.
        reason: Why.
        subject_id: Who; None where nobody was identified.
        clause: The clause of the policy behind the reason; empty where it names none.
        relied: The consents that it stands on; empty where somebody is covered.
    """

    verdict: Verdict
    reason: Reason
    subject_id: str | None
    clause: str = ""
    relied: tuple[Consent, ...] = ()


def decide(
    person: Subject | Unidentified,
    purpose: Purpose,
    on: date,
    *,
    aspect: Aspect = Aspect.PHOTO,
    policy: Policy = STRICT,
    circumstances: Circumstances = UNTOLD,
) -> Decision:
    """Decide about one face, name or work.

    Args:
        person: Who it is, or why nobody can be named.
        purpose: What the photo is published for.
        on: The day of publishing.
        aspect: What of the person.
        policy: The procedure whose rules hold besides; they can only cover.
        circumstances: What those rules have to know.

    Returns:
        KEEP only where the person is known, may be recognised, nothing overrides consent, nobody who was asked
        has said anything but yes, and somebody entitled has signed a consent for exactly this purpose and aspect
        that holds on this day; and where the policy asks for nothing that is missing. COVER in every other case.
    """
    # A purpose given as plain text must not slip past what is asked of it by identity.
    purpose, aspect = Purpose(purpose), Aspect(aspect)
    if isinstance(person, Unidentified):
        unknown = Reason(person.value)
        return Decision(Verdict.COVER, unknown, None, policy.clause_for(unknown, purpose))
    case = case_of(person, purpose, on, aspect, circumstances)
    fault = next(faults(case, policy), None)
    if fault is not None:
        return Decision(Verdict.COVER, fault.reason, person.subject_id, fault.clause)
    clause = policy.clause_for(Reason.CONSENTED, purpose, aspect)
    return Decision(Verdict.KEEP, Reason.CONSENTED, person.subject_id, clause, case.relied)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that keeps somebody from being shown.

    Attributes:
        reason: What.
        clause: The clause behind it; empty where the policy names none.
    """

    reason: Reason
    clause: str


def faults(case: Case, policy: Policy) -> Iterator[Fault]:
    """Give everything that keeps a known person from being shown, what weighs most first; nothing for a KEEP."""
    reasons = _overriding(case.person, case.purpose, case.aspect)
    reasons += _refusing(case.person.asked(case.purpose, case.aspect))
    if not case.relied:
        reasons += _weak(case)
    for reason in dict.fromkeys(reasons):
        yield Fault(reason, policy.clause_for(reason, case.purpose, case.aspect))
    for reason, rule in policy.all_broken(case):
        yield Fault(reason, policy.cited(rule))


def case_of(
    person: Subject, purpose: Purpose, on: date, aspect: Aspect = Aspect.PHOTO, circumstances: Circumstances = UNTOLD
) -> Case:
    """Give what is judged about a known person."""
    return Case(person, purpose, aspect, on, _relied(person, purpose, aspect, on), circumstances)


def _relied(person: Subject, purpose: Purpose, aspect: Aspect, on: date) -> tuple[Consent, ...]:
    """The consents that hold on a day."""
    return tuple(c for c in _answers(person, purpose, aspect) if _weakness(person, c, on) is None)


def _answers(person: Subject, purpose: Purpose, aspect: Aspect) -> list[Consent]:
    """The answers of those who may consent at all; sign-offs of the school are none."""
    return [c for c in person.asked(purpose, aspect) if c.signer_role not in _SIGN_OFFS]


def _weak(case: Case) -> list[Reason]:
    """Why none of the answers is a consent; there is always a reason."""
    answers = _answers(case.person, case.purpose, case.aspect)
    weak = [weakness for c in answers if (weakness := _weakness(case.person, c, case.on))]
    return weak or [Reason.BLANK]


def _overriding(person: Subject, purpose: Purpose, aspect: Aspect) -> list[Reason]:
    """What no answer can outweigh."""
    found = [reason for hold, reason in _HOLDS if hold in person.holds]
    found += [Reason.WITHDRAWN] if purpose in person.withdrawn else []
    found += [Reason.PERSONAL_ACCOUNT] if purpose is Purpose.PERSONAL_ACCOUNT else []
    # A caption and a child's work need no recognition; a face does.
    found += [Reason.NO_BIOMETRICS] if aspect is Aspect.PHOTO and not person.biometric_ok else []
    return found


def _refusing(asked: tuple[Consent, ...]) -> list[Reason]:
    """Any answer but yes, whoever gave it, outweighs every yes."""
    answers = {consent.answer for consent in asked}
    return [reason for answer, reason in _NOT_YES if answer in answers]


def _weakness(person: Subject, consent: Consent, on: date) -> Reason | None:
    """Why a yes is no consent; None where it is one."""
    if not consent.signed_by:
        return Reason.UNSIGNED
    if consent.signed_on is None or consent.valid_until is None:
        return Reason.UNDATED
    if consent.signed_on > on:
        return Reason.SIGNED_IN_FUTURE
    if consent.valid_from is not None and consent.valid_from > on:
        return Reason.NOT_YET_VALID
    if consent.valid_until < on:
        return Reason.EXPIRED
    if consent.signer_role is SignerRole.UNTOLD:
        return Reason.SIGNER_UNTOLD
    return None if _entitled(person, consent.signer_role, consent.signed_on) else Reason.SIGNER_NOT_ENTITLED


def _entitled(person: Subject, role: SignerRole, signed_on: date) -> bool:
    """Tell who may sign: adults of the school for themselves; for students a guardian until they are of age."""
    age = person.age(signed_on)
    for_themselves = person.is_staff or person.independent or (age is not None and age >= OF_AGE)
    return role is (SignerRole.SELF if for_themselves else SignerRole.GUARDIAN)
