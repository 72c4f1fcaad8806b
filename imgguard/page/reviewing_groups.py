"""The doubtful faces of a folder, those of one person side by side: what is seen once is decided once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consent.reviews import Kind
from imgguard.grouping import same_face
from imgguard.linking import LINK_SCORE, alike
from imgguard.marks import MarkKind, possible
from imgguard.page.face_views import face_words, state_of
from imgguard.page.reviewing import Reviewing
from imgguard.page.reviewing_items import Item
from imgguard.page.reviewing_said import verdict_of
from imgguard.page.texts import Text
from imgguard.types import FaceResult, Identification

# Somewhat less alike than what links decide by themselves: here a person looks.
_LIKE_ENOUGH = LINK_SCORE - 0.08

_Face = tuple[Item, int]


def doubtful_groups(review: Reviewing, text: Text) -> list[dict[str, Any]]:
    """Give the doubtful faces that look alike together, the largest group first; not of photos that are decided.

    Embeddings stay in this process: the page gets pictures, numbers and sentences.
    """
    faces = [(item, n) for item in review.items if item.cleaned for n in item.crops if _is_open(item, n)]
    return [_view(group, review, text) for group in _grouped(faces, review)]


def _is_open(item: Item, n: int) -> bool:
    assert item.cleaned is not None
    if verdict_of(item.made_with) is not Kind.OPEN:
        return False
    return n < len(item.cleaned.faces) and state_of(item.cleaned.faces[n]) == "doubtful"


def _grouped(faces: Sequence[_Face], review: Reviewing) -> list[list[_Face]]:
    gallery = review.guard.rules.gallery
    if gallery is None:
        return [[face] for face in faces]
    by_photo: dict[str, list[tuple[_Face, Identification]]] = {}
    for item, n in faces:
        found = _identified(item, n)
        if found is not None:
            by_photo.setdefault(item.key, []).append(((item, n), found))
    photos = list(by_photo.values())
    groups = alike([[found for _, found in photo] for photo in photos], gallery, _LIKE_ENOUGH)
    together = [[photos[photo][face][0] for photo, face in group] for group in groups]
    placed = {(item.key, n) for group in together for item, n in group}
    return together + [[face] for face in faces if (face[0].key, face[1]) not in placed]


def _identified(item: Item, n: int) -> Identification | None:
    assert item.cleaned is not None
    box = item.cleaned.faces[n].detection.box
    found = item.known.found if item.known else ()
    return next((one for one in found if same_face(one.probe.detection.box, box)), None)


def _view(group: Sequence[_Face], review: Reviewing, text: Text) -> dict[str, Any]:
    kinds = [possible(_face(item, n), review.guard.rules) for item, n in group]
    return {
        "nobody": any(MarkKind.NOBODY in one for one in kinds),
        "faces": [
            {
                "key": item.key, "n": n, "place": item.place, "box": _box(face), "words": face_words(face, text),
                "crop": f"/folder/{review.id}/picture/{item.key}/crop{n}?v={item.version}",
            }
            for item, n in group
            for face in [_face(item, n)]
        ],
    }  # fmt: skip


def _face(item: Item, n: int) -> FaceResult:
    assert item.cleaned is not None
    return item.cleaned.faces[n]


def _box(face: FaceResult) -> list[float]:
    box = face.detection.box
    return [box.x1, box.y1, box.x2, box.y2]
