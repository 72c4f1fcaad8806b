"""What the wall is told about the photos of a folder: compact, and only what has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from consent.reasons import Verdict
from imgguard.errors import ImgguardError
from imgguard.page.face_views import face_views, state_of
from imgguard.page.reviewing import Reviewing
from imgguard.page.reviewing_items import Item, key_of
from imgguard.page.reviewing_said import marks_of, verdict_of
from imgguard.page.texts import Text
from imgguard.page.wording import refusal_words
from imgguard.rules import Rules
from imgguard.types import FaceResult, Outcome

# So many covers in a photo are worth a look: there may be little left of it.
MANY_COVERS = 6
# Somebody who is covered in so many photos of one event: perhaps a form is missing.
OFTEN = 4


def wall(review: Reviewing, since: int, text: Text) -> dict[str, Any]:
    """Give what has changed since a version, and how far the work is.

    Args:
        review: The folder.
        since: The version that the page has; 0 for none.
        text: Gives the sentences of the page's language.
    """
    items = review.items
    often = _covered_often(items)
    told = review.progress
    # How often somebody is covered, and what is new, is known only when all are through.
    late = since < review.done_version
    changed = [_summary(item, often, review, text) for item in items if late or item.version > since or since == 0]
    return {
        "version": told.version,
        "progress": progress(review),
        "photos": changed + (_refused(review, text) if since == 0 else []),
        "total": len(items) + len(review.plan.refused),
        "others": len(review.plan.others),
        "gone": review.gone,
        "new": len(review.new),
    }


def progress(review: Reviewing) -> dict[str, Any]:
    """Give how far the work is."""
    told = review.progress
    return {
        "stage": told.stage,
        "done": told.done,
        "total": told.total,
        "rate": round(told.rate, 2),
        "left": None if told.left is None else round(told.left),
        "again": told.again,
        "version": told.version,
        "problem": told.problem and {"what": told.problem[0], "remedy": told.problem[1]},
    }


def _summary(item: Item, often: Mapping[str, int], review: Reviewing, text: Text) -> dict[str, Any]:
    faces = item.cleaned.faces if item.cleaned else ()
    states = Counter(map(state_of, faces))
    outcomes = Counter(face.outcome for face in faces)
    covered = states["covered"] + states["doubtful"]
    state = "refused" if item.refusal else "made" if item.cleaned else "waiting"
    return {
        "key": item.key,
        "place": item.place,
        "v": item.version,
        "state": state,
        "verdict": verdict_of(item.made_with).value,
        "kept": states["kept"],
        "covered": covered,
        "doubtful": states["doubtful"],
        "contradicted": outcomes[Outcome.CONTRADICTED],
        "many": covered >= MANY_COVERS,
        "often": max((often.get(face.decision.subject_id or "", 0) for face in faces), default=0),
        "marks": len(marks_of(item.made_with)),
        "new": item.key in review.new,
        "size": item.size,
        "problem": _problem(item, text),
    }


def _problem(item: Item, text: Text) -> dict[str, str] | None:
    """Give why a photo is refused; its place below the folder is enough to name it."""
    why = item.refusal
    if why is None:
        return None
    return refusal_words(why.kind, why.what.replace(str(item.source), item.place), why.remedy, text)


def _refused(review: Reviewing, text: Text) -> list[dict[str, Any]]:
    """Give what is no photo that can be cleaned, with the reason: it is listed, and nothing can be done with it."""
    return [
        {
            "key": key_of(str(path)), "place": path.name, "v": 1, "state": "refused", "verdict": "open", "kept": 0,
            "covered": 0, "doubtful": 0, "contradicted": 0, "many": False, "often": 0, "marks": 0, "new": False,
            "size": (0, 0), "problem": _unread(path, problem, text),
        }
        for path, problem in review.plan.refused
    ]  # fmt: skip


def _unread(path: Path, problem: ImgguardError, text: Text) -> dict[str, str]:
    return refusal_words(problem.kind, problem.what.replace(str(path), path.name), problem.remedy, text)


def _covered_often(items: Sequence[Item]) -> Mapping[str, int]:
    """Count in how many photos people are covered who are known, those who are covered in many alone."""
    counted = Counter(
        number
        for item in items
        if item.cleaned
        for number in {face.decision.subject_id for face in item.cleaned.faces if _is_covered(face)}
        if number
    )
    return {number: count for number, count in counted.items() if count >= OFTEN}


def _is_covered(face: FaceResult) -> bool:
    return face.decision.verdict is Verdict.COVER and not face.cropped_out


def photo(item: Item, review: Reviewing, text: Text) -> dict[str, Any]:
    """Give one photo as the large view wants it."""
    base = f"/folder/{review.id}/picture/{item.key}"
    cleaned = item.cleaned
    return {
        "key": item.key,
        "place": item.place,
        "v": item.version,
        "cleaned": f"{base}/shown?v={item.version}",
        "original": f"{base}/original",
        "size": item.size,
        "frame": (cleaned.window if cleaned else None) or (0, 0, *item.size),
        "faces": face_views(cleaned.faces, review.guard.rules, text) if cleaned else [],
        "verdict": verdict_of(item.made_with).value,
        "history": [
            {"kind": one.kind.value, "operator": one.operator, "at": one.at}
            for one in item.made_with
        ],
        "problem": _problem(item, text),
    }  # fmt: skip


def find_people(review: Reviewing, asked: str) -> list[str]:
    """Give the photos that show somebody of that name, part of it or their number; those who are kept alone."""
    words = asked.casefold().split()
    if not words:
        return []
    numbers = {number for number in review.guard.rules.subjects if _is_meant(number, words, review.guard.rules)}
    return [
        item.key
        for item in review.items
        if item.cleaned
        and any(f.decision.verdict is Verdict.KEEP and f.decision.subject_id in numbers for f in item.cleaned.faces)
    ]


def _is_meant(number: str, words: Sequence[str], rules: Rules) -> bool:
    person = rules.subjects[number]
    told = f"{person.given_name} {person.family_name} {number}".casefold()
    return all(word in told for word in words)
