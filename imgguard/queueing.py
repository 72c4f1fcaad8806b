"""In which order the tasks of a run are done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imgguard.events import Event, events_of, link_and_tally
from imgguard.pipeline import Examined
from imgguard.tally import Shown, nobody_shown
from imgguard.tasks import Outcome, Task, Work
from imgguard.types import CleanedPhoto, Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from imgguard.planning import Job
    from imgguard.rules import Rules

# So many tasks before the end, as a multiple of what is under way at once, the largest are done first.
_TAIL = 4


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
        done: AbstractSet[int] = frozenset(),
        agrees: Callable[[int, Examined], bool] = lambda number, told: True,
    ) -> None:
        """Part the plan into events.

        Args:
            jobs: All photos of the plan.
            wanted: Which of them are to be cleaned. An event with any of them is examined wholly, so that a run that
                goes on where another stopped decides as if it had not been stopped.
            rules: What holds for the run.
            examined: Called with how many of how many photos have been examined.
            done: Photos that an earlier run has done.
            agrees: Says whether what the photos of an event tell of one that is done is what they told then; where it
                is not, the photo is cleaned again.
        """
        self._agrees, self._before = agrees, frozenset(done)
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
        self._sorted = False
        doubted = {n for event, asked in self._events if asked for n in event.numbers}
        self._settled = deque[tuple[int, Refusal | None]]((n, None) for n in sorted(self._before - doubted))
        self._shown: Shown = nobody_shown()

    def next(self, width: int = 1) -> Task | None:
        """Give the next task; None where there is none for now.

        Args:
            width: How many tasks are under way at once.
        """
        while not (self._ready or self._unseen) and self._events:
            self._begin(*self._events.popleft())
        if self._ready:
            if width > 1 and not self._sorted and self._is_at_the_end(width):
                self._sort()
            return self._ready.popleft()
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

    def take_settled(self) -> Iterator[tuple[int, Refusal | None]]:
        """Give the photos of which nothing is to be cleaned.

        Those that could not be examined, with the reason: the others could not tell who is in them; and with None
        those that stay as an earlier run has done them.
        """
        while self._settled:
            yield self._settled.popleft()

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
            now, refusal = linked.get(number), known.found[number]
            if number in self._before and (now is None or self._agrees(number, now)):
                # What cannot be read now was published as it was then.
                self._settled.append((number, None))
            elif number not in self._wanted and number not in self._before:
                continue
            elif isinstance(refusal, Refusal):
                self._settled.append((number, refusal))
            else:
                self._ready.append(self._task(number, now))

    def _task(self, number: int, known: Examined | None) -> Task:
        return Task(number, Work.PREPARE, self._jobs[number].source, known)

    def _is_at_the_end(self, width: int) -> bool:
        return not (self._events or self._open or self._unseen) and len(self._ready) <= _TAIL * width

    def _sort(self) -> None:
        """Take the largest photos first, so that at the end no worker waits long for another; nothing is added then."""
        self._ready = deque(sorted(self._ready, key=lambda task: -_size(task.source)))
        self._sorted = True


def _size(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError:
        return 0
