"""What the page's scripts are told about the faces of a photo: where, what was decided, why, and what may be said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consent.reasons import Reason, Verdict
from imgguard.caption_names import CaptionName, Printed, caption_for
from imgguard.marks import possible
from imgguard.page.texts import Text, word_key
from imgguard.page.wording import clause_shown
from imgguard.rules import Rules
from imgguard.types import FaceResult, Outcome

_DOUBTFUL = {Outcome.AMBIGUOUS, Outcome.CONTRADICTED, Outcome.NOT_COMPARABLE}
# Below the threshold by so little that somebody of the roster may be meant.
_NEAR = 0.08
_BY_OPERATOR = {Reason.COVERED_BY_OPERATOR, Reason.NOBODY_THERE}


def face_views(faces: Sequence[FaceResult], rules: Rules, text: Text) -> list[dict[str, Any]]:
    """Give the faces of a photo as `viewer.js` wants them, in the order in which they were found.

    Args:
        faces: Of one photo, as they were decided.
        rules: Under which they were.
        text: Gives the sentences of the page's language.

    Returns:
        For each face `n`, `box` [x1, y1, x2, y2] in pixels of the upright source, `state` ("kept", "covered",
        "doubtful" or "cropped"), `reason`, `words`, `clause`, `name` (only where it may be printed), `by_operator`,
        `can` (the kinds of marks that are possible) and `label`, all of it in one sentence for those who listen.
    """
    names = _names(faces, rules)
    return [_view(n, face, names.get(n, ""), rules, text) for n, face in enumerate(faces, 1)]


def state_of(face: FaceResult) -> str:
    """Tell in one word what becomes of a face."""
    if face.cropped_out:
        return "cropped"
    if face.decision.verdict is Verdict.KEEP and face.cover is None:
        return "kept"
    return "doubtful" if _is_doubtful(face) else "covered"


def _is_doubtful(face: FaceResult) -> bool:
    if face.decision.reason in _BY_OPERATOR or face.decision.subject_id:
        return False
    near = bool(face.candidates) and face.threshold is not None and face.candidates[0].score >= face.threshold - _NEAR
    return face.outcome in _DOUBTFUL or (face.outcome is Outcome.NON_MATCH and near)


def _view(n: int, face: FaceResult, name: str, rules: Rules, text: Text) -> dict[str, Any]:
    box, state, reason = face.detection.box, state_of(face), face.decision.reason
    words = face_words(face, text)
    said = text(f"viewer.{state}_one", words=words, name=name or text("viewer.no_name"))
    return {
        "n": n,
        "box": [round(value, 1) for value in (box.x1, box.y1, box.x2, box.y2)],
        "state": state,
        "reason": reason.value,
        "words": words,
        "clause": clause_shown(face.decision.clause),
        "name": name,
        "by_operator": reason in _BY_OPERATOR or face.outcome is Outcome.CONFIRMED,
        "can": sorted(kind.value for kind in possible(face, rules)),
        "label": text("viewer.face", n=n, said=said),
    }


def face_words(face: FaceResult, text: Text) -> str:
    """Give why a face is kept or covered; one that resembles somebody of the roster is not told to be nobody."""
    if state_of(face) == "doubtful" and face.outcome is Outcome.NON_MATCH:
        return text("viewer.nearly")
    return reason_words(face.decision.reason, text)


def _names(faces: Sequence[FaceResult], rules: Rules) -> dict[int, str]:
    """Give the first names that may be printed, by the number of the face."""
    if rules.purpose is None:
        return {}
    shown = ((n, caption_for([face], rules)) for n, face in enumerate(faces, 1))
    return {n: _first(one, rules) for n, found in shown for one in found if one.text}


def _first(one: CaptionName, rules: Rules) -> str:
    return rules.subjects[one.subject_id].given_name if one.printed is Printed.FULL else one.text


def reason_words(reason: Reason, text: Text) -> str:
    """Give a reason in the page's language."""
    return text(word_key(reason))
