"""See what arrives in a folder, and when it is all there.

The folder is listed every few seconds: drives of a network tell nobody about changes, and a list of ten thousand files
takes a fraction of a second. Nothing is remembered beyond this process: what is done, the record knows.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from imgguard.sidecars import is_aside_folder
from imgguard.wholeness import is_whole

# Browsers, cloud drives, rsync and editors give such names to what they have not finished.
_UNFINISHED = re.compile(
    r"^[.~]|~$|\.(?:part|partial|crdownload|download|opdownload|filepart|tmp|temp|!ut|!qb|aria2|swp)$", re.IGNORECASE
)


_LONGEST_S = 3600.0
_HERE = os.curdir + os.sep


class FolderAway(Exception):
    """The folder that is watched cannot be listed."""


class State(StrEnum):
    """How far a file is."""

    ARRIVING = "arriving"
    INCOMPLETE = "incomplete"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long what takes, in seconds.

    Attributes:
        settle: For so long a file has to lie still before it is looked at.
        patience: When a file has been still and incomplete for so long, that is told.
        gather: For so long a file waits at most for others that are arriving.
        again: After so long is tried again what failed through no fault of a file.
    """

    settle: float = 5.0
    patience: float = 60.0
    gather: float = 120.0
    again: float = 60.0


@dataclass(slots=True)
class _File:
    stamp: tuple[int, ...]
    since: float
    look_at: float
    state: State = State.ARRIVING
    is_ready: bool = False
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in a folder: every file with what changes when it is written, and what could not be listed."""

    files: dict[str, tuple[int, ...]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    unfinished: int = 0


class Arrivals:
    """Follows the files below a folder."""

    def __init__(self, folder: Path, timing: Timing, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing known.

        Args:
            folder: The folder.
            timing: How long what takes.
            clock: Gives seconds that no change of the computer's clock disturbs.
        """
        self.folder, self.timing, self._clock = folder, timing, clock
        # By names as text, of which many thousands take less time than paths.
        self._files: dict[str, _File] = {}
        self.unfinished = self.unread = 0

    def look(self) -> None:
        """List the folder.

        Raises:
            FolderAway: if it is not there or cannot be listed; what is known of it stays.
        """
        now, listing = self._clock(), list_files(self.folder)
        self.unfinished, self.unread = listing.unfinished, len(listing.unread)
        for path, stamp in listing.files.items():
            known = self._files.get(path)
            if known is None or known.stamp != stamp:
                self._files[path] = _File(stamp, now, now + self.timing.settle)
        for path in self._files.keys() - listing.files.keys():
            if not any(path.startswith(folder + os.sep) for folder in listing.unread):
                del self._files[path]

    def check(self) -> tuple[Path, ...]:
        """Look at files that lie still; give those that have become incomplete for good, each once."""
        now = self._clock()
        told = []
        for path, file in self._files.items():
            if file.state is State.TAKEN or file.is_ready or now < file.look_at:
                continue
            if os.path.islink(path) or is_whole(Path(path)):  # noqa: PTH114 (see above)
                file.state, file.is_ready = State.ARRIVING, True
                continue
            still = now - file.since
            # Something may be written without a new time: look again, ever more seldom.
            file.look_at = now + max(self.timing.settle, still)
            if still >= self.timing.patience and file.state is State.ARRIVING:
                file.state = State.INCOMPLETE
                told.append(Path(path))
        return tuple(told)

    def ready(self) -> frozenset[Path]:
        """Give what is whole and not taken yet, once what arrives together with it is there or it has waited long."""
        now = self._clock()
        found = {path: file for path, file in self._files.items() if file.is_ready and file.state is not State.TAKEN}
        moving = any(file.state is State.ARRIVING and now < file.since + self.timing.settle for file in self._all())
        waited = max((now - file.since for file in found.values()), default=0.0)
        too_early = moving and waited < self.timing.settle + self.timing.gather
        return frozenset() if too_early else frozenset(map(Path, found))

    def taken(self) -> frozenset[Path]:
        """Give what has been taken already."""
        return frozenset(Path(path) for path, file in self._files.items() if file.state is State.TAKEN)

    def take(self, path: Path) -> None:
        """Note that a file needs nothing more until it changes."""
        if (file := self._files.get(str(path))) is not None:
            file.state = State.TAKEN

    def try_again(self, path: Path) -> None:
        """Note that a file is to be tried again after a while, since what failed was not its fault."""
        if (file := self._files.get(str(path))) is not None:
            # Each try is recorded, so they become rare.
            wait = min(self.timing.again * 2**file.tries, _LONGEST_S)
            file.state, file.is_ready, file.look_at = State.ARRIVING, False, self._clock() + wait
            file.tries += 1

    def count(self, state: State) -> int:
        """Give how many files are so far."""
        return sum(file.state is state for file in self._all())

    def knows(self, path: Path) -> bool:
        """Say whether a file is still there."""
        return str(path) in self._files

    def _all(self) -> Collection[_File]:
        return self._files.values()


def list_files(folder: Path) -> Listing:
    """List all files below a folder, without those that somebody is still writing by their names.

    Raises:
        FolderAway: if the folder itself cannot be listed.
    """
    listing = Listing()
    unfinished = 0
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        try:
            # A list that breaks off would make files look removed.
            entries = list(_entries(place))
        except OSError as error:
            if place == str(folder):
                raise FolderAway(error.strerror) from error
            listing.unread.append(place)
            continue
        for entry in entries:
            # As a path says it, by which whoever cleans it tells what became of it.
            path = entry.path.removeprefix(_HERE)
            if entry.is_dir(follow_symlinks=False):
                waiting += [] if is_aside_folder(entry.name) else [path]
            elif _UNFINISHED.search(entry.name):
                unfinished += 1
            elif stamp := _stamp(entry):
                listing.files[path] = stamp
    return Listing(listing.files, listing.unread, unfinished)


def _entries(place: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(place) as entries:
        yield from entries


def _stamp(entry: os.DirEntry[str]) -> tuple[int, ...] | None:
    try:
        told = entry.stat(follow_symlinks=False)
    except OSError:
        # Gone since the list was made.
        return None
    return told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino
