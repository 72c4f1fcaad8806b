"""Find the ID photos of a roster's people where schools keep them: in folders, beside an index, in a zip."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from consent.model import Subject
from imgguard.portrait_files import PortraitSource


def find_portraits(source: Path, numbers: Iterable[str] | None, people: Iterable[Subject] = ()) -> PortraitSource:
    """Find out which file shows whom. No picture is opened.

    Args:
        source: A folder, a zip, or an index inside of a folder: PSPA INDEX.TXT or MASTER.TXT, IDLINK.TXT, or any
            text file with a column of numbers and one of file names.
        numbers: The roster's numbers; None where there is no roster to ask, and every number is somebody's.
        people: The roster's people, to check names by; a name alone only proposes whose a photo is.

    Raises:
        SetupError: if the source cannot be read, or what its columns mean cannot be told.
    """
    raise NotImplementedError
