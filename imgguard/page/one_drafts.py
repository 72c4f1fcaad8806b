"""The photos that are looked at one by one, before they are saved: in memory, and their pictures in the area.

A draft belongs to the browser that brought it. Whatever is said about it makes a new version; an answer of a worker
that belongs to an older one is dropped.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from consent.errors import UserFacingError
from imgguard.errors import InternalFault, PhotoError
from imgguard.guard import Guard
from imgguard.marks import Mark
from imgguard.page.desk import Told
from imgguard.page.drafts import Looked, Preview
from imgguard.rules import Rules
from imgguard.types import BoundingBox, CleanedPhoto, FaceResult

# A picture of 12 megapixels takes about 5 MB in the area; more than a few nobody has in view.
MOST_DRAFTS = 4


class DraftChanged(UserFacingError):
    """The photo, or what the school file says of the people in it, is not what was looked at."""


class DraftGone(UserFacingError):
    """The photo was closed, or belongs to another browser."""


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A photo that is recorded as published.

    Attributes:
        name: What the file is called.
        printed: The names that may be printed, from left to right.
        notes: What came of the faces that were to become further references.
    """

    name: str
    printed: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Draft:
    """One photo that is looked at.

    Attributes:
        id: Random; the only thing by which it is asked for.
        owner: What only its browser has.
        label: What messages call it by.
        told: What it is published for.
        guard: The guard of that.
        judged: What held when it was looked at; the guard itself goes on counting what is published.
        looked: Who is in it.
        steps: Everything that was said about it, the states after each step; the first is nothing.
        at: Which of them holds.
        version: Counted up with every change.
        preview: How it would come out.
        checked: Whether what is shown passed its check.
        more: How many faces the check found besides.
        refusal: Why it cannot be saved; None where it can.
        cleaned: The finished photo, its bytes in the area; None until it is checked.
        saved: What it was saved as; None until then.
        asked: Whom it was asked about whether the face may become a further reference, with the answer.
        checking: The check under way.
        lock: Held while it is changed.
    """

    id: str
    owner: str
    label: Path
    told: Told
    guard: Guard
    judged: Rules
    looked: Looked
    preview: Preview
    steps: list[tuple[Mark, ...]] = field(default_factory=lambda: [()])
    at: int = 0
    version: int = 1
    checked: bool = False
    more: int = 0
    refusal: UserFacingError | None = None
    cleaned: CleanedPhoto | None = None
    saved: Saved | None = None
    asked: dict[str, bool] = field(default_factory=dict)
    checking: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What was said about it and holds."""
        return self.steps[self.at]

    @property
    def faces(self) -> tuple[FaceResult, ...]:
        """Its faces as they are decided now."""
        return self.preview.faces

    @property
    def rules(self) -> Rules:
        """What holds for it, with what was said."""
        return with_marks(self.judged, self.looked.sha256, self.marks)

    def key(self, what: str) -> str:
        """The name of something of it in the area."""
        return f"{self.id}/{what}"

    def step(self, marks: Iterable[Mark]) -> None:
        """Go on to another state; what was undone before is forgotten."""
        self.steps[self.at + 1 :] = [tuple(marks)]
        self.at += 1

    def changed(self, preview: Preview) -> None:
        """Show another version, which is not checked yet."""
        self.version += 1
        self.preview, self.checked, self.more = preview, False, 0
        self.refusal = self.cleaned = self.saved = None


def with_marks(rules: Rules, sha256: str, marks: tuple[Mark, ...]) -> Rules:
    """Give rules with what was said about one photo."""
    return replace(rules, marks={**rules.marks, sha256: marks})


def same_place(one: BoundingBox, other: BoundingBox) -> bool:
    """Tell whether a mark is the one of a face: its box is that of the face as it was when it was said."""
    return one.iou(other) > 0.8


def new_id() -> str:
    """Give an id that nobody can guess."""
    return secrets.token_urlsafe(16)


@dataclass(slots=True, eq=False)
class Drafts:
    """All drafts, by id."""

    found: dict[str, Draft] = field(default_factory=dict)

    def add(self, draft: Draft) -> tuple[Draft, ...]:
        """Keep a draft; gives the oldest of the same browser that have to go for it."""
        own = [other for other in self.found.values() if other.owner == draft.owner]
        going = own[: max(0, len(own) + 1 - MOST_DRAFTS)]
        self.found[draft.id] = draft
        for other in going:
            self.take(other.id)
        return tuple(going)

    def get(self, draft_id: str, owner: str) -> Draft | None:
        """Give a draft to the browser that brought it; None to any other, or where there is none."""
        draft = self.found.get(draft_id)
        return draft if draft is not None and secrets.compare_digest(draft.owner, owner) else None

    def take(self, draft_id: str) -> None:
        """Forget a draft, and what is under way for it."""
        draft = self.found.pop(draft_id, None)
        if draft is not None and draft.checking is not None:
            draft.checking.cancel()

    def of(self, owner: str) -> tuple[Draft, ...]:
        """Give the drafts of a browser."""
        return tuple(draft for draft in self.found.values() if draft.owner == owner)


def as_refusal(error: Exception) -> UserFacingError:
    """Make any failure of a check one that can be told."""
    if isinstance(error, UserFacingError):
        return error
    return InternalFault(f"Unexpected {type(error).__name__}", "Choose another photo, and report this.")


def is_of_photo(error: UserFacingError) -> bool:
    """Tell whether a refusal is about the photo itself."""
    return isinstance(error, PhotoError)
