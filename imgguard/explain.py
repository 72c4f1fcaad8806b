"""Say in plain words why a face is kept or covered, with the numbers behind it."""

from __future__ import annotations

from consent.reasons import BY_OPERATOR
from imgguard.identify import FAMILY_LEAD, MIN_LEAD
from imgguard.types import Candidate, FaceResult, Outcome

_MOST_DIGITS = 6


def explain(face: FaceResult) -> str:
    """Explain the decision about a face.

    Args:
        face: A face with everything that was found and decided about it.

    Returns:
        One sentence without a full stop. People are named by number.
    """
    reason = face.decision.reason.words
    # What a person said needs no numbers.
    if face.decision.reason in BY_OPERATOR or face.outcome is None:
        return reason
    if face.outcome is Outcome.CONFIRMED:
        return f"{face.decision.subject_id}, as the operator says: {reason}"
    if face.threshold is None:
        return reason
    if face.outcome is Outcome.NOT_COMPARABLE:
        fault = face.quality.fault if face.quality else None
        return f"cannot be compared: {fault}" if fault else reason
    if not face.candidates:
        return "nobody is enrolled to compare with"
    if face.outcome is Outcome.NON_MATCH:
        return _too_low(face.candidates[0], face.threshold)
    if face.outcome is Outcome.AMBIGUOUS:
        return _ambiguous(face)
    if face.outcome is Outcome.CONTRADICTED:
        return (
            f"nearest is {_named(face.candidates[0])}, but {face.photos} photos of this face do not agree on who it is"
        )
    agreed = f", agreed by {face.photos} photos" if face.photos > 1 else ""
    return f"{_named(face.candidates[0])}{agreed}: {reason}"


def _too_low(nearest: Candidate, needed: float) -> str:
    """Name the nearest person; with as many digits as it takes to see that the score is lower."""
    digits = next((n for n in range(2, _MOST_DIGITS) if f"{nearest.score:.{n}f}" != f"{needed:.{n}f}"), _MOST_DIGITS)
    return f"nearest is {nearest.subject_id} with {nearest.score:.{digits}f}, {needed:.{digits}f} is needed"


def _ambiguous(face: FaceResult) -> str:
    first, *others = face.candidates
    if others and not first.score - others[0].score >= MIN_LEAD:
        return f"{_named(first)} and {_named(others[0])} are too near each other to tell"
    if any(not first.score - other.score >= FAMILY_LEAD for other in others):
        return f"{_named(first)} cannot be told from a relative, or is nearer to another face in this photo"
    return f"{_named(first)} is nearer to another face in this photo, and nobody is in it twice"


def _named(candidate: Candidate) -> str:
    return f"{candidate.subject_id} ({candidate.score:.2f})"
