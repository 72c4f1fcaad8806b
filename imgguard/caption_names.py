"""Which names may be printed below a photo: of people who are seen in it, and as far as each of them allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from consent.model import Aspect
from consent.policy import Decision, Verdict, decide
from imgguard.rules import Rules
from imgguard.types import FaceResult


class Printed(StrEnum):
    """How much of a name may be printed."""

    FULL = "full"
    FIRST = "first"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CaptionName:
    """One person of a caption.

    Attributes:
        subject_id: Who; for the operator, never for print.
        printed: How much may be printed.
        text: What may be printed; empty for nothing.
        decision: Why no more may be: the decision about the full name, or about the first where that is not allowed.
    """

    subject_id: str
    printed: Printed
    text: str
    decision: Decision


def caption_for(faces: Sequence[FaceResult], rules: Rules) -> tuple[CaptionName, ...]:
    """Give the people who are seen in a photo, from left to right, each with the name that may be printed.

    Whoever is covered is not named, nor counted: a caption must not tell who hides under a cover.

    Args:
        faces: The faces of one photo as they were decided.
        rules: Under which they were.
    """
    kept = [face for face in faces if face.decision.verdict is Verdict.KEEP and face.cover is None]
    kept.sort(key=lambda face: face.detection.box.x1 + face.detection.box.x2)
    return tuple(_named(face.decision.subject_id, rules) for face in kept if face.decision.subject_id)


def _named(subject_id: str, rules: Rules) -> CaptionName:
    assert rules.purpose is not None
    person = rules.subjects[subject_id]
    first, full = (
        decide(person, rules.purpose, rules.on, aspect=one, policy=rules.policy, circumstances=rules.circumstances)
        for one in (Aspect.FIRST_NAME, Aspect.FULL_NAME)
    )
    if first.verdict is not Verdict.KEEP or not person.given_name:
        return CaptionName(subject_id, Printed.NONE, "", first)
    # A full name is a first name and more: whoever does not allow the one cannot mean the other.
    if full.verdict is not Verdict.KEEP or not person.family_name:
        first_name = _first_name(person.given_name, person.family_name)
        return CaptionName(subject_id, Printed.FIRST if first_name else Printed.NONE, first_name, full)
    return CaptionName(subject_id, Printed.FULL, person.name, full)


def _first_name(given: str, family: str) -> str:
    """Leave out of a first name what is a last name, too: some schools write the whole name into that column."""
    words = given.split()
    last = set(family.casefold().split())
    kept = [word for word in words if word.casefold() not in last]
    return " ".join(kept if family else words[:1])
