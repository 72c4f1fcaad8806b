"""What a person said about a photo after looking at it: cover this, nobody is under that, this is somebody.

A mark may cover anything at once. It shows more only where that can be justified: a cover comes off where the tool
itself is not sure that there is a face, and whoever is named by a person is then judged by the roster like anybody
who was recognised. What a mark may not do it does not do, whoever asks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from consent.policy import Decision, decide
from consent.procedures import UNTOLD, Policy
from consent.rechecking import forms_alone
from imgguard.errors import (
    AlreadyRecognised,
    MarkRefused,
    NothingThere,
    ResemblesOthers,
    SomebodyThere,
    TwiceInPhoto,
)
from imgguard.grouping import same_face
from imgguard.types import BoundingBox, Candidate, Detection, FaceResult, Outcome, Source

if TYPE_CHECKING:
    from consent.model import Subject
    from imgguard.rules import Rules

__all__ = ["Likely", "Mark", "MarkKind", "MarkRefused", "check_mark", "likely_people", "possible"]

# Below these scores the tool itself is not sure that there is a face. Measured on 109 photos of events and groups with
# 1,376 true faces found and 396 covers that no true face was under: 70 of the faces (5 %) could be let off, and 270 of
# the false covers (68 %); of the 9 photos of groups alone, 0 of 43 faces and 13 of 26 covers. Of what only the check
# finds, 80 of 94 false ones, and all 7 true faces: only the person's word stands for those. At 0.7 it would be 405
# faces (29 %) and 368 covers; below 10 pixels nearly all faces score from 0.55 on.
SURE, SURE_IF_TINY = 0.6, 0.55
_TINY = 10
# A box that has so much in common with a face's means that face and was not drawn.
_TOUCHED = 0.8
_MOST_LIKELY = 12
_UNSURE = frozenset({Outcome.NON_MATCH, Outcome.NOT_COMPARABLE, None})
_DOUBTFUL = frozenset({Outcome.AMBIGUOUS, Outcome.CONTRADICTED})


class MarkKind(StrEnum):
    """What was said."""

    COVER = "cover"
    NOBODY = "nobody"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that was said about one place of a photo.

    Attributes:
        kind: Cover it; nobody is under the cover that is there; or this is somebody.
        box: The place, in pixels of the upright source: a face's own box, or what was drawn.
        subject_id: Who it is, for PERSON; None otherwise.
        operator: Who said so.
        at: When, UTC, ISO 8601.
    """

    kind: MarkKind
    box: BoundingBox
    subject_id: str | None = None
    operator: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Likely:
    """Somebody of the roster who may be meant.

    Attributes:
        subject_id: Who.
        name: First and last name.
        group: Class, grade or team; empty where not told.
        score: How similar the face is to them, -1 to 1; None where that was not compared.
        decision: What the forms say about showing them. Limits, and what is asked of groups and distances, are judged
            when the photo is.
    """

    subject_id: str
    name: str
    group: str
    score: float | None
    decision: Decision


def search_of(outcome: Outcome | None, searched: Outcome | None) -> Outcome | None:
    """Give what the search for a face came to, whatever a person said since."""
    return searched if outcome is Outcome.CONFIRMED else outcome


def is_sure(face: Detection) -> bool:
    """Say whether the tool is sure that there is a face; of what only the record knows it always is."""
    limit = SURE if face.box.side >= _TINY else SURE_IF_TINY
    # Asked as what has to hold, so that a score that is not a number counts as sure.
    return face.source in (Source.RECORD, Source.OPERATOR) or not face.score < limit


def kinds_for(face: Detection, search: Outcome | None) -> frozenset[MarkKind]:
    """Give what may be said about a face that was searched for with this outcome."""
    nobody = {MarkKind.NOBODY} if search in _UNSURE and not is_sure(face) else set()
    person = {MarkKind.PERSON} if search is not Outcome.MATCH and face.source is not Source.RECORD else set()
    return frozenset({MarkKind.COVER} | nobody | person)


def possible(face: FaceResult, rules: Rules | None = None) -> frozenset[MarkKind]:
    """Give what may be said about a face.

    Args:
        face: With what was found and decided.
        rules: What holds for the run; with them, PERSON is left out where nobody can be named.
    """
    if face.is_area or _is_required(face):
        return frozenset({MarkKind.COVER})
    kinds = kinds_for(face.detection, search_of(face.outcome, face.searched))
    return kinds - {MarkKind.PERSON} if rules is not None and not _names_people(rules) else kinds


def _is_required(face: FaceResult) -> bool:
    """Say whether somebody is known there by the record alone: see `imgguard.required`."""
    return face.decision.subject_id is not None and face.outcome not in (Outcome.MATCH, Outcome.CONFIRMED)


def _names_people(rules: Rules) -> bool:
    return rules.purpose is not None and bool(rules.subjects)


def place_of(box: BoundingBox, boxes: Sequence[BoundingBox]) -> int | None:
    """Give which of some faces a mark means, however slightly its box differs; None for none of them."""
    same = [index for index, other in enumerate(boxes) if same_face(box, other)]
    return max(same, key=lambda index: box.iou(boxes[index]), default=None)


def means(box: BoundingBox, face: BoundingBox) -> bool:
    """Say whether a box is a face's own, so that nothing was drawn."""
    return box.iou(face) >= _TOUCHED


def nameable(candidates: Sequence[Candidate], search: Outcome | None, rules: Rules) -> AbstractSet[str]:
    """Give who may be named: where the search was undecided between people, only they.

    Args:
        candidates: The most similar people, best first.
        search: What the search came to.
        rules: What holds for the run.
    """
    if search is Outcome.MATCH or not _names_people(rules):
        return frozenset()
    if search not in _DOUBTFUL:
        return rules.subjects.keys()
    if rules.gallery is None:
        return frozenset()
    return {one.subject_id for one in rules.gallery.rivals(candidates)} & rules.subjects.keys()


def check_mark(mark: Mark, faces: Sequence[FaceResult], rules: Rules) -> None:
    """Make sure that a mark may do what it says.

    Args:
        mark: What somebody says.
        faces: The faces of the photo, as they are after everything that was said before.
        rules: What holds for the run.

    Raises:
        MarkRefused: if it may not.
    """
    if not mark.box.area > 0:
        raise NothingThere("There is nothing in that place", "Draw a box with some width and height.")
    if mark.kind is MarkKind.COVER:
        return
    places = [face for face in faces if not face.is_area]
    index = place_of(mark.box, [face.detection.box for face in places])
    if index is None:
        raise MarkRefused("No face was found there", "Touch one of the outlined faces.")
    face = places[index]
    if mark.kind is MarkKind.NOBODY:
        _require_nobody(face)
    else:
        _require_person(mark.subject_id or "", face, [one for one in places if one is not face], rules)


def _require_nobody(face: FaceResult) -> None:
    if MarkKind.NOBODY in possible(face):
        return
    if is_sure(face.detection) and not _is_required(face):
        what = "There is a face: the search is sure of that"
    else:
        what = "There is a face: it resembles somebody of the roster"
    raise SomebodyThere(what, "It stays covered, unless it is somebody whose consent covers this purpose.")


def _require_person(subject_id: str, face: FaceResult, others: Iterable[FaceResult], rules: Rules) -> None:
    if not _names_people(rules):
        raise MarkRefused("Nobody can be named without a roster and a purpose", "Choose what the photo is for.")
    if subject_id not in rules.subjects:
        raise MarkRefused("Nobody of the roster has that number", "Choose somebody of the list.")
    if MarkKind.PERSON not in possible(face, rules):
        raise AlreadyRecognised("This face was recognised and cannot be named anew", "Cover it if that is wrong.")
    if subject_id not in nameable(face.candidates, search_of(face.outcome, face.searched), rules):
        raise ResemblesOthers(
            "This face resembles others more than this person", "Name one of them, or leave it covered."
        )
    if any(other.decision.subject_id == subject_id for other in others):
        raise TwiceInPhoto("This person is in the photo already, and nobody is in it twice", "Change that one first.")


def likely_people(face: FaceResult, rules: Rules, query: str = "") -> tuple[Likely, ...]:
    """Give who a face may be: the most similar people first, then those whose name, number or group is asked for.

    Args:
        face: A face with what was found about it.
        rules: What holds for the run.
        query: Beginnings of words that name, number and group are to have; empty for the similar people alone.

    Returns:
        At most twelve, all of whom may be named; nobody where nobody may be.
    """
    if MarkKind.PERSON not in possible(face, rules):
        return ()
    may_be = nameable(face.candidates, search_of(face.outcome, face.searched), rules)
    scores = {one.subject_id: one.score for one in face.candidates}
    near = [number for number in scores if number in may_be]
    others = sorted(may_be - scores.keys(), key=lambda number: (rules.subjects[number].name, number)) if query else []
    wanted = (number for number in (*near, *others) if _answers(rules.subjects[number], query))
    policy = forms_alone({"": rules.policy})[""]
    found = (_likely(rules.subjects[number], scores.get(number), rules, policy) for number in wanted)
    return tuple(one for one, _ in zip(found, range(_MOST_LIKELY), strict=False))


def _likely(person: Subject, score: float | None, rules: Rules, policy: Policy) -> Likely:
    assert rules.purpose is not None
    shown = replace(person, biometric_ok=True)
    decision = decide(shown, rules.purpose, rules.on, policy=policy, circumstances=UNTOLD)
    return Likely(person.subject_id, person.name, person.group, score, decision)


def _answers(person: Subject, query: str) -> bool:
    told = _words(f"{person.name} {person.group} {person.subject_id}")
    return all(any(word.startswith(asked) for word in told) for asked in _words(query))


def _words(text: str) -> list[str]:
    plain = (c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return re.findall(r"\w+", "".join(plain))
