"""Digests of files, of which those that did not change since are known: thousands of photos are not read twice.

As in the index of git, a file is taken to be the same if its size, its times and its number on the drive are. What was
changed so shortly before it was read that a second change could have left the same times is not noted: it is read again
the next time.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from consent.store import Store

# No file system in use tells times more coarsely.
_RACY_NS = 2_000_000_000
# After so many seconds a file that was written is known by its stamp alone.
SETTLED_S = 2.5
# So many digests are noted at once.
_MOST_NEW = 500


def place_of(path: Path) -> str:
    """Give the digest of a place, which the record may hold where it may not hold a name."""
    return hashlib.sha256(os.fsencode(str(path.absolute()))).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a file is known to be the same.

    Attributes:
        text: Size, times and number on the drive.
        changed_ns: When it was changed last, in nanoseconds.
        taken_ns: When this was asked.
    """

    text: str
    changed_ns: int
    taken_ns: int

    @property
    def is_settled(self) -> bool:
        """Whether any change after it was taken would show."""
        return self.changed_ns < self.taken_ns - _RACY_NS


def stamp_of(path: Path) -> Stamp | None:
    """Ask for a file's stamp; None where there is no regular file."""
    now = time.time_ns()
    try:
        told = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(told.st_mode):
        return None
    text = f"{told.st_size}-{told.st_mtime_ns}-{told.st_ctime_ns}-{told.st_ino}"
    return Stamp(text, max(told.st_mtime_ns, told.st_ctime_ns), now)


class Digests:
    """Gives digests of files, and notes them in the school file where there is one."""

    def __init__(self, store: Store | None) -> None:
        """Use a school file; None for none, where every file is read."""
        self.store = store
        self._new: dict[str, tuple[str, str]] = {}

    def of(self, path: Path) -> str | None:
        """Give the SHA-256 of a file; None where there is no regular file, or it cannot be read."""
        stamp = stamp_of(path)
        if stamp is None:
            return None
        place = place_of(path)
        known = self._known(place)
        if known is not None and known[0] == stamp.text:
            return known[1]
        digest = _read(path)
        if digest is not None:
            self.note(path, stamp, digest)
        return digest

    def note(self, path: Path, before: Stamp | None, sha256: str) -> None:
        """Note the digest of a file that was read.

        Args:
            path: The file.
            before: Its stamp from before it was read.
            sha256: What was read.
        """
        if self.store is None or before is None or not before.is_settled:
            return
        after = stamp_of(path)
        if after is not None and after.text == before.text:
            self._new[place_of(path)] = (before.text, sha256)
        if len(self._new) >= _MOST_NEW:
            self.save()

    def save(self) -> None:
        """Keep what was noted.

        Raises:
            RecordError: if the school file cannot be written.
        """
        if self.store is None or not self._new:
            return
        rows = [(place, stamp, sha256) for place, (stamp, sha256) in self._new.items()]
        with self.store.atomic():
            self.store.change_many("INSERT OR REPLACE INTO seen (place, stamp, sha256) VALUES (?, ?, ?)", rows)
        self._new.clear()

    def _known(self, place: str) -> tuple[str, str] | None:
        if place in self._new or self.store is None:
            return self._new.get(place)
        rows: Any = self.store.query("SELECT stamp, sha256 FROM seen WHERE place = ?", (place,))
        return rows[0] if rows else None


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
