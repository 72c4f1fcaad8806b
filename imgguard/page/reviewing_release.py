"""Publish a folder that was released: in the normal way, photo by photo, each with its record or not at all.

What was looked at was judged as if everybody had agreed who is to be asked. Here they have, and every photo is judged
again by what holds now: where anything differs, it is made anew before it is published. A release that was interrupted
publishes what is missing, in the same run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from consent import reviews
from consent.errors import UserFacingError
from consent.policy import Decision
from consent.reviews import Kind, Review, State
from consent.showings import published_files
from consent.store import Store
from imgguard.errors import ConsentChanged, OutputError, OutputImpossible, SetupError
from imgguard.guard import Guard
from imgguard.judging import decide_faces
from imgguard.marking import settle
from imgguard.marks import Mark
from imgguard.output import OutputFolder
from imgguard.page.desk import Desk
from imgguard.page.face_views import state_of
from imgguard.page.reviewing import Reviewing
from imgguard.page.reviewing_choices import Choices
from imgguard.page.reviewing_items import Item
from imgguard.page.reviewing_said import marks_of, verdict_of
from imgguard.page.reviewing_seen import NOT_LOOKED_AT, only_seen, require_made, require_seen, seen_by_first, seen_of
from imgguard.page.reviewing_work import Sheet, make, packed
from imgguard.page.sealed import SealedFolder
from imgguard.pipeline import Examined
from imgguard.planning import Job, Plan
from imgguard.recorder import Recorder, refused
from imgguard.refusing import refusal_of, worker_died
from imgguard.rules import Rules
from imgguard.tally import tally
from imgguard.types import CleanedPhoto, Refusal

LEFT_OUT, NOT_CONFIRMED = "left_out", "not_confirmed"
_AGAIN = "Look through the folder again."


@dataclass(frozen=True, slots=True)
class Released:
    """How far a release is.

    Attributes:
        done: Photos that were published or refused.
        total: Photos.
        published: Places below the output of what was published.
        refused: What was not published, with the reason: its place below the folder, kind, what and remedy.
        finished: Whether all is through.
        problem: What stopped it; None otherwise.
        run_id: The run in the record.
    """

    done: int = 0
    total: int = 0
    published: tuple[str, ...] = ()
    refused: tuple[tuple[str, Refusal], ...] = ()
    finished: bool = False
    problem: tuple[str, str] | None = None
    run_id: int | None = None


class Publishing:
    """One release, in a thread of its own."""

    def __init__(self, desk: Desk, review: Reviewing, row: Review) -> None:
        """Prepare; what is missing or does not go together is told here, before anything is published.

        Raises:
            UserFacingError: if the folder cannot be published like this.
        """
        with desk.store() as store:
            agreed, said = reviews.releases(store, row.id), reviews.said(store, row.id)
            self._replaces = _newest(store, row.again_of)
        items = review.items
        require_made(said, items)
        if row.run_id is None:
            require_seen(agreed, items)
        self._agreed, self._said, self._seen = agreed, said, seen_by_first(agreed)
        first = next(one for one in agreed if not one.role)
        self._choices = Choices.of(first.choices)
        self._desk, self._review, self._row = desk, review, row
        self._guard: Guard = desk.guard(self._choices.told(review.told, agreed))
        # Asked once more, now that the guard has read the school file.
        require_ready(review)
        self._plan: Plan = self._choices.plan(review.folder, self._guard, row.id)
        self._folder = self._output()
        self._items: Mapping[Path, Item] = {item.source: item for item in items}
        self._rules = self._guard.rules_now()
        self._packed = packed(self._rules)
        self._known = _counted(self._items.values(), self._rules)
        self._lock = threading.Lock()
        self._state = Released(total=len(self._plan.jobs) + len(self._plan.refused))
        self._thread = threading.Thread(target=self._work, name=f"release-{row.id}", daemon=True)

    @property
    def state(self) -> Released:
        """How far it is."""
        with self._lock:
            return self._state

    @property
    def zip_name(self) -> str:
        """Under which name the photos of a zip lie in the area; empty where they went into a folder."""
        return "" if self._choices.out else f"review/{self._row.id}/zip"

    @property
    def busy(self) -> bool:
        """Whether photos are being published now."""
        state = self.state
        return not state.finished and state.problem is None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def drop(self) -> None:
        """Delete what lies in the area to be downloaded."""
        for place in self.state.published if self.zip_name else ():
            self._desk.area.drop(f"{self.zip_name}/{place}")

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _output(self) -> OutputFolder:
        plain = self._guard.output_folder(self._plan)
        if self._choices.out:
            return plain
        return SealedFolder(plain.root, False, plain.inputs, area=self._desk.area, name=self.zip_name)

    def _work(self) -> None:
        try:
            with self._desk.store() as store:
                self._publish(store)
        except UserFacingError as error:
            self._put(problem=(error.what, error.remedy))
        except Exception as error:
            self._put(problem=(f"Unexpected {type(error).__name__} ({error})", "Go on, and report this."))

    def _publish(self, store: Store) -> None:
        recorder = self._recorder(store)
        self._put(run_id=recorder.run_id)
        done = reviews.published_by(store, recorder.run_id)
        noted = reviews.refused_by(store, recorder.run_id)
        for source, problem in self._plan.refused:
            self._refuse(source, refusal_of(problem), recorder, noted)
        for job, making in _few_ahead(self._plan.jobs, self._begin, self._desk.pool.workers):
            self._one(job, making, recorder, done, noted)
        recorder.finish()
        reviews.set_state(store, self._row.id, State.RELEASED)
        self._put(finished=True)

    def _recorder(self, store: Store) -> Recorder:
        """Go on with the run of this release, or begin it."""
        if self._row.run_id is not None:
            return self._guard.recorder(store, self._row.run_id)
        with store.atomic():
            # From here on nothing can be said any more; what was said until now is what was agreed to.
            reviews.require_open(store, self._row.id)
            if (reviews.releases(store, self._row.id), reviews.said(store, self._row.id)) != (self._agreed, self._said):
                raise SetupError("Something was said about a photo a moment ago", "Look at it, and release again.")
            recorder = self._guard.recorder(store)
            reviews.set_run(store, self._row.id, recorder.run_id, self._choices.out)
        return recorder

    def _begin(self, job: Job) -> Future[Sheet | Refusal] | None:
        """Have a photo made anew where what was looked at is not what would be published now."""
        item = self._items.get(job.source)
        if item is None or item.cleaned is None or self._why_not(item) or self._is_right(item):
            return None
        marks = marks_of(item.made_with)
        known = self._known.get(item.key)
        return self._desk.pool.submit(make, item.source, self._packed, known, marks, item.sha256)

    def _one(
        self, job: Job, making: Future[Sheet | Refusal] | None, recorder: Recorder, done: frozenset[tuple[str, str]],
        noted: frozenset[str],
    ) -> None:  # fmt: skip
        item = self._items.get(job.source)
        late = Refusal(NOT_LOOKED_AT, f"{job.source}: came later, and nobody looked at it", _AGAIN)
        why = self._why_not(item) if item else late
        if why or item is None:
            assert why is not None
            self._refuse(job.source, why, recorder, noted)
            return
        cleaned = only_seen(_made(job, making), item) if making else self._kept(item)
        if isinstance(cleaned, Refusal):
            self._refuse(job.source, cleaned, recorder, noted)
            return
        place = job.target.relative_to(self._plan.out).as_posix()
        if (item.sha256, place) in done and self._is_there(job.target, cleaned):
            self._put(published=place)
            return
        if self._row.run_id is not None and _has(job.target, cleaned.content):
            # Written by an earlier part of this release that ended before its record was committed.
            job.target.unlink()
        try:
            replaces = job.replaces or self._replaces.get(item.sha256)
            recorder.publish(cleaned, job.target, self._folder, job.replaced, replaces)
        except OutputImpossible:
            raise
        except (OutputError, ConsentChanged) as error:
            self._refuse(job.source, refusal_of(error), recorder, noted)
        else:
            self._put(published=place)

    def _is_there(self, target: Path, cleaned: CleanedPhoto) -> bool:
        """Tell whether an earlier part of this release has left a photo there; of a zip nothing outlives a restart."""
        if not isinstance(self._folder, SealedFolder):
            return _has(target, cleaned.content)
        if not self._folder.has(target):
            # The record has it already; only the bytes are missing.
            self._folder.publish(cleaned.content, target)
        return True

    def _why_not(self, item: Item) -> Refusal | None:
        """Tell why a photo is not published, apart from what is found while doing so."""
        verdict = verdict_of(item.made_with)
        if verdict is Kind.LEFT_OUT:
            who = next(one.operator for one in reversed(item.made_with) if one.kind is Kind.LEFT_OUT)
            return Refusal(LEFT_OUT, f"{item.source}: was left out by {who}", "")
        if item.refusal or item.cleaned is None:
            return item.refusal or Refusal(NOT_LOOKED_AT, f"{item.source}: was not looked at", "Look through it again.")
        if self._row.run_id is not None and self._seen.get(item.key) != seen_of(item):
            what = f"{item.source}: is not any more what was released"
            return Refusal(NOT_LOOKED_AT, what, "Look through the folder again in a new run.")
        doubtful = any(state_of(face) == "doubtful" for face in item.cleaned.faces)
        if doubtful and verdict is not Kind.CONFIRMED and not self._choices.with_open:
            return Refusal(
                NOT_CONFIRMED, f"{item.source}: has doubtful faces, and nobody confirmed it", "Look at it and confirm."
            )
        return None

    def _is_right(self, item: Item) -> bool:
        """Tell whether what was looked at is what would be decided now."""
        if item.known is None:
            return self._desk.area.get(self._review.area_name(item.key, "clean")) is not None
        marks = marks_of(item.made_with)
        before = _decisions(item.known, marks, self._review.guard.rules)
        now = _decisions(self._known[item.key], marks, self._rules)
        return before == now and self._desk.area.get(self._review.area_name(item.key, "clean")) is not None

    def _kept(self, item: Item) -> CleanedPhoto | Refusal:
        content = self._desk.area.get(self._review.area_name(item.key, "clean"))
        if content is None or item.cleaned is None:
            return Refusal(
                NOT_LOOKED_AT, f"{item.source}: what was looked at is gone", "Look through the folder again."
            )
        return replace(item.cleaned, content=content)

    def _refuse(self, source: Path, why: Refusal, recorder: Recorder, noted: frozenset[str]) -> None:
        result = refused(source, why)
        if (result.sha256 or "") not in noted:
            recorder.refuse(result)
        self._put(refused=(str(source.relative_to(self._review.folder)), why))

    def _put(self, **told: Any) -> None:
        with self._lock:
            state, counts = self._state, "published" in told or "refused" in told
            lists: dict[str, Any] = {
                name: (*getattr(state, name), told.pop(name)) for name in ("published", "refused") if name in told
            }
            self._state = replace(state, done=state.done + counts, **lists, **told)


def _few_ahead(
    jobs: Iterable[Job], begin: Callable[[Job], Future[Sheet | Refusal] | None], ahead: int
) -> Iterable[tuple[Job, Future[Sheet | Refusal] | None]]:
    """Give the jobs in order, the making of a few more begun."""
    waiting: list[tuple[Job, Future[Sheet | Refusal] | None]] = []
    for job in jobs:
        waiting.append((job, begin(job)))
        if len(waiting) > ahead:
            yield waiting.pop(0)
    yield from waiting


def _has(target: Path, content: bytes) -> bool:
    try:
        return target.is_file() and not target.is_symlink() and target.read_bytes() == content
    except OSError:
        return False


def _made(job: Job, making: Future[Sheet | Refusal]) -> CleanedPhoto | Refusal:
    try:
        sheet = making.result()
    except BrokenProcessPool:
        return worker_died(job.source, "Look through the folder again, or leave it out.")
    return sheet if isinstance(sheet, Refusal) else sheet.cleaned


def _decisions(known: Examined, marks: tuple[Mark, ...], rules: Rules) -> tuple[Decision, ...]:
    return decide_faces(settle(known.found, marks, rules).found, rules, known.scene)


def _counted(items: Iterable[Item], rules: Rules) -> Mapping[str, Examined]:
    """Let photos tell each other again how often everybody is shown, those who were named by a person included."""
    known = {item.key: item.known for item in items if item.known}
    if not rules.counts:
        return known
    marks = {item.key: marks_of(item.made_with) for item in items}
    said = [replace(one, found=settle(one.found, marks[key], rules).found) for key, one in known.items()]
    told = tally(said, rules)
    return {key: replace(known[key], scene=one.scene) for key, one in zip(known, told, strict=True)}


def _newest(store: Store, run_id: int | None) -> Mapping[str, int]:
    """Give the publications of an earlier run whose place new versions take, by the photo's digest."""
    if run_id is None:
        return {}
    return {file.source_sha256: file.newest for file in published_files(store) if file.run_id == run_id}


def require_ready(review: Reviewing) -> None:
    """Make sure that everything was looked at, by what the school file says now.

    Raises:
        SetupError: if not.
    """
    if not review.is_through:
        raise SetupError("The photos are not all looked at yet", "Wait until the progress is at its end.")
    if not review.is_fresh:
        raise SetupError(
            "Since the photos were looked at, the school file has changed (roster, consent, templates or the day)",
            "Look at them anew: what was said stays.",
        )
