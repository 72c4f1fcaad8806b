"""Turn what goes wrong with one photo into a value: one failure never stops the rest."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from imgguard.errors import ImgguardError, InternalFault, NotEnoughMemory, PhotoError, WorkerDied
from imgguard.types import Refusal

_T = TypeVar("_T")
# What OpenCV calls it when memory cannot be had.
_CV_NO_MEMORY = -4


def refusal_of(error: ImgguardError) -> Refusal:
    """Turn an error into the value that results and reports carry."""
    return Refusal(error.kind, error.what, error.remedy)


def with_earlier(refusal: Refusal, target: Path) -> Refusal:
    """Tell that what was published of a refused photo before is still there, by decisions that hold no longer."""
    return replace(
        refusal,
        what=f"{refusal.what}; what an earlier run published of it is still there: {target}",
        remedy=f"{refusal.remedy} Take that file away: it may show somebody who must not be seen any more.",
    )


def worker_died(source: Path, remedy: str = "Open it in a photo program and save it anew, or leave it out.") -> Refusal:
    """Give the refusal of a photo whose worker process ended."""
    what = f"{source}: the process that worked on it ended (damaged file, or not enough memory)"
    return refusal_of(WorkerDied(what, remedy))


def is_short_of_memory(outcome: object) -> bool:
    """Say whether a photo was refused because memory was short, which it may not be the next time."""
    return isinstance(outcome, Refusal) and outcome.kind == NotEnoughMemory("", "").kind


def or_refuse(source: Path, work: Callable[[], _T]) -> _T | Refusal:
    """Work on one photo; every failure that concerns it alone becomes a refusal."""
    try:
        return work()
    except PhotoError as error:
        return refusal_of(error)
    except ImgguardError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or getattr(error, "code", None) == _CV_NO_MEMORY:
            what = f"{source}: there was not enough memory to work on it"
            return refusal_of(NotEnoughMemory(what, "Close other programs, or save it smaller, and run again."))
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = (
            f"{source}: unexpected {type(error).__name__} in {Path(where.filename).name} line {where.lineno} ({error})"
        )
        return refusal_of(InternalFault(what, "Leave the photo out and report this."))
