"""Do what a person said about a photo, as far as it may be done: see `imgguard.marks`.

It is done twice in a run of many photos, before they are counted and when each is cleaned, so doing it again changes
nothing: what was said before is first taken out of what was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consent.policy import Decision, Reason, Verdict
from consent.store import Store
from imgguard.covers import area_for, cover_for
from imgguard.marks import Mark, MarkKind, kinds_for, means, nameable, place_of, possible, search_of
from imgguard.types import BoundingBox, Candidate, Detection, FaceResult, Identification, Outcome, Probe, Source

if TYPE_CHECKING:
    from imgguard.rules import Rules

# A kept face that has so much of its box under a drawn cover, or its middle, is covered whole.
_UNDER = 0.25
# Where landmarks lie in the box of an upright face, in shares of it.
_LANDMARKS = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What a person said about a photo, held against what was found in it.

    Attributes:
        found: The faces with who they are, and whom nobody is; where somebody was named whom nobody had found, that
            place is a further face.
        marks: What is done, in the order in which it was said.
        open: Places that are said to show nobody and where nobody was found: they answer for what the check finds.
    """

    found: tuple[Identification, ...]
    marks: tuple[Mark, ...]
    open: tuple[Mark, ...]

    @property
    def covers(self) -> tuple[Mark, ...]:
        """What is to be covered."""
        return tuple(mark for mark in self.marks if mark.kind is MarkKind.COVER)


def settle(found: Sequence[Identification], marks: Iterable[Mark], rules: Rules) -> Settled:
    """Find out which faces are meant, and do what may be done before anything is decided.

    Of what was said about one place the last counts. What may not be done is left out, and takes nothing back.

    Args:
        found: The faces of the photo.
        marks: What was said about it, in order.
        rules: What holds for the run.
    """
    faces = _as_searched(found)
    boxes = [face.probe.detection.box for face in faces]
    done: list[Mark] = []
    waiting: list[Mark] = []
    for mark in marks:
        index = place_of(mark.box, boxes)
        if not mark.box.area > 0:
            continue
        if mark.kind is MarkKind.NOBODY and index is None:
            waiting.append(mark)
            continue
        others = [one for one in done if not _is_answered(one, mark, boxes)]
        if mark.kind is MarkKind.COVER or _may(mark, index, faces, others, rules):
            done = [*others, mark]
    return Settled(_said(faces, done, boxes), tuple(done), tuple(waiting))


def _as_searched(found: Iterable[Identification]) -> tuple[Identification, ...]:
    """Take out what was said."""
    return tuple(
        replace(face, outcome=search_of(face.outcome, face.searched), confirmed=None, searched=None, nobody=False)
        for face in found
        if face.probe.detection.source is not Source.OPERATOR
    )


def _is_answered(earlier: Mark, mark: Mark, boxes: Sequence[BoundingBox]) -> bool:
    """Say whether a later mark takes an earlier one's place; a drawn cover stays, whatever is said of faces in it."""
    if means(mark.box, earlier.box):
        return True
    index = place_of(mark.box, boxes)
    if index is None or index != place_of(earlier.box, boxes):
        return False
    return earlier.kind is not MarkKind.COVER or means(earlier.box, boxes[index])


def _may(mark: Mark, index: int | None, faces: Sequence[Identification], others: Iterable[Mark], rules: Rules) -> bool:
    if index is None:
        search, candidates = None, tuple[Candidate, ...]()
        kinds = frozenset() if _meets_any(mark.box, faces) else frozenset({MarkKind.PERSON})
    else:
        search, candidates = faces[index].outcome, faces[index].candidates
        kinds = kinds_for(faces[index].probe.detection, search)
    if mark.kind is not MarkKind.PERSON:
        return mark.kind in kinds
    named = {face.subject_id for face in faces} | {one.subject_id for one in others if one.kind is MarkKind.PERSON}
    return (
        mark.kind in kinds and mark.subject_id not in named and mark.subject_id in nameable(candidates, search, rules)
    )


def _meets_any(box: BoundingBox, faces: Iterable[Identification]) -> bool:
    """Say whether a drawn face and a found one lie on each other: then nobody can tell which of them is meant."""
    return any(box.holds(one.center) or one.holds(box.center) for one in (f.probe.detection.box for f in faces))


def _said(
    faces: Sequence[Identification], done: Iterable[Mark], boxes: Sequence[BoundingBox]
) -> tuple[Identification, ...]:
    told = list(faces)
    for mark in done:
        index = place_of(mark.box, boxes)
        if mark.kind is MarkKind.PERSON and index is None:
            told.append(_drawn_face(mark))
        elif mark.kind is MarkKind.PERSON and index is not None:
            before = told[index]
            told[index] = replace(before, outcome=Outcome.CONFIRMED, confirmed=mark.subject_id, searched=before.outcome)
        elif mark.kind is MarkKind.NOBODY and index is not None:
            told[index] = replace(told[index], nobody=True)
    return tuple(told)


def _drawn_face(mark: Mark) -> Identification:
    probe = Probe(_drawn(mark.box), None, None)
    return Identification(probe, (), Outcome.CONFIRMED, None, confirmed=mark.subject_id)


def _drawn(box: BoundingBox) -> Detection:
    points = [(box.x1 + x * box.width, box.y1 + y * box.height) for x, y in _LANDMARKS]
    return Detection(box, 0.0, np.array(points, np.float32), Source.OPERATOR)


def lay_covers(
    faces: Sequence[FaceResult], settled: Settled, rules: Rules, size: tuple[int, int]
) -> tuple[tuple[FaceResult, ...], tuple[FaceResult, ...]]:
    """Cover what a person wants to be covered.

    Args:
        faces: The decided faces.
        settled: What was said.
        rules: What holds for the run.
        size: Width and height of the photo.

    Returns:
        The same faces in the same order; and further areas, where something was drawn that is no face's own box.
        Whoever is under a drawn area is covered whole.
    """
    boxes = [face.detection.box for face in faces]
    changed, areas = list(faces), list[FaceResult]()
    for mark in settled.covers:
        index = place_of(mark.box, boxes)
        touched = index is not None and means(mark.box, boxes[index])
        for n, face in enumerate(changed):
            if n == index or (not touched and _is_under(boxes[n], mark.box)):
                changed[n] = covered_by_operator(face, rules)
        drawn = mark.box.clipped(size)
        if not touched and drawn.area > 0:
            areas.append(_area(drawn, rules))
    return tuple(changed), tuple(areas)


def covered_by_operator(face: FaceResult, rules: Rules) -> FaceResult:
    """Cover a face because a person said so; one that is covered already keeps its reason."""
    if face.cover is not None:
        return face
    decision = Decision(Verdict.COVER, Reason.COVERED_BY_OPERATOR, face.decision.subject_id)
    cover = cover_for(face.detection, rules.style, rules.covering.extent)
    return replace(face, decision=decision, cover=cover)


def _is_under(face: BoundingBox, drawn: BoundingBox) -> bool:
    return drawn.holds(face.center) or face.overlap(drawn) >= _UNDER * face.area > 0


def _area(box: BoundingBox, rules: Rules) -> FaceResult:
    decision = Decision(Verdict.COVER, Reason.COVERED_BY_OPERATOR, None)
    return FaceResult(_drawn(box), None, (), None, None, decision, area_for(box, rules.style))


def answer_for(stray: FaceResult, settled: Settled) -> Mark | None:
    """Give what was said about a face that only the check found, if that may let it off."""
    if MarkKind.NOBODY not in possible(stray):
        return None
    return next((mark for mark in settled.open if place_of(mark.box, [stray.detection.box]) is not None), None)


def let_off(stray: FaceResult) -> FaceResult:
    """Leave visible what a person found to be no face."""
    return replace(stray, decision=Decision(Verdict.KEEP, Reason.NOBODY_THERE, None), cover=None)


def marks_of(school: Path, photo_id: int) -> tuple[Mark, ...]:
    """Give what a person said of a published photo, in order, as the record has it."""
    with Store(school) as store:
        rows: Any = store.query(
            "SELECT kind, x1, y1, x2, y2, subject_id, operator, marked_at FROM overrides WHERE photo_id = ?"
            " ORDER BY id",
            (photo_id,),
        )
    return tuple(
        Mark(MarkKind(kind), BoundingBox(*box), subject_id, operator, at)
        for kind, *box, subject_id, operator, at in rows
    )
