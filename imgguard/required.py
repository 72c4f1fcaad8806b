"""Cover whoever was visible in an earlier version and must not be now, whatever recognition makes of them today.

A face that was known last year may be a stranger's today, or somebody else's: another threshold, other ID photos, a
newer model. The record knows where it was, and that place is covered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from consent.policy import Decision, Verdict
from imgguard.covers import cover_for
from imgguard.grouping import same_face
from imgguard.types import BoundingBox, Detection, FaceResult, Required, Source

if TYPE_CHECKING:
    from imgguard.rules import Rules

# A kept face that has so much of the smaller box in common with a required one may be the person behind it.
_MAY_BE = 0.25
# Where landmarks lie in the box of an upright face, in shares of it.
_LANDMARKS = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))


def cover_required(
    faces: Sequence[FaceResult], required: Iterable[Required], rules: Rules
) -> tuple[tuple[FaceResult, ...], tuple[FaceResult, ...]]:
    """Cover the faces that may be a required one, and every required place that no cover holds then.

    Args:
        faces: What was found and decided.
        required: Who must be covered.
        rules: What holds for the run.

    Returns:
        The same faces in the same order, decided anew; and further ones, for places where nobody was found.
    """
    required = tuple(required)
    changed = tuple(_covered(face, required, rules) for face in faces)
    held = [face.detection.box for face in changed if face.cover is not None]
    missing = [one for one in required if not any(_contains(box, one.box) for box in held)]
    return changed, tuple(_face_at(one, rules) for one in missing)


def _covered(face: FaceResult, required: Sequence[Required], rules: Rules) -> FaceResult:
    box = face.detection.box
    same = [one for one in required if same_face(box, one.box)]
    near = [one for one in required if _may_be(box, one.box)]
    if face.cover is None and (same or near):
        return _under(face, face.detection, (same or near)[0].decision, same, rules)
    if face.cover is not None and any(not _contains(box, one.box) for one in same):
        return _under(face, face.detection, face.decision, same, rules)
    return face


def _under(
    face: FaceResult, detection: Detection, decision: Decision, same: Sequence[Required], rules: Rules
) -> FaceResult:
    """Cover a face together with the places at which it was seen before."""
    assert decision.verdict is Verdict.COVER
    whole = replace(detection, box=_around(detection.box, *(one.box for one in same)))
    return replace(face, detection=whole, decision=decision, cover=cover_for(whole, rules.style, rules.covering.extent))


def _face_at(one: Required, rules: Rules) -> FaceResult:
    box = one.box
    points = [(box.x1 + x * box.width, box.y1 + y * box.height) for x, y in _LANDMARKS]
    detection = Detection(box, one.score, np.array(points, np.float32), Source.RECORD)
    cover = cover_for(detection, rules.style, rules.covering.extent)
    return FaceResult(detection, None, (), None, None, one.decision, cover)


def _may_be(box: BoundingBox, other: BoundingBox) -> bool:
    least = _MAY_BE * min(box.area, other.area)
    return box.overlap(other) >= least > 0 or box.holds(other.center) or other.holds(box.center)


def _contains(box: BoundingBox, other: BoundingBox) -> bool:
    return box.x1 <= other.x1 and box.y1 <= other.y1 and box.x2 >= other.x2 and box.y2 >= other.y2


def _around(*boxes: BoundingBox) -> BoundingBox:
    return BoundingBox(
        min(box.x1 for box in boxes),
        min(box.y1 for box in boxes),
        max(box.x2 for box in boxes),
        max(box.y2 for box in boxes),
    )
