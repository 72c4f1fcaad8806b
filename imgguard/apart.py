"""What must not lie inside what: originals, portraits, the school file, and what is published."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from imgguard.errors import SetupError

if TYPE_CHECKING:
    from imgguard.planning import Plan


def require_apart(ids: Path | None, inputs: Iterable[Path]) -> None:
    """Make sure that portraits are not cleaned along with the photos.

    Raises:
        SetupError: naming both folders.
    """
    for given in inputs:
        if ids is not None and (_inside(ids, given) or _inside(given, ids)):
            raise SetupError(
                f"The folder of ID photos {ids} and the input {given} lie inside each other",
                "Give the event photos alone, or portraits would be published under student numbers.",
            )


def require_nothing_else(plan: Plan, school: Path, ids: Path | None) -> None:
    """Make sure that the output folder holds nothing that is not to be published.

    Raises:
        SetupError: naming what else is there.
    """
    for own, what in ((school, "school file"), (ids, "folder of ID photos")):
        if own is None:
            continue
        if (_inside(own, plan.out) and not plan.names_file) or _inside(plan.out, own):
            raise SetupError(
                f"The {what} {own} and the output folder {plan.out} lie inside each other",
                "Choose an output folder that holds nothing but what is to be published.",
            )


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
