"""Clean many photos: an engine prepares, this process publishes and records; one failure never stops the rest."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imgguard.digests import SETTLED_S, Digests, Stamp, stamp_of
from imgguard.errors import ConsentChanged, NotReached, OutputError, OutputImpossible
from imgguard.events import Event, events_of, link_and_tally
from imgguard.pipeline import Examined
from imgguard.recorder import Recorder, dry_result, refused
from imgguard.refusing import refusal_of
from imgguard.resuming import NOTHING, Before, Earlier
from imgguard.tally import Shown, nobody_shown
from imgguard.tasks import Outcome, Task, Work
from imgguard.types import CleanedPhoto, PhotoResult, Refusal, Status

if TYPE_CHECKING:
    from pathlib import Path

    from imgguard.engines import Engine
    from imgguard.output import OutputFolder
    from imgguard.planning import Job, Plan
    from imgguard.rules import Rules

_ENDS_THE_RUN = OutputImpossible("", "").kind
# So many tasks before the end, as a multiple of what is under way at once, the largest are done first.
_TAIL = 4


def run_batch(
    plan: Plan,
    rules: Rules,
    recorder: Recorder | None,
    folder: OutputFolder,
    engine: Engine,
    examined: Callable[[int, int], None] = lambda done, total: None,
    earlier: Earlier | None = None,
) -> Iterator[PhotoResult]:
    """Clean every photo of a plan; yields results as they finish, those that need no work first.

    Where people are to be recognised, the photos of an event are examined before the first of them is cleaned, so
    that they can tell each other who is who; see `imgguard.events`.

    Args:
        plan: What to do.
        rules: What holds for the run, as the engine was told.
        recorder: Where results are recorded; None for a dry run, which publishes nothing.
        folder: Where photos are published.
        engine: What does the work; whoever made it closes it.
        examined: Called with how many of how many photos have been examined.
        earlier: Knows what earlier runs have done; None where everything is to be done.

    Raises:
        RecordError: if the record cannot be written; photos published so far are recorded.
    """
    for source, problem in plan.refused:
        yield _refuse(source, refusal_of(problem), recorder)
    wanted: dict[int, Before] = {}
    for number, job in enumerate(plan.jobs):
        before = earlier.look(job, plan.out) if earlier else NOTHING
        if before.result is not None:
            yield before.result
            continue
        try:
            folder.check(job.target, before.ours)
        except OutputError as error:
            yield _refuse(job.source, refusal_of(error), recorder)
        else:
            wanted[number] = before
    if recorder is not None:
        recorder.unreported.clear()
    noted = Noted(earlier.digests if earlier and recorder else Digests(None))
    for number, outcome in _outcomes(Queue(plan.jobs, frozenset(wanted), rules, examined), engine, noted):
        job = plan.jobs[number]
        try:
            result = _finish(job, outcome, recorder, folder, wanted.pop(number))
            noted.finished(job, result)
        except KeyboardInterrupt:
            if recorder is not None:
                yield from recorder.unreported
            raise
        yield result
        if recorder is not None:
            recorder.unreported.clear()
        if result.refusal is not None and result.refusal.kind == _ENDS_THE_RUN:
            break
    for number in sorted(wanted):
        source = plan.jobs[number].source
        what = f"{source}: not reached, since nothing more could be written"
        yield _refuse(source, refusal_of(NotReached(what, "Mend that and run again.")), recorder)


def _outcomes(queue: Queue, engine: Engine, noted: Noted) -> Iterator[tuple[int, CleanedPhoto | Refusal]]:
    """Keep the engine busy, and give what became of each photo."""
    under_way = 0
    while True:
        while under_way < engine.width and (task := queue.next(engine.width)) is not None:
            noted.begun(task)
            engine.submit(task)
            under_way += 1
        yield from queue.take_refused()
        if not under_way:
            return
        for task, outcome in engine.collect():
            under_way -= 1
            if task.work is Work.EXAMINE:
                queue.tell(task, outcome)
            else:
                assert not isinstance(outcome, Examined)
                yield task.number, outcome


@dataclass(slots=True)
class _Open:
    """An event of which some photos are still to be examined."""

    event: Event
    found: dict[int, Examined | Refusal] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        return len(self.found) == len(self.event.numbers)


class Queue:
    """Gives the next task: photos whose event is examined come first, then examinations, in the order of the plan.

    So few events are open at a time, whatever the size of the plan.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        wanted: frozenset[int],
        rules: Rules,
        examined: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """Part the plan into events.

        Args:
            jobs: All photos of the plan.
            wanted: Which of them are to be cleaned. An event with any of them is examined wholly, so that a run that
                goes on where another stopped decides as if it had not been stopped.
            rules: What holds for the run.
            examined: Called with how many of how many photos have been examined.
        """
        self._jobs, self._wanted, self._rules, self._told = jobs, wanted, rules, examined
        events = [event for event in events_of(jobs) if not wanted.isdisjoint(event.numbers)]
        # Who is alone in a run has nobody to tell it anything; in an event, earlier events may count.
        counted = rules.counts and len(events) > 1
        self._asked = [rules.gallery is not None and (len(event.numbers) > 1 or counted) for event in events]
        self._total = sum(len(e.numbers) for e, asked in zip(events, self._asked, strict=True) if asked)
        self._done = 0
        self._events = deque(zip(events, self._asked, strict=True))
        self._open: deque[_Open] = deque()
        self._unseen: deque[Task] = deque()
        self._ready: deque[Task] = deque()
        self._refused: deque[tuple[int, Refusal]] = deque()
        self._shown: Shown = nobody_shown()

    def next(self, width: int = 1) -> Task | None:
        """Give the next task; None where there is none for now.

        Args:
            width: How many tasks are under way at once.
        """
        while not (self._ready or self._unseen) and self._events:
            self._begin(*self._events.popleft())
        if self._ready:
            return self._largest() if width > 1 and self._is_at_the_end(width) else self._ready.popleft()
        return self._unseen.popleft() if self._unseen else None

    def tell(self, task: Task, found: Outcome) -> None:
        """Take what an examination found."""
        assert not isinstance(found, CleanedPhoto)
        self._done += 1
        self._told(self._done, self._total)
        next(one for one in self._open if task.number in one.event.numbers).found[task.number] = found
        # In the order of the plan, so that it does not matter which worker is faster.
        while self._open and self._open[0].is_known:
            self._close(self._open.popleft())

    def take_refused(self) -> Iterator[tuple[int, Refusal]]:
        """Give the photos that could not be examined: the others could not tell who is in them."""
        while self._refused:
            yield self._refused.popleft()

    def _begin(self, event: Event, asked: bool) -> None:
        if asked:
            self._open.append(_Open(event))
            self._unseen.extend(Task(n, Work.EXAMINE, self._jobs[n].source) for n in event.numbers)
        else:
            self._ready.extend(self._task(n, None) for n in event.numbers if n in self._wanted)

    def _close(self, known: _Open) -> None:
        found = {n: one for n in known.event.numbers if isinstance(one := known.found[n], Examined)}
        told = link_and_tally(tuple(found.values()), self._rules, self._shown)
        linked = dict(zip(found, told, strict=True))
        for number in known.event.numbers:
            if number not in self._wanted:
                continue
            if isinstance(refusal := known.found[number], Refusal):
                self._refused.append((number, refusal))
            else:
                self._ready.append(self._task(number, linked[number]))

    def _task(self, number: int, known: Examined | None) -> Task:
        return Task(number, Work.PREPARE, self._jobs[number].source, known)

    def _is_at_the_end(self, width: int) -> bool:
        return not (self._events or self._open or self._unseen) and len(self._ready) <= _TAIL * width

    def _largest(self) -> Task:
        """Take the largest photo, so that at the end no worker waits long for another."""
        largest = max(self._ready, key=lambda task: _size(task.source))
        self._ready.remove(largest)
        return largest


def _size(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError:
        return 0


class Noted:
    """Notes digests of photos and of what was made of them, so that the next run need not read them again."""

    def __init__(self, digests: Digests) -> None:
        """Begin."""
        self._digests = digests
        self._begun: dict[Path, Stamp | None] = {}
        self._fresh: deque[tuple[float, Path, Stamp, str]] = deque()

    def begun(self, task: Task) -> None:
        """Remember how a photo is before a worker reads it."""
        if task.work is Work.PREPARE:
            self._begun[task.source] = stamp_of(task.source)

    def finished(self, job: Job, result: PhotoResult) -> None:
        """Note what was read and written."""
        before = self._begun.pop(job.source, None)
        if result.status is not Status.PUBLISHED or result.sha256 is None or result.output_sha256 is None:
            return
        self._digests.note(job.source, before, result.sha256)
        if (written := stamp_of(job.target)) is not None:
            self._fresh.append((time.monotonic(), job.target, written, result.output_sha256))
        # A file that was written a moment ago could be changed without showing it.
        while self._fresh and time.monotonic() - self._fresh[0][0] > SETTLED_S:
            _, target, written, sha256 = self._fresh.popleft()
            now = stamp_of(target)
            self._digests.note(target, now if now and now.text == written.text else None, sha256)


def _finish(
    job: Job, outcome: CleanedPhoto | Refusal, recorder: Recorder | None, folder: OutputFolder, before: Before
) -> PhotoResult:
    if isinstance(outcome, Refusal):
        return _refuse(job.source, outcome, recorder)
    try:
        if recorder is None:
            return dry_result(outcome, job.target)
        replaces = job.replaces or before.replaces
        return recorder.publish(outcome, job.target, folder, job.replaced, replaces, before.ours)
    except (OutputError, ConsentChanged) as error:
        return _refuse(job.source, refusal_of(error), recorder)


def _refuse(source: Path, refusal: Refusal, recorder: Recorder | None) -> PhotoResult:
    result = refused(source, refusal)
    if recorder is not None:
        recorder.refuse(result)
    return result
