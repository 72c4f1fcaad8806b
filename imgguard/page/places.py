"""Folders of this computer, to choose from: names and how many photos they hold, nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from imgguard.errors import SetupError
from imgguard.targets import SAME_FORMAT

_PHOTOS = frozenset[str]().union(*SAME_FORMAT.values())
# More are not listed: whoever has so many types the path.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A folder.

    Attributes:
        path: Where it is.
        name: What it is called.
        photos: How many photos lie in it, those in folders below it not counted; None where it cannot be read.
    """

    path: str
    name: str
    photos: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in a folder.

    Attributes:
        here: The folder.
        above: The folder that it is in; None at the top.
        below: Its folders, by name.
    """

    here: Place
    above: str | None
    below: tuple[Place, ...]


def folder_of(told: str) -> Path:
    """Understand a folder as somebody has typed it.

    Raises:
        SetupError: if it is no folder's whole path, or there is no such folder.
    """
    place = path_of(told)
    try:
        found = place.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SetupError(f"{place}: there is no such folder", "Choose the folder that holds the photos.") from error
    if not found.is_dir():
        raise SetupError(f"{place}: is not a folder", "Choose the folder that holds the photos.")
    return found


def path_of(told: str) -> Path:
    """Understand a path as somebody has typed it; "~" is the home folder.

    Raises:
        SetupError: if it is not a whole path.
    """
    text = told.strip().strip('"')
    if not text or not text.isprintable():
        raise SetupError("No folder is named", "Choose one, or type its whole path.")
    try:
        place = Path(text).expanduser()
    except RuntimeError as error:
        raise SetupError(f"{text}: there is no such user", "Type the whole path.") from error
    if not place.is_absolute():
        raise SetupError(f"{text}: is not a whole path", f"Type it from the top, such as {Path.home() / text}.")
    return place


def first_place() -> Path:
    """Give where somebody begins to look: their pictures, or their home folder."""
    pictures = Path.home() / "Pictures"
    return pictures if pictures.is_dir() else Path.home()


def list_place(folder: Path) -> Listing:
    """List the folders in a folder; hidden ones and links are left out.

    Raises:
        SetupError: if it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            found = [e.name for e in entries if not e.name.startswith(".") and e.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise SetupError(f"{folder}: cannot be read", "Choose another folder.") from error
    below = (
        Place(str(folder / name), name, _photos(folder / name)) for name in sorted(found, key=str.casefold)[:_MOST]
    )
    above = None if folder.parent == folder else str(folder.parent)
    return Listing(Place(str(folder), folder.name or str(folder), _photos(folder)), above, tuple(below))


def _photos(folder: Path) -> int | None:
    try:
        with os.scandir(folder) as entries:
            return sum(Path(entry.name).suffix.lower() in _PHOTOS for entry in entries if entry.is_file())
    except OSError:
        return None
