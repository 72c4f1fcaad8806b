"""Save a photo that was looked at: the same record as on the command line, committed before a byte goes out."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from imgguard.errors import SetupError
from imgguard.guard import Guard
from imgguard.handing import Handed
from imgguard.page.one_drafts import Draft, Saved
from imgguard.page.one_views import printed_names
from imgguard.sanitize import SUFFIXES
from imgguard.targets import SAME_FORMAT
from imgguard.types import CleanedPhoto


def save(draft: Draft, content: bytes, fresh: Guard) -> Saved | None:
    """Record a checked photo as published; see `imgguard.recorder.Recorder.publish`.

    Args:
        draft: The photo, checked.
        content: Its finished bytes.
        fresh: The guard as the school file is now.

    Returns:
        What it was saved as; None where the school file says something else than when the photo was looked at.

    Raises:
        ConsentChanged: if somebody's consent is taken back at this moment.
        RecordError: if it cannot be recorded.
    """
    cleaned = draft.cleaned
    assert cleaned is not None, "only what passed its check is saved"
    if fresh is not draft.guard or _counts_changed(draft):
        return None
    handed = Handed()
    with fresh.recording() as recorder:
        name = file_name(draft, cleaned, recorder.run_id)
        replaced = draft.label if Path(name).stem != draft.label.stem else None
        recorder.publish(replace(cleaned, content=content), handed.root / name, handed, replaced)
    return Saved(name, printed_names(draft))


def _counts_changed(draft: Draft) -> bool:
    return draft.guard.rules_now().published != draft.judged.published


def file_name(draft: Draft, cleaned: CleanedPhoto, run_id: int) -> str:
    """Name a download: as the photo was called, unless that tells something; then by the number of the run."""
    suffix = draft.label.suffix
    if suffix.lower() not in SAME_FORMAT[cleaned.format]:
        suffix = SUFFIXES[cleaned.format]
    stem = draft.label.stem
    if stem and not draft.guard.replaces_name(stem):
        return f"{stem}{suffix}"
    known = draft.guard.known_names
    neutral = (f"photo-{number:04}" for number in itertools.count(run_id))
    return next(name for name in neutral if known.number_in(name) is None) + SUFFIXES[cleaned.format]


def require_ready(draft: Draft, what: str, remedy: str) -> None:
    """Make sure that a photo passed its check.

    Raises:
        SetupError: if it did not.
    """
    if not draft.checked or draft.cleaned is None:
        raise SetupError(what, remedy)
