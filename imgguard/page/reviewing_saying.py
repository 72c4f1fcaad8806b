"""Say something about photos of a folder: every mark is judged first, whoever posts it, and all of it is one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent import reviews
from consent.reviews import Kind, Said
from imgguard.errors import ImgguardError, SetupError
from imgguard.marks import Mark, MarkKind, check_mark
from imgguard.page.desk import Desk
from imgguard.page.face_views import state_of
from imgguard.page.reviewing import Reviewing
from imgguard.page.reviewing_items import Item
from imgguard.types import BoundingBox

_MOST = 5000
_COVER_ALL = "cover_all"
_ON_FACES = {Kind.COVER, Kind.NOBODY, Kind.PERSON}


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of it.

    Attributes:
        step: Its number; 0 where nothing could be said.
        refused: What was not allowed: the photo's key and why.
    """

    step: int
    refused: tuple[tuple[str, ImgguardError], ...]


def hear(review: Reviewing, desk: Desk, things: object, operator: str) -> Heard:
    """Keep what may be said of what was posted, as one step.

    Args:
        review: The folder.
        desk: What the views share.
        things: As the page's script posts them: dicts with `key`, `kind` and what belongs to it.
        operator: Who says so.

    Raises:
        UserFacingError: if nothing of it may be said.
    """
    if not operator.strip():
        raise SetupError("Nobody's name is told, and what is decided is recorded with it", "Give your name first.")
    if not isinstance(things, list) or not 0 < len(things) <= _MOST:
        raise SetupError("Nothing was said", "Load the page again.")
    said, refused = list[Said](), list[tuple[str, ImgguardError]]()
    for thing in things:
        try:
            said += _allowed(review, thing, operator.strip())
        except ImgguardError as error:
            refused.append((str(thing.get("key", "")) if isinstance(thing, dict) else "", error))
    if not said:
        if refused:
            raise refused[0][1]
        return Heard(0, ())
    with desk.store() as store:
        step = reviews.say(store, review.id, said)
        review.heard(reviews.said(store, review.id))
    return Heard(step, tuple(refused))


def take_back(review: Reviewing, desk: Desk) -> list[str]:
    """Undo the last step; gives the keys of the photos that it was about."""
    with desk.store() as store:
        undone = {one.source_sha256 for one in reviews.undo(store, review.id)}
        review.heard(reviews.said(store, review.id))
    return [item.key for item in review.items if item.sha256 in undone]


def _allowed(review: Reviewing, thing: object, operator: str) -> Iterator[Said]:
    if not isinstance(thing, Mapping):
        raise _not_understood()
    item = review.item(str(thing.get("key")))
    if item.cleaned is None and not item.refusal:
        raise SetupError(f"{item.place}: was not looked at yet", "Wait until it is there.")
    kind = str(thing.get("kind"))
    if kind == _COVER_ALL:
        yield from _everybody(item, operator)
        return
    try:
        told = Kind(kind)
    except ValueError as error:
        raise _not_understood() from error
    if not item.sha256:
        raise SetupError(f"{item.place}: could not be read, and is not published anyway", "Nothing has to be done.")
    if told not in {*_ON_FACES, Kind.BACK}:
        yield _verdict(item, told, operator)
        return
    box, subject_id = _box(thing.get("box")), thing.get("subject_id") if told is Kind.PERSON else None
    if told is not Kind.BACK:
        mark = Mark(MarkKind(told.value), BoundingBox(*box), None if subject_id is None else str(subject_id), operator)
        check_mark(mark, item.cleaned.faces if item.cleaned else (), review.guard.rules)
    yield Said(item.sha256, told, box, None if subject_id is None else str(subject_id), operator)


def _verdict(item: Item, told: Kind, operator: str) -> Said:
    if told is Kind.CONFIRMED and item.cleaned is None:
        raise SetupError(f"{item.place}: is refused, so there is nothing to confirm", "Leave it out, or mend the file.")
    return Said(item.sha256, told, operator=operator)


def _everybody(item: Item, operator: str) -> Iterator[Said]:
    """Cover everybody who is visible now."""
    for face in item.cleaned.faces if item.cleaned else ():
        if state_of(face) == "kept":
            box = face.detection.box
            yield Said(item.sha256, Kind.COVER, (box.x1, box.y1, box.x2, box.y2), operator=operator)


def _box(told: Any) -> tuple[float, float, float, float]:
    if not isinstance(told, Sequence) or isinstance(told, str) or len(told) != 4:
        raise _not_understood()
    try:
        x1, y1, x2, y2 = (float(value) for value in told)
    except (TypeError, ValueError, OverflowError) as error:
        raise _not_understood() from error
    # Asked as what has to hold, so that what is not a number is refused.
    if not (-1e6 < x1 < x2 < 1e6 and -1e6 < y1 < y2 < 1e6):
        raise _not_understood()
    return x1, y1, x2, y2


def _not_understood() -> SetupError:
    return SetupError("That was not understood", "Load the page again.")
