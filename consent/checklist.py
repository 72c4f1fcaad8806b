"""Explain a decision: everything that has to hold for somebody to be shown, what of it does, and what would change it.

Nothing is decided here: each line asks `consent.policy.faults`, so that an explanation cannot differ from the decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from consent.model import Aspect, Purpose
from consent.policy import Fault, case_of, faults
from consent.procedures import (
    Attested,
    Case,
    EveryGuardian,
    FaceAtMost,
    FirstNameOnly,
    GroupOf,
    Independent,
    Policy,
    Registered,
    Rule,
    SignedOff,
    StudentLimit,
)
from consent.reasons import Reason

__all__ = ["Line", "case_of", "checklist"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that has to hold.

    Attributes:
        what: In words.
        holds: Whether it does.
        clause: The clause behind it.
        why: Why it does not hold; empty where it does.
        change: What would have to change; empty where it holds.
    """

    what: str
    holds: bool
    clause: str
    why: str = ""
    change: str = ""


_HELD = "whoever asked for it has to lift it"
_NEW_FORM = "a new form, signed and dated, with a yes to this purpose"
# What always has to hold: in words, and by reason what would change it.
_ALWAYS: tuple[tuple[str, dict[Reason, str]], ...] = (
    (
        "nothing overrides every yes",
        {
            Reason.COURT_ORDER: "the order has to end",
            Reason.DO_NOT_PUBLISH: _HELD,
            Reason.CULTURAL_HOLD: _HELD,
        },
    ),
    ("consent was not withdrawn", {Reason.WITHDRAWN: "consent has to be given again"}),
    ("not a personal account", {Reason.PERSONAL_ACCOUNT: "publish on an account of the school or division"}),
    (
        "may be recognised in photos",
        {Reason.NO_BIOMETRICS: "the form has to allow recognition (biometric_ok), or nobody can say who it is"},
    ),
    (
        "nobody who was asked said anything but yes",
        {
            Reason.REFUSED: "whoever said no has to say yes, on a new form",
            Reason.CONFLICTING: "the rows of the roster have to agree",
            Reason.UNKNOWN_VALUE: "the roster has to say yes or no",
            Reason.BLANK: _NEW_FORM,
        },
    ),
    (
        "signed, and by somebody who may consent",
        {
            Reason.UNSIGNED: "the roster has to tell who signed",
            Reason.SIGNER_UNTOLD: "the roster has to tell in what role it was signed (signer_role)",
            Reason.SIGNER_NOT_ENTITLED: "a guardian of a student under 18, or else the person, has to sign",
        },
    ),
    (
        "in force on this day",
        {
            Reason.UNDATED: "the roster has to tell when it was signed and until when it holds",
            Reason.SIGNED_IN_FUTURE: "the date of signature has to be put right",
            Reason.NOT_YET_VALID: "wait for its first day",
            Reason.EXPIRED: "a new form for this school year",
        },
    ),
)


def checklist(case: Case, policy: Policy) -> tuple[Line, ...]:
    """Give every condition for showing somebody, those of the policy last.

    Every line holds exactly where `consent.policy.decide` shows the person.
    """
    found = list(faults(case, policy))
    return (*_always(case, policy, found), *_asked(case, policy))


def _always(case: Case, policy: Policy, found: list[Fault]) -> Iterator[Line]:
    for what, changes in _ALWAYS:
        broken = [fault for fault in found if fault.reason in changes]
        for fault in broken:
            yield Line(what, False, fault.clause, fault.reason.words, changes[fault.reason])
        if not broken and _concerns(changes, case):
            yield Line(what, True, policy.clause_for(next(iter(changes)), case.purpose, case.aspect))


def _concerns(changes: dict[Reason, str], case: Case) -> bool:
    """Only a face is recognised; and a form that nobody answered is neither signed nor in force."""
    if Reason.NO_BIOMETRICS in changes:
        return case.aspect is Aspect.PHOTO
    return bool(case.relied) or not changes.keys() & {Reason.UNSIGNED, Reason.UNDATED}


def _asked(case: Case, policy: Policy) -> Iterator[Line]:
    for rule in policy.rules_for(case.purpose, case.aspect):
        if rule.condition is not None:
            reason = rule.condition.broken(case)
            why, change = (reason.words, change_for(rule)) if reason else ("", "")
            yield Line(rule.says, reason is None, policy.cited(rule), why, change)


def change_for(rule: Rule) -> str:
    """Say what would make a rule's condition hold.

    >>> change_for(Rule("site", "1", "", condition=Registered()))
    'publish to a registered destination (--to NAME)'
    """
    return next((words for kind, words in _CHANGES if isinstance(rule.condition, kind)), "what the clause asks for")


_CHANGES: tuple[tuple[type, str], ...] = (
    (SignedOff, "those have to agree, others than the operator (--sign-off ROLE:NAME --operator NAME)"),
    (Attested, "the operator has to attest it (--attest --operator NAME)"),
    (Registered, "publish to a registered destination (--to NAME)"),
    (Independent, "the roster has to tell both birth date and independence, and the student has to sign"),
    (EveryGuardian, "every guardian of the column `guardians` has to sign a yes"),
    (StudentLimit, "wait, or choose photos that show others"),
    (GroupOf, "a photo with more people"),
    (FaceAtMost, "a photo from farther away"),
    (FirstNameOnly, "print the first name alone"),
)


def purposes_told(rule: Rule) -> str:
    """Say what a rule holds for."""
    return ", ".join(purpose.value for purpose in Purpose if purpose in rule.purposes) or "every purpose"
