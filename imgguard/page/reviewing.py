"""A folder that is looked through: its photos are examined and cleaned in the workers, and made anew where marked.

What people said is in the school file and outlives everything; what was found in the photos lives in this process
alone. After a restart the photos are examined anew, and what was said attaches again by digest and place.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

from consent import reviews
from consent.errors import RecordError, UserFacingError
from consent.reviews import Review, Said, State
from imgguard.errors import SetupError
from imgguard.events import link_and_tally
from imgguard.guard import Guard
from imgguard.page.area import AreaFull
from imgguard.page.desk import Desk
from imgguard.page.reviewing_items import Item, Progress, key_of, plan_folder
from imgguard.page.reviewing_said import by_photo, marks_of, verdict_of
from imgguard.page.reviewing_told import from_row, provisional
from imgguard.page.reviewing_work import Sheet, examine, make, packed
from imgguard.pipeline import Examined
from imgguard.planning import Plan
from imgguard.refusing import worker_died
from imgguard.types import Refusal

# A photo during which the process ended twice while nothing else of the folder was under way is to blame.
_DEATHS = 2
_WAITS = 0.5


class Reviewing:
    """One folder at work, in a thread of its own.

    Attributes:
        id: The review's number.
        guard: With which the photos are looked at.
        plan: What was found in the folder.
        gone: How many photos were there when it was last run and are not any more.
        new: Keys of the photos that were not there when it was last run.
        done_version: The version at which all photos were through; 0 until then.
    """

    def __init__(self, desk: Desk, row: Review) -> None:
        """Prepare; nothing runs until `start`.

        Raises:
            UserFacingError: if the folder or what was chosen cannot be used.
        """
        self._desk, self.id, self.told = desk, row.id, from_row(row.told)
        self.folder = Path(row.folder)
        self.guard: Guard = desk.guard(provisional(self.told))
        self.plan: Plan = plan_folder(self.folder, self.guard)
        places = {job.source: _place(job.source, self.folder) for job in self.plan.jobs}
        self._items = {key_of(place): Item(key_of(place), source, place) for source, place in places.items()}
        self.gone, self.new, self.done_version = 0, frozenset[str](), 0
        with desk.store() as store:
            self._said: Sequence[Said] = reviews.said(store, self.id)
            self._before = reviews.known_photos(store, self.id)
        self._rules = packed(self.guard.rules)
        self._lock = threading.Condition()
        self._version, self._stage = 1, "examining"
        self._problem: tuple[str, str] | None = None
        self._paused, self._closed = row.state is State.PAUSED, False
        self._waiting, self._urgent = deque(self._items), deque[str]()
        self._running: dict[Future[Examined | Sheet | Refusal], str] = {}
        self._suspects = deque[str]()
        self._begun, self._through = time.monotonic(), 0
        if self.guard.rules.gallery is None:
            self._stage = "cleaning"
        self._thread = threading.Thread(target=self._work, name=f"review-{self.id}", daemon=True)

    def start(self) -> None:
        """Begin the work."""
        self._thread.start()

    # What the page asks.

    @property
    def items(self) -> tuple[Item, ...]:
        """All photos that could be planned, in the order of the folder."""
        with self._lock:
            return tuple(self._items.values())

    def item(self, key: str) -> Item:
        """Give one photo.

        Raises:
            SetupError: if there is none.
        """
        with self._lock:
            if key in self._items:
                return self._items[key]
        raise SetupError("There is no such photo in this folder", "Load the page again.")

    @property
    def said(self) -> Sequence[Said]:
        """Everything that was said."""
        with self._lock:
            return self._said

    @property
    def progress(self) -> Progress:
        """How far the work is."""
        with self._lock:
            total, left = len(self._items), None
            again = len(self._urgent) + sum(self._items[k].cleaned is not None for k in self._running.values())
            waiting = len(self._waiting) + len(self._suspects) + len(self._running)
            done = total - min(total, waiting if self._stage in {"examining", "cleaning"} else 0)
            passed = time.monotonic() - self._begun
            rate = self._through / passed if self._through and passed > 0 else 0.0
            if rate:
                # Cleaning takes about as long as examining.
                rounds = 2 if self._stage == "examining" else 1
                left = (total * rounds - done) / rate if self._stage != "done" else 0.0
            stage = "paused" if self._paused and self._stage in {"examining", "cleaning"} else self._stage
            return Progress(stage, done, total, rate, left, again, self._version, self._problem)

    @property
    def is_through(self) -> bool:
        """Whether every photo is as it would be published, or refused."""
        with self._lock:
            return self._stage == "done" and not (self._urgent or self._running)

    @property
    def is_fresh(self) -> bool:
        """Whether the school file still says what it said when the photos were looked at."""
        return self._desk.guard(provisional(self.told)) is self.guard

    # What the page does.

    def heard(self, said: Sequence[Said]) -> None:
        """Take over what was said, and have the photos made anew that it changes."""
        with self._lock:
            self._said = said
            words = by_photo(said)
            for key, item in self._items.items():
                if not item.sha256:
                    continue
                told = words.get(item.sha256, ())
                if (item.cleaned or item.refusal) and marks_of(told) != marks_of(item.made_with):
                    if key not in self._urgent:
                        self._urgent.append(key)
                elif verdict_of(told) != verdict_of(item.made_with):
                    self._put(replace(item, made_with=told))
            self._lock.notify_all()

    def remake(self, keys: Iterable[str]) -> None:
        """Have photos made anew, such as those whose pictures are not in the area any more."""
        with self._lock:
            self._urgent.extend(key for key in keys if key not in self._urgent)
            self._lock.notify_all()

    def pause(self, *, paused: bool) -> None:
        """Hold the work, or go on; what is under way is finished, and what is marked is made all the same."""
        with self._lock:
            self._paused = paused
            self._begun, self._through = time.monotonic(), 0
            self._version += 1
            self._lock.notify_all()

    def close(self) -> None:
        """End the work and forget everything but what is in the school file."""
        with self._lock:
            self._closed, self._stage = True, "stopped"
            self._version += 1
            for future in self._running:
                future.cancel()
            self._lock.notify_all()
        if self._thread.is_alive():
            self._thread.join(30)
        for item in self.items:
            for name in ("clean", "shown", "thumbnail", "original", *(f"crop{n}" for n in item.crops)):
                self._desk.area.drop(self.area_name(item.key, name))

    def area_name(self, key: str, what: str) -> str:
        """Give the name of a picture in the encrypted area."""
        return f"review/{self.id}/{key}/{what}"

    # The thread.

    def _work(self) -> None:
        try:
            while not self._closed:
                self._submit()
                done = wait(self._running, timeout=_WAITS, return_when=FIRST_COMPLETED).done if self._running else ()
                for future in done:
                    self._finish(future)
                self._step()
        except UserFacingError as error:
            self._failed(error.what, error.remedy)
        except Exception as error:
            self._failed(f"Unexpected {type(error).__name__} ({error})", "Go on, and report this if it comes again.")

    def _failed(self, what: str, remedy: str) -> None:
        with self._lock:
            if not self._closed:
                self._stage, self._problem = "failed", (what, remedy)
                self._version += 1

    def _submit(self) -> None:
        """Keep as many photos under way as there are workers, so that whoever cleans one photo waits for one."""
        with self._lock:
            while not self._closed and len(self._running) < self._desk.pool.workers:
                key = self._next()
                if key is None:
                    break
                self._running[self._task(self._items[key])] = key

    def _next(self) -> str | None:
        if self._suspects:
            return None if self._running else self._suspects.popleft()
        if any(self._items[key].deaths for key in self._running.values()):
            return None
        busy = set(self._running.values())
        for queue in (self._urgent, () if self._paused else self._waiting):
            for key in queue:
                if key not in busy:
                    queue.remove(key)  # type: ignore[union-attr]
                    return key
        return None

    def _task(self, item: Item) -> Future[Examined | Sheet | Refusal]:
        submit: Callable[..., Future[Examined | Sheet | Refusal]] = self._desk.pool.submit
        if self._stage == "examining" and item.cleaned is None:
            return submit(examine, item.source, self._rules)
        words = by_photo(self._said).get(item.sha256, ())
        self._items[item.key] = replace(item, made_with=words)
        return submit(make, item.source, self._rules, item.known, marks_of(words), item.sha256)

    def _finish(self, future: Future[Examined | Sheet | Refusal]) -> None:
        with self._lock:
            key = self._running.pop(future)
            item = self._items[key]
            if self._closed or future.cancelled():
                return
            try:
                found = future.result()
            except BrokenProcessPool:
                self._died(item)
                return
            self._through += 1
            if isinstance(found, Examined):
                self._put(replace(item, known=found, deaths=0))
            elif isinstance(found, Refusal):
                self._put(replace(item, refusal=found, cleaned=None, deaths=0))
            else:
                self._keep(item, found)

    def _died(self, item: Item) -> None:
        """Try again alone, so that only the guilty photo is refused."""
        if item.deaths >= _DEATHS:
            self._put(replace(item, refusal=worker_died(item.source), cleaned=None))
            return
        self._items[item.key] = replace(item, deaths=item.deaths + 1)
        self._suspects.append(item.key)

    def _keep(self, item: Item, sheet: Sheet) -> None:
        area, name = self._desk.area, self.area_name
        for what, content in _pictures(sheet).items():
            area.put(name(item.key, what), content)
        # Where there is little room it is for what people look at; what is published is made anew then.
        if area.has_room:
            with contextlib.suppress(AreaFull):
                area.put(name(item.key, "clean"), sheet.cleaned.content)
        else:
            area.drop(name(item.key, "clean"))
        words = self._items[item.key].made_with
        # The digest is known only now where nobody is recognised.
        told = by_photo(self._said).get(sheet.cleaned.sha256, ())
        cleaned = replace(sheet.cleaned, content=b"")
        crops = tuple(n for n, _ in sheet.crops)
        self._put(replace(self._items[item.key], cleaned=cleaned, size=sheet.size, crops=crops, refusal=None,
                          deaths=0, made_with=words or told))  # fmt: skip
        if marks_of(told) != marks_of(words) and item.key not in self._urgent:
            self._urgent.append(item.key)

    def _put(self, item: Item) -> None:
        self._version += 1
        self._items[item.key] = replace(item, version=self._version)

    def _step(self) -> None:
        """Go over to the next stage when one is through, or rest until there is something to do."""
        with self._lock:
            busy = self._waiting or self._running or self._suspects
            if not busy and self._stage == "examining":
                self._tell()
            elif not busy and self._stage == "cleaning":
                self._stage = "done"
                self._note()
                self._version += 1
                self.done_version = self._version
            elif not self._running and not self._urgent and (self._paused or not busy) and not self._closed:
                self._lock.wait(_WAITS)

    def _tell(self) -> None:
        """Let the photos tell each other who is who, then clean those that could be examined."""
        known = {key: item.known for key, item in self._items.items() if item.known}
        told = link_and_tally(tuple(known.values()), self.guard.rules)
        for key, one in zip(known, told, strict=True):
            self._items[key] = replace(self._items[key], known=one)
        self._stage, self._waiting = "cleaning", deque(known)
        self._begun, self._through = time.monotonic(), 0
        self._version += 1

    def _note(self) -> None:
        """Keep which photos there are, and find out which came and went since the last time."""
        there = {item.sha256: item.key for item in self._items.values() if item.sha256}
        if self._before:
            self.gone = len(self._before - there.keys())
            self.new = frozenset(key for digest, key in there.items() if digest not in self._before)
        # Another process may hold the school file; an hour of work is not given up for a note about what is new.
        with contextlib.suppress(RecordError), self._desk.store() as store:
            reviews.note_photos(store, self.id, there)


def _pictures(sheet: Sheet) -> Mapping[str, bytes]:
    crops = {f"crop{n}": crop for n, crop in sheet.crops}
    return {"thumbnail": sheet.thumbnail, **crops, "shown": sheet.shown}


def _place(source: Path, folder: Path) -> str:
    return source.relative_to(folder).as_posix()
