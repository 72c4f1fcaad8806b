"""What is known of a folder that is looked through: its photos one by one, and how far the work is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from imgguard.guard import Guard
from imgguard.page.reviewing_said import Words
from imgguard.pipeline import Examined
from imgguard.planning import Plan, plan_run
from imgguard.types import CleanedPhoto, Refusal


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One photo of the folder, as far as it is known.

    Attributes:
        key: What the page calls it by: a digest of its place, the same after a restart.
        source: The photo.
        place: Its place below the folder.
        known: Who is in it; None until it is examined, or where nobody is recognised.
        cleaned: How it would be published, without the bytes; None until it is made.
        size: Width and height of the upright original.
        crops: The places in `cleaned.faces` of which there is a crop.
        refusal: Why it cannot be published; None otherwise.
        made_with: What was said of it when it was made.
        version: Grows with every change of any photo of the folder.
        deaths: How often a worker ended over it.
    """

    key: str
    source: Path
    place: str
    known: Examined | None = None
    cleaned: CleanedPhoto | None = None
    size: tuple[int, int] = (0, 0)
    crops: tuple[int, ...] = ()
    refusal: Refusal | None = None
    made_with: Words = ()
    version: int = 0
    deaths: int = 0

    @property
    def sha256(self) -> str:
        """Digest of the photo; empty until it is known."""
        return self.cleaned.sha256 if self.cleaned else self.known.sha256 if self.known else ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is.

    Attributes:
        stage: "planning", "examining", "cleaning", "done", "paused", "stopped" or "failed".
        done: Photos that are through this stage.
        total: Photos.
        rate: Photos a second; 0 where it is not known.
        left: Seconds to go; None where they are not known.
        again: Photos that are being made anew.
        version: Of the newest change.
        problem: Why it failed; None otherwise.
    """

    stage: str
    done: int
    total: int
    rate: float
    left: float | None
    again: int
    version: int
    problem: tuple[str, str] | None = None


def plan_folder(folder: Path, guard: Guard) -> Plan:
    """Find out what is in a folder; where it is published is told only at the end.

    Raises:
        SetupError: if there is no photo in it.
    """
    nowhere = Path(gettempdir()) / "imgguard-is-not-told-yet"
    return plan_run([folder], nowhere, guard.rules.format)


def key_of(place: str) -> str:
    """Give what the page calls a photo by.

    >>> key_of("a.jpg") == key_of("a.jpg") != key_of("b.jpg")
    True
    """
    return hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:16]
