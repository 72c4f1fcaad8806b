"""What somebody agreed to: the photos as they were looked at, so that nothing else is published in their name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from consent.reviews import Kind, Release, Said
from imgguard.errors import SetupError
from imgguard.marks import Mark
from imgguard.page.face_views import state_of
from imgguard.page.reviewing_items import Item
from imgguard.page.reviewing_said import Words, by_photo, marks_of, verdict_of
from imgguard.types import CleanedPhoto, FaceResult, Refusal

NOT_LOOKED_AT = "not_looked_at"
_LENGTH = 16


def seen_of(item: Item) -> str:
    """Give what stands for a photo as it is shown: its bytes, what is decided about every face, and what was said."""
    faces = [_face(face) for face in item.cleaned.faces] if item.cleaned else item.refusal and item.refusal.kind
    told = [item.sha256, faces, item.cleaned and item.cleaned.window, verdict_of(item.made_with).value]
    return hashlib.sha256(json.dumps(told, default=int).encode()).hexdigest()[:_LENGTH]


def _face(face: FaceResult) -> list[Any]:
    box, decision = face.detection.box, face.decision
    place = [round(value) for value in (box.x1, box.y1, box.x2, box.y2)]
    return [place, decision.verdict.value, decision.reason.value, decision.subject_id, face.cropped_out]


def all_seen(items: Iterable[Item]) -> dict[str, str]:
    """Give what stands for every photo of a folder, by its key."""
    return {item.key: seen_of(item) for item in items}


def seen_by_first(agreed: Sequence[Release]) -> Mapping[str, str]:
    """Give what the person who releases has looked at; empty where that was not kept."""
    found: Mapping[str, str] = next((one.choices.get("seen") or {} for one in agreed if not one.role), {})
    return found


def require_seen(agreed: Sequence[Release], items: Iterable[Item]) -> None:
    """Make sure that the photos are those that were released.

    Raises:
        SetupError: if nobody has released them, or something about them is another.
    """
    if not any(not one.role for one in agreed):
        raise SetupError("Nobody has released this folder yet", "Release it first; then a second person agrees.")
    if seen_by_first(agreed) != all_seen(items):
        raise SetupError("Since this folder was released, something has changed about its photos", "Release it again.")


def _meaning(words: Words) -> tuple[tuple[Mark, ...], Kind]:
    return marks_of(words), verdict_of(words)


def require_made(said: Sequence[Said], items: Iterable[Item]) -> None:
    """Make sure that every photo is made with everything that was said of it.

    Raises:
        SetupError: if something was said while they were released.
    """
    words = by_photo(said)
    for item in items:
        told = words.get(item.sha256, ())
        if item.cleaned and _meaning(told) != _meaning(item.made_with):
            raise SetupError("Something was said about a photo a moment ago", "Wait until it is made anew.")


def only_seen(made: CleanedPhoto | Refusal, item: Item) -> CleanedPhoto | Refusal:
    """Refuse what was made anew if it shows somebody who was covered when it was looked at; it may well show less."""
    if isinstance(made, Refusal) or (item.cleaned and _visible(made) <= _visible(item.cleaned)):
        return made
    what = f"{item.source}: would show somebody who was covered when it was looked at"
    return Refusal(NOT_LOOKED_AT, what, "Look through the folder again.")


def _visible(photo: CleanedPhoto) -> set[tuple[int, ...]]:
    boxes = (face.detection.box for face in photo.faces if state_of(face) == "kept")
    return {tuple(round(value) for value in (box.x1, box.y1, box.x2, box.y2)) for box in boxes}
