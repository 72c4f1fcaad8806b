"""How a run tells of itself: a bar for people, lines without a terminal, nothing, or JSON lines for scripts.

What is told of the time left counts the looks at photos and their cleaning by their own measured times.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from cli.counting import DONE_BEFORE, Counts
from cli.pace import Pace
from cli.shown import cell

if TYPE_CHECKING:
    from imgguard.guard import Guard
    from imgguard.planning import Plan
    from imgguard.types import PhotoResult

_EVERY_S = 30.0
_COSTS_NOTHING = {"output_exists", "output_unsafe", "not_reached"}


class Shown:
    """Follows a run; use it as a context manager around all of it, so that it tells of its end, too.

    Attributes:
        console: Where the tables of the end go.
        notes: Where is told what is going on.
        counts: What was done so far.
    """

    def __init__(self, console: Console, notes: Console) -> None:
        """Keep where to tell things."""
        self.console, self.notes = console, notes
        self.counts = Counts()
        self.pace = Pace()
        self.planned = self.looked = self.to_look = 0
        self.results: Sequence[PhotoResult] = ()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the telling."""
        self._ended(error)

    def begin(self, plan: Plan, guard: Guard, results: Sequence[PhotoResult], *, dry_run: bool) -> None:
        """Begin to follow a plan.

        Args:
            plan: What is going to be done.
            guard: Who does it.
            results: Where results are put, before they are told here.
            dry_run: Whether nothing is published.
        """
        self.planned = len(plan.jobs) + len(plan.refused)
        self.results = results
        self._begun(guard, dry_run)

    def examined(self, done: int, total: int) -> None:
        """Note how many of how many photos have been looked at."""
        self.looked, self.to_look = done, total
        self.pace.looked()
        self._changed()

    def photo(self, result: PhotoResult) -> None:
        """Note what became of a photo."""
        self.counts.add(result)
        if result.status.value == DONE_BEFORE or (result.refusal and result.refusal.kind in _COSTS_NOTHING):
            self.pace.idled()
        else:
            self.pace.cleaned()
        self._told(result)
        self._changed()

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes; None while not known."""
        return self.pace.seconds(self.to_look - self.looked, self.planned - self.counts.photos)

    @property
    def share(self) -> float:
        """How much of all work is done, 0 to 1."""
        left, done = self.seconds_left, self.pace.seconds(self.looked, self.counts.photos)
        return done / (done + left) if done and left is not None else 0.0

    @property
    def rate(self) -> float | None:
        """Photos a second; None while not known."""
        return self.pace.rate(with_look=bool(self.to_look))

    @property
    def phase(self) -> str:
        """What is being done."""
        return "looking" if self.looked < self.to_look else "cleaning"

    def stop(self) -> None:
        """Make room for what is shown when the run is over."""

    def _begun(self, guard: Guard, dry_run: bool) -> None:
        """Tell that it begins."""

    def _told(self, result: PhotoResult) -> None:
        """Tell what became of a photo."""

    def _changed(self) -> None:
        """Tell how far it is."""

    def _ended(self, error: BaseException | None) -> None:
        """Tell that it ended, and by which error."""


class Bar(Shown):
    """A bar on the terminal."""

    def __init__(self) -> None:
        """Make the bar; it appears when the run begins."""
        super().__init__(Console(), Console(stderr=True))
        # In a narrow terminal the counts are cut off first; all of them come again at the end.
        said, counts = (TextColumn(f"{{task.{what}}}", table_column=_one_line()) for what in _SAID)
        columns = (said, BarColumn(10), _Left(self, table_column=_one_line()), counts)
        self._bar = Progress(*columns, console=self.notes)
        self._task = self._bar.add_task("Cleaning", total=1.0, done="")

    def _begun(self, guard: Guard, dry_run: bool) -> None:
        self._changed()
        self._bar.start()

    def _changed(self) -> None:
        looking = f"Seeing who is there {self.looked}/{self.to_look}"
        told = looking if self.phase == "looking" else f"Cleaning {self.counts.photos}/{self.planned}"
        done = self.counts.words if self.counts.photos else ""
        self._bar.update(self._task, description=told, completed=self.share, done=done)

    def _ended(self, error: BaseException | None) -> None:
        self._bar.stop()

    def stop(self) -> None:
        """Leave the bar as it is, above what follows."""
        self._bar.stop()


_SAID = ("description", "fields[done]")


def _one_line() -> Column:
    return Column(no_wrap=True)


class _Left(ProgressColumn):
    """The rate and the time left, which also passes while no photo is finished."""

    max_refresh = 0.5

    def __init__(self, shown: Shown, table_column: Column) -> None:
        super().__init__(table_column)
        self._shown = shown
        self._said: tuple[float | None, float] = (None, 0.0)

    def render(self, task: Task) -> Text:
        """Tell rate and time left."""
        left = self._shown.seconds_left
        if left != self._said[0]:
            self._said = left, time.monotonic()
        passed = time.monotonic() - self._said[1]
        return Text(paced(self._shown.rate, left if left is None else max(left - passed, 0.0)))


def paced(rate: float | None, left: float | None) -> str:
    """Put rate and time left in words.

    >>> paced(0.5, 75.2)
    'about 0.5/s, 0:01:15 left'
    >>> paced(None, None)
    'measuring'
    """
    if rate is None or left is None:
        return "measuring"
    return f"about {rate:.2g}/s, {timedelta(seconds=int(left))} left"


class Lines(Shown):
    """A line now and then, where there is no terminal to draw a bar on."""

    def __init__(self, every_s: float = _EVERY_S) -> None:
        """Begin to wait for the first line."""
        super().__init__(Console(), Console(stderr=True))
        self._every_s, self._last = every_s, time.monotonic()

    def _changed(self) -> None:
        if time.monotonic() - self._last < self._every_s:
            return
        self._last = time.monotonic()
        looked = f"{self.looked} of {self.to_look} photos looked at, " if self.to_look else ""
        done = f"{looked}{self.counts.photos} of {self.planned} finished: {self.counts.words}"
        self.notes.print(f"{done}; {paced(self.rate, self.seconds_left)}", soft_wrap=True)


class Quiet(Shown):
    """Nothing but what was refused, at once and with what to do."""

    def __init__(self) -> None:
        """Silence everything but errors."""
        super().__init__(Console(quiet=True), Console(stderr=True, quiet=True))
        self._errors = Console(stderr=True)

    def _told(self, result: PhotoResult) -> None:
        if result.refusal is not None:
            self._errors.print(cell(f"{result.refusal.what}. {result.refusal.remedy}"), soft_wrap=True)


def shown_as(*, quiet: bool, json_lines: bool) -> Shown:
    """Choose how a run tells of itself."""
    from cli.json_lines import JsonLines

    if quiet and json_lines:
        raise click.UsageError("--quiet says nothing and --json-lines everything: give one of them.")
    if json_lines:
        return JsonLines()
    if quiet:
        return Quiet()
    return Bar() if Console(stderr=True).is_terminal else Lines()


def how_to_tell(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --quiet and --json-lines; the command gets what follows its run as `shown`."""

    @functools.wraps(command)
    def packed(*, quiet: bool, json_lines: bool, **others: Any) -> Any:
        with shown_as(quiet=quiet, json_lines=json_lines) as shown:
            return command(shown=shown, **others)

    quiet = click.option("--quiet", is_flag=True, help="Say nothing but what was refused and what went wrong.")
    lines = click.option(
        "--json-lines", is_flag=True,
        help="For scripts: one JSON object a line, without names of files or people (docs/watch.md has the fields).",
    )  # fmt: skip
    return quiet(lines(packed))
