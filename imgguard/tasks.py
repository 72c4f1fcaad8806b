"""What workers do: look at a photo, or clean it. Plain values and one function, the same for every engine.

Whoever has an engine of their own (Ray, Spark, a queue) calls `perform` in its workers, with rules and models that each
worker has loaded once. Nothing is written there: the main process publishes and records what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from imgguard.pipeline import Examined, examine_photo, prepare_photo
from imgguard.refusing import or_refuse
from imgguard.types import CleanedPhoto, Refusal

if TYPE_CHECKING:
    from imgguard.backends import Backends
    from imgguard.rules import Rules

Outcome = Examined | CleanedPhoto | Refusal


class Work(StrEnum):
    """What is to be done with a photo."""

    EXAMINE = "examine"
    PREPARE = "prepare"


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One photo, and what is to be done with it.

    Attributes:
        number: Its place in the plan; with `work` it is unique within a run.
        work: Find out who is in it, or clean it.
        source: The photo.
        known: Who is in it, after the photos of its event have told each other; None where nobody has looked yet.
    """

    number: int
    work: Work
    source: Path
    known: Examined | None = None


def perform(task: Task, rules: Rules, backends: Backends) -> Outcome:
    """Do a task; every failure that concerns the photo alone becomes a refusal.

    Doing it twice gives the same and changes nothing.

    Args:
        task: What to do.
        rules: What holds for the run.
        backends: The models.

    Raises:
        ImgguardError: if nothing can be done at all, such as where a model is missing.
    """
    if task.work is Work.EXAMINE:
        return or_refuse(task.source, lambda: examine_photo(task.source, rules, backends))
    return or_refuse(task.source, lambda: prepare_photo(task.source, rules, backends, task.known))
