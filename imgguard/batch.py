"""Clean many photos: an engine prepares, this process publishes and records; one failure never stops the rest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from consent.errors import RecordError
from imgguard.digests import Digests
from imgguard.errors import ConsentChanged, NotReached, OutputError, OutputExists, OutputImpossible
from imgguard.noting import Noted
from imgguard.pipeline import Examined
from imgguard.queueing import Queue
from imgguard.recorder import Recorder, dry_result, refused
from imgguard.refusing import refusal_of, with_earlier
from imgguard.resuming import NOTHING, Before, Earlier
from imgguard.tasks import Work
from imgguard.types import CleanedPhoto, PhotoResult, Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from imgguard.engines import Engine
    from imgguard.output import OutputFolder
    from imgguard.planning import Job, Plan
    from imgguard.remote_output import RemoteFolder
    from imgguard.rules import Rules

_ENDS_THE_RUN = OutputImpossible("", "").kind
_ANOTHER_S = OutputExists("", "").kind


def run_batch(
    plan: Plan,
    rules: Rules,
    recorder: Recorder | None,
    folder: OutputFolder | RemoteFolder,
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
    done: dict[int, Before] = {}
    for number, job in enumerate(plan.jobs):
        before = earlier.look(job, plan.out) if earlier else NOTHING
        if before.result is not None:
            done[number] = before
            continue
        try:
            folder.check(job.target, before.passes)
        except OutputError as error:
            yield _refuse(job.source, refusal_of(error), recorder)
        else:
            wanted[number] = before
    if recorder is not None:
        recorder.unreported.clear()

    def agrees(number: int, told: Examined) -> bool:
        if earlier is None or earlier.agrees(done[number], told):
            return True
        wanted[number] = done.pop(number)
        return False

    noted = Noted(earlier.digests if earlier and recorder else Digests(None))
    queue = Queue(plan.jobs, frozenset(wanted), rules, examined, done.keys(), agrees)
    for number, outcome in _outcomes(queue, engine, noted):
        job = plan.jobs[number]
        if outcome is None:
            yield _left(done.pop(number))
            continue
        try:
            result = _finish(job, outcome, recorder, folder, wanted.pop(number))
            # What is noted there only saves time, and the photo is published and recorded.
            with contextlib.suppress(RecordError):
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
    yield from map(_left, done.values())
    for number in sorted(wanted):
        source = plan.jobs[number].source
        what = f"{source}: not reached, since nothing more could be written"
        yield _refuse(source, refusal_of(NotReached(what, "Mend that and run again.")), recorder)


def _left(before: Before) -> PhotoResult:
    assert before.result is not None
    return before.result


def _outcomes(queue: Queue, engine: Engine, noted: Noted) -> Iterator[tuple[int, CleanedPhoto | Refusal | None]]:
    """Keep the engine busy, and give what became of each photo; None for one that stays as it was done before."""
    under_way = 0
    while True:
        while under_way < engine.width and (task := queue.next(engine.width)) is not None:
            noted.begun(task)
            engine.submit(task)
            under_way += 1
        yield from queue.take_settled()
        if not under_way:
            return
        for task, outcome in engine.collect():
            under_way -= 1
            if task.work is Work.EXAMINE:
                queue.tell(task, outcome)
            else:
                assert not isinstance(outcome, Examined)
                yield task.number, outcome


def _finish(
    job: Job,
    outcome: CleanedPhoto | Refusal,
    recorder: Recorder | None,
    folder: OutputFolder | RemoteFolder,
    before: Before,
) -> PhotoResult:
    if isinstance(outcome, Refusal):
        return _refuse(job.source, _told(outcome, job, before), recorder)
    try:
        if recorder is None:
            return dry_result(outcome, job.target)
        replaces = job.replaces or before.replaces
        ours = before.replaceable(outcome)
        return recorder.publish(outcome, job.target, folder, job.replaced, replaces, ours)
    except (OutputError, ConsentChanged) as error:
        return _refuse(job.source, _told(refusal_of(error), job, before), recorder)


def _told(refusal: Refusal, job: Job, before: Before) -> Refusal:
    return with_earlier(refusal, job.target) if before.ours and refusal.kind != _ANOTHER_S else refusal


def _refuse(source: Path, refusal: Refusal, recorder: Recorder | None) -> PhotoResult:
    result = refused(source, refusal)
    if recorder is not None:
        recorder.refuse(result)
    return result
