"""What the scripts of the view "One photo" are told."""

from __future__ import annotations

from typing import Any

from consent.reasons import Verdict
from imgguard.caption_names import caption_for
from imgguard.marks import Likely
from imgguard.page.face_views import face_views, reason_words
from imgguard.page.one_drafts import Draft, same_place
from imgguard.page.texts import Text
from imgguard.page.wording import refusal_view
from imgguard.types import FaceResult, Outcome

# Below the threshold by so much somebody resembles a face, and by more only a little.
_LIKE, _ALITTLE = 0.0, 0.1


def draft_view(draft: Draft, text: Text) -> dict[str, Any]:
    """Give a draft as `one.js` wants it."""
    place = f"/one/photos/{draft.id}"
    return {
        "id": draft.id,
        "version": draft.version,
        "name": draft.label.name,
        "cleaned": f"{place}/shown?v={draft.version}{'c' if draft.checked else ''}",
        "original": f"{place}/original",
        "size": list(draft.looked.size),
        "frame": list(draft.preview.frame),
        "faces": [_with_own(view, face, draft) for view, face in zip(_faces(draft, text), draft.faces, strict=True)],
        "told": text("one.covered_of", covered=_covered(draft), faces=len(draft.faces)),
        "state": _state(draft),
        "refusal": refusal_view(draft.refusal, text) if draft.refusal else None,
        "more": text("one.found_more", count=draft.more) if draft.more else "",
        "undo": draft.at > 0,
        "redo": draft.at + 1 < len(draft.steps),
        "ask": _ask(draft, text),
        "saved": {"name": draft.saved.name, "printed": list(draft.saved.printed), "notes": list(draft.saved.notes)}
        if draft.saved
        else None,
    }


def _faces(draft: Draft, text: Text) -> list[dict[str, Any]]:
    return face_views(draft.faces, draft.guard.rules, text)


def _with_own(view: dict[str, Any], face: FaceResult, draft: Draft) -> dict[str, Any]:
    """What the operator said of a place can be taken back by itself."""
    own = any(same_place(mark.box, face.detection.box) for mark in draft.marks)
    return {**view, "can": [*view["can"], "back"]} if own else view


def _covered(draft: Draft) -> int:
    return sum(face.cover is not None and not face.cropped_out for face in draft.faces)


def _state(draft: Draft) -> str:
    if draft.saved:
        return "saved"
    if draft.refusal:
        return "refused"
    return "ready" if draft.checked else "checking"


def _ask(draft: Draft, text: Text) -> dict[str, Any] | None:
    """Ask, once a person, whether a face that was just confirmed may help to know them again."""
    for n, face in enumerate(draft.faces, 1):
        if may_be_reference(face, draft) and face.decision.subject_id not in draft.asked:
            name = draft.guard.rules.subjects[face.decision.subject_id or ""].name
            asked = text("one.ask_reference", name=name), text("one.ask_reference_text", name=name)
            return {"n": n, "question": asked[0], "text": asked[1]}
    return None


def may_be_reference(face: FaceResult, draft: Draft) -> bool:
    """Say whether a face was named by a person, is seen, and is somebody's who may be recognised."""
    who = draft.guard.rules.subjects.get(face.decision.subject_id or "")
    comparable = face.quality is not None and face.quality.fault is None
    return face.outcome is Outcome.CONFIRMED and face.cover is None and comparable and bool(who and who.biometric_ok)


def people_view(found: tuple[Likely, ...], face: FaceResult, text: Text) -> list[dict[str, Any]]:
    """Give the people whom a face may be, each with what would follow."""
    return [
        {
            "subject_id": one.subject_id,
            "name": one.name or one.subject_id,
            "about": " · ".join(part for part in (one.group, one.subject_id) if part),
            "like": _likeness(one.score, face.threshold, text),
            "shown": one.decision.verdict is Verdict.KEEP,
            "follows": _follows(one, text),
        }
        for one in found
    ]


def _follows(one: Likely, text: Text) -> str:
    if one.decision.verdict is Verdict.KEEP:
        return text("one.would_show")
    return text("one.would_cover", words=reason_words(one.decision.reason, text))


def _likeness(score: float | None, threshold: float | None, text: Text) -> str:
    if score is None or threshold is None:
        return ""
    below = threshold - score
    return text("one.like_much" if below <= _LIKE else "one.like_some" if below <= _ALITTLE else "one.like_little")


def printed_names(draft: Draft) -> tuple[str, ...]:
    """Give the names that may be printed, from left to right."""
    if draft.guard.rules.purpose is None:
        return ()
    return tuple(one.text for one in caption_for(draft.faces, draft.guard.rules) if one.text)
