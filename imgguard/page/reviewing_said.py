"""What was said of one photo: the marks that hold, and whether it was confirmed or left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consent.reviews import VERDICTS, Kind, Said
from imgguard.grouping import same_face
from imgguard.marks import Mark, MarkKind
from imgguard.types import BoundingBox

Words = Sequence[Said]


def marks_of(words: Words) -> tuple[Mark, ...]:
    """Give the marks of a photo, in order; what was taken back is not among them."""
    marks: list[Mark] = []
    for one in words:
        if one.box is None:
            continue
        box = BoundingBox(*one.box)
        if one.kind is Kind.BACK:
            marks = [mark for mark in marks if not same_place(mark.box, box)]
        elif one.kind is not Kind.PERSON or one.subject_id:
            # Whoever was forgotten since is nobody.
            marks.append(Mark(MarkKind(one.kind.value), box, one.subject_id, one.operator, one.at))
    return tuple(marks)


def verdict_of(words: Words) -> Kind:
    """Tell whether a photo was confirmed or left out last; OPEN where neither."""
    return next((one.kind for one in reversed(words) if one.kind in VERDICTS), Kind.OPEN)


def by_photo(said: Sequence[Said]) -> Mapping[str, Words]:
    """Give what was said of each photo, in order, by the photo's digest."""
    found: dict[str, list[Said]] = {}
    for one in said:
        found.setdefault(one.source_sha256, []).append(one)
    return {digest: tuple(words) for digest, words in found.items()}


def same_place(one: BoundingBox, other: BoundingBox) -> bool:
    """Tell whether two boxes are of one face, or one drawn place."""
    return same_face(one, other) or one.iou(other) > 0.5
