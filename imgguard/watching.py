"""Clean what arrives in a folder, for as long as nobody ends it.

What is done is known by the record alone, as when a run is gone on with; so whatever ends this, the next start does
what is left. At its start, and whenever roster, ID photos or withdrawals have changed, it goes through the folder as
`imgguard clean` would: what is done and would come out the same is left alone. After that, what arrives together is one
event.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from consent.errors import UserFacingError
from consent.store import last_change
from imgguard.arrivals import Arrivals, FolderAway, State, Timing, list_files
from imgguard.digests import stamp_of
from imgguard.errors import SetupError
from imgguard.locking import only_one
from imgguard.running import pool_here
from imgguard.types import PhotoResult, Refusal, Status
from imgguard.workers import workers_for

if TYPE_CHECKING:
    from imgguard.guard import Guard
    from imgguard.planning import Plan

Facts = Mapping[str, object]
# What is no fault of the photo: it is tried again though it does not change.
_PASSES = {"output_impossible", "not_reached", "photo_unreadable", "photo_changed", "consent_changed"}
# No roster is larger than so many bytes; a zip of ID photos is, and would be read every few seconds.
_MOST_ROSTER = 16 * 2**20
# A pause lasts at least so many times as long as the look before it.
_PAUSE = 20
_INCOMPLETE = Refusal(
    "photo_incomplete", "the file lies still and is not whole", "It is cleaned as soon as the rest of it arrives."
)


@dataclass(frozen=True, slots=True)
class Order:
    """What is watched, and what becomes of it.

    Attributes:
        folder: What is watched.
        out: The output folder.
        school: The school file.
        known_by: Files that a guard reads besides the school file: the roster, the ID photos.
        workers: Processes to use; None for one a core.
        timing: How long what takes.
        every: Seconds between two looks.
        heartbeat: Seconds between two signs of life.
    """

    folder: Path
    out: Path
    school: Path
    known_by: tuple[Path, ...] = ()
    workers: int | None = None
    timing: Timing = field(default_factory=Timing)
    every: float = 5.0
    heartbeat: float = 300.0


def what_is_known(order: Order) -> str:
    """Give a digest of all that decides who may be seen, today.

    Roster files are read anew each time; of ID photos, which are many and large, sizes and times are enough.
    """
    told: list[object] = [date.today().isoformat(), last_change(order.school)]
    for path in order.known_by:
        try:
            if path.is_dir():
                told.append(sorted(list_files(path).files.items()))
            elif path.stat().st_size > _MOST_ROSTER:
                stamp = stamp_of(path)
                told.append(stamp and stamp.text)
            else:
                told.append(hashlib.sha256(path.read_bytes()).hexdigest())
        except (OSError, FolderAway):
            told.append(None)
    return hashlib.sha256(repr(told).encode()).hexdigest()


@dataclass(slots=True)
class Totals:
    """What was done since the start."""

    published: int = 0
    done_before: int = 0
    refused: int = 0
    batches: int = 0


@dataclass(slots=True)
class Watch:
    """Watches one folder.

    Attributes:
        order: What is to be done.
        make_guard: Reads roster, templates and withdrawals anew.
        tell: Is told what happens, in numbers and digests; never a name.
        finished: Is told what became of each photo.
        troubles: By file, why it could not be cleaned, as far as it is still there and has not changed.
        totals: What was done since the start.
        held_up: What keeps everything from being cleaned at the moment; None for nothing.
    """

    order: Order
    make_guard: Callable[[], Guard]
    tell: Callable[[str, Facts], None]
    finished: Callable[[PhotoResult], None] = lambda result: None
    troubles: dict[Path, Refusal] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    held_up: UserFacingError | None = None
    _arrivals: Arrivals = field(init=False)
    _guard: Guard | None = None
    _known: str = ""
    _everything: bool = True
    _away: bool = False
    _paused_until: float = 0.0
    _beat_at: float = 0.0

    def __post_init__(self) -> None:
        """Know nothing yet."""
        self._arrivals = Arrivals(self.order.folder, self.order.timing)

    def run(self) -> None:
        """Watch until interrupted.

        Raises:
            SetupError: if another process does, or the folders cannot be used.
            UserFacingError: if it cannot begin with what it was given.
        """
        with only_one(self._lock()) as ours:
            if not ours:
                raise SetupError(
                    f"{self.order.folder}: another process watches it for this output folder",
                    "Let that one do it, or end it first.",
                )
            self._renew()
            self._plan(lambda path: False)
            self.tell("watching", {"workers": workers_for(self.order.workers).count, "every": self.order.every})
            while True:
                begun = time.monotonic()
                self._look()
                took = time.monotonic() - begun
                self._step()
                # Where the list is long or the drive slow, most of the time is left to others.
                time.sleep(max(self.order.every, _PAUSE * took))

    def _step(self) -> None:
        if not self._away:
            self._clean_what_is_there()
        self._beat()

    def _look(self) -> None:
        try:
            self._arrivals.look()
        except FolderAway:
            self._note_away(True)
        else:
            self._note_away(False)

    def _clean_what_is_there(self) -> None:
        for path in self._arrivals.check():
            self._trouble(path, _INCOMPLETE)
            self.tell("incomplete", {"files": self._arrivals.count(State.INCOMPLETE)})
        for path in [path for path in self.troubles if not self._arrivals.knows(path)]:
            del self.troubles[path]
        if time.monotonic() >= self._paused_until:
            self._clean_or_wait()

    def facts(self) -> Facts:
        """Give how things stand, in numbers."""
        seen, done = self._arrivals, self.totals
        here = {"arriving": seen.count(State.ARRIVING), "taken": seen.count(State.TAKEN)}
        left = {"troubles": len(self.troubles), "unfinished": seen.unfinished, "unread_folders": seen.unread}
        told = {"published": done.published, "done_before": done.done_before, "refused": done.refused}
        return {**here, **left, "batches": done.batches, **told, "away": self._away}

    def _clean_or_wait(self) -> None:
        """Do what is to be done; what keeps all of it from being done may pass, and is tried again."""
        try:
            if what_is_known(self.order) != self._known:
                self._renew()
            ready = self._arrivals.ready()
            wanted = ready | self._arrivals.taken() if self._everything else ready
            if wanted:
                self._clean(wanted)
                self._everything = False
            self.held_up = None
        except (UserFacingError, OSError) as error:
            self.held_up = error if isinstance(error, UserFacingError) else None
            kind = error.kind if isinstance(error, UserFacingError) else "os_error"
            self._paused_until = time.monotonic() + self.order.timing.again
            self.tell("waiting", {"reason": kind, "seconds": self.order.timing.again})

    def _renew(self) -> None:
        """Read everything anew that decides who may be seen, and go through the whole folder by it."""
        known, before = what_is_known(self.order), self._known
        self._guard, self._known, self._everything = self.make_guard(), known, True
        if before:
            self.tell("changed", {"files": self._arrivals.count(State.TAKEN)})

    def _plan(self, chosen: Callable[[Path], bool]) -> Plan:
        assert self._guard is not None
        return self._guard.plan([self.order.folder], self.order.out, chosen=chosen)

    def _clean(self, wanted: frozenset[Path]) -> None:
        assert self._guard is not None
        begun, before = time.monotonic(), (self.totals.published, self.totals.refused, self.totals.done_before)
        plan = self._plan(wanted.__contains__)
        for other in plan.others:
            self._arrivals.take(other.path)
        finished = False
        # Always processes of their own: a photo that ends one must not end the watch.
        engine = functools.partial(pool_here, asked=self.order.workers, photos=len(plan.jobs))
        try:
            for result in self._guard.run(plan, engine=engine, examined=self._looked):
                self._take(result)
                self._beat()
            finished = True
        finally:
            self._guard.close(finished=finished)
        told = zip(("published", "refused", "done_before"), before, strict=True)
        numbers = {name: getattr(self.totals, name) - then for name, then in told}
        self.totals.batches += 1
        self.tell("batch", {**numbers, "others": len(plan.others), "seconds": round(time.monotonic() - begun, 1)})

    def _looked(self, done: int, total: int) -> None:
        self._beat()

    def _take(self, result: PhotoResult) -> None:
        self.totals.published += result.status is Status.PUBLISHED
        self.totals.done_before += result.status is Status.DONE_BEFORE
        self.totals.refused += result.status is Status.REFUSED
        refusal = result.refusal
        if refusal is not None and refusal.kind in _PASSES:
            self._arrivals.try_again(result.source)
        else:
            self._arrivals.take(result.source)
        # What was told once, and did not change, is not told again.
        told_before = self.troubles.get(result.source) == refusal
        self._trouble(result.source, refusal)
        if not told_before or refusal is None:
            self.finished(result)

    def _trouble(self, path: Path, refusal: Refusal | None) -> None:
        if refusal is None:
            self.troubles.pop(path, None)
        else:
            self.troubles[path] = refusal

    def _note_away(self, away: bool) -> None:
        if away != self._away:
            self._away = away
            self.tell("away" if away else "back", {})

    def _beat(self) -> None:
        now = time.monotonic()
        if self._beat_at == 0.0:
            self._beat_at = now + self.order.heartbeat
        elif now >= self._beat_at:
            self._beat_at = now + self.order.heartbeat
            self.tell("alive", self.facts())

    def _lock(self) -> Path:
        place = f"{self.order.folder.resolve()}\n{self.order.out.resolve()}"
        name = hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:16]
        return self.order.school.resolve().parent / f"watch-{name}.lock"
