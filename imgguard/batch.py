"""Clean many photos: workers prepare, the main process publishes and records; one failure never stops the rest."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from imgguard.backends import Backends, default_backends
from imgguard.errors import (
    ConsentChanged,
    ImgguardError,
    InternalFault,
    NotReached,
    OutputError,
    OutputImpossible,
    PhotoError,
    SetupError,
    WorkerDied,
)
from imgguard.lazy import cv2
from imgguard.linking import link_photos
from imgguard.marking import settle
from imgguard.pipeline import Examined, examine_photo, prepare_photo
from imgguard.planning import Job, Plan
from imgguard.recorder import Recorder, dry_result, refused
from imgguard.rules import Rules
from imgguard.tally import tally
from imgguard.types import CleanedPhoto, Identification, PhotoResult, Refusal

if TYPE_CHECKING:
    from imgguard.output import OutputFolder

_T = TypeVar("_T")
_Task = tuple[Job, tuple[object, ...]]
_Outcomes = Generator[tuple[Job, _T | Refusal], None, None]


def refusal_of(error: ImgguardError) -> Refusal:
    """Turn an error into the value that results and reports carry."""
    return Refusal(error.kind, error.what, error.remedy)


def worker_died(source: Path, remedy: str = "Open it in a photo program and save it anew, or leave it out.") -> Refusal:
    """Give the refusal of a photo whose worker process ended."""
    what = f"{source}: the process that worked on it ended (damaged file, or not enough memory)"
    return refusal_of(WorkerDied(what, remedy))


def run_batch(
    plan: Plan,
    rules: Rules,
    recorder: Recorder | None,
    folder: OutputFolder,
    workers: int,
    examined: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[PhotoResult]:
    """Clean every photo of a plan; yields results as they finish, the refused ones of the plan first.

    Where people are to be recognised in several photos, all of them are examined before the first is cleaned, so that
    they can tell each other who is who.

    Args:
        plan: What to do.
        rules: What holds for the run.
        recorder: Where results are recorded; None for a dry run, which publishes nothing.
        folder: Where photos are published.
        workers: Processes to use; 1 works in this process.
        examined: Called with how many of how many photos have been examined.

    Raises:
        RecordError: if the record cannot be written; photos published so far are recorded.
    """
    for source, problem in plan.refused:
        yield _refuse(source, refusal_of(problem), recorder)
    ready = []
    for job in plan.jobs:
        try:
            folder.check(job.target)
        except OutputError as error:
            yield _refuse(job.source, refusal_of(error), recorder)
        else:
            ready.append(job)
    workers = min(workers, len(ready))
    known = _examine(plan.jobs, rules, workers, examined) if ready else {}
    if recorder is not None:
        recorder.unreported.clear()
    tasks = [(job, (job.source, known.get(job))) for job in ready]
    prepared = _here(prepare_or_refuse, tasks, rules) if workers <= 1 else _in_pool(_work, tasks, rules, workers)
    pending = dict.fromkeys(ready)
    for job, outcome in prepared:
        del pending[job]
        try:
            result = _finish(job, outcome, recorder, folder)
        except KeyboardInterrupt:
            if recorder is not None:
                yield from recorder.unreported
            raise
        yield result
        if recorder is not None:
            recorder.unreported.clear()
        if result.refusal is not None and result.refusal.kind == _ENDS_THE_RUN:
            prepared.close()
            break
    for job in pending:
        what = f"{job.source}: not reached, since nothing more could be written"
        yield _refuse(job.source, refusal_of(NotReached(what, "Mend that and run again.")), recorder)


_ENDS_THE_RUN = OutputImpossible("", "").kind


def _finish(job: Job, outcome: CleanedPhoto | Refusal, recorder: Recorder | None, folder: OutputFolder) -> PhotoResult:
    if isinstance(outcome, Refusal):
        return _refuse(job.source, outcome, recorder)
    try:
        if recorder is None:
            return dry_result(outcome, job.target)
        return recorder.publish(outcome, job.target, folder, job.replaced, job.replaces)
    except (OutputError, ConsentChanged) as error:
        return _refuse(job.source, refusal_of(error), recorder)


def _refuse(source: Path, refusal: Refusal, recorder: Recorder | None) -> PhotoResult:
    result = refused(source, refusal)
    if recorder is not None:
        recorder.refuse(result)
    return result


def _examine(
    jobs: Sequence[Job], rules: Rules, workers: int, examined: Callable[[int, int], None]
) -> dict[Job, Examined | Refusal]:
    """Find out who is in each photo, and let the photos tell each other.

    All photos of the plan are examined, those too that are in the output already: when a run is gone on with, its
    photos are judged as if it had not been stopped.
    """
    if rules.gallery is None or len(jobs) < 2:
        return {}
    tasks = [(job, (job.source,)) for job in jobs]
    found: dict[Job, Examined | Refusal] = {}
    workers = min(workers, len(jobs))
    outcomes = _here(examine_or_refuse, tasks, rules) if workers <= 1 else _in_pool(_look, tasks, rules, workers)
    for job, outcome in outcomes:
        found[job] = outcome
        examined(len(found), len(jobs))
    # In the order of the plan, not in that in which the workers happened to finish.
    known = {job: one for job in jobs if isinstance(one := found[job], Examined)}
    return {**found, **dict(zip(known, link_and_tally(tuple(known.values()), rules), strict=True))}


def link_and_tally(photos: Sequence[Examined], rules: Rules) -> tuple[Examined, ...]:
    """Let the photos of an event tell each other who is who and how often, in the order in which they are given."""
    if rules.gallery is None or len(photos) < 2:
        return tuple(photos)
    linked = link_photos([one.found for one in photos], rules.gallery)
    return tally([_said(one, faces, rules) for one, faces in zip(photos, linked, strict=True)], rules)


def _said(photo: Examined, found: Sequence[Identification], rules: Rules) -> Examined:
    """Take into account what a person said of a photo, so that whoever was named counts like the others."""
    return replace(photo, found=settle(found, rules.marks.get(photo.sha256, ()), rules).found)


def examine_or_refuse(source: Path, rules: Rules, backends: Backends) -> Examined | Refusal:
    """Examine one photo; every failure that concerns it alone becomes a refusal."""
    return or_refuse(source, lambda: examine_photo(source, rules, backends))


def prepare_or_refuse(
    source: Path, known: Examined | Refusal | None, rules: Rules, backends: Backends
) -> CleanedPhoto | Refusal:
    """Clean one photo in memory; every failure that concerns it alone becomes a refusal.

    What could not be examined is refused: the others could not tell who is in it.
    """
    if isinstance(known, Refusal):
        return known
    return or_refuse(source, lambda: prepare_photo(source, rules, backends, known))


def or_refuse(source: Path, work: Callable[[], _T]) -> _T | Refusal:
    """Work on one photo; every failure that concerns it alone becomes a refusal."""
    try:
        return work()
    except PhotoError as error:
        return refusal_of(error)
    except ImgguardError:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = (
            f"{source}: unexpected {type(error).__name__} in {Path(where.filename).name} line {where.lineno} ({error})"
        )
        return refusal_of(InternalFault(what, "Leave the photo out and report this."))


def _here(work: Callable[..., _T | Refusal], tasks: Sequence[_Task], rules: Rules) -> _Outcomes[_T]:
    for job, arguments in tasks:
        yield job, work(*arguments, rules, default_backends())


_worker_rules: Rules | None = None


def start_worker(rules: Rules | None) -> None:
    """Load the models once; leave Ctrl-C to the main process, and end with it however it ends."""
    global _worker_rules
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    default_backends()
    _worker_rules = rules


def _end_with_parent() -> None:
    """A worker holds templates in memory: it must not outlive the run, even if the main process is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _look(source: Path) -> Examined | Refusal:
    assert _worker_rules is not None
    return examine_or_refuse(source, _worker_rules, default_backends())


def _work(source: Path, known: Examined | Refusal | None) -> CleanedPhoto | Refusal:
    assert _worker_rules is not None
    return prepare_or_refuse(source, known, _worker_rules, default_backends())


def _pool(rules: Rules, workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker, initargs=(rules,))


def _in_pool(work: Callable[..., _T | Refusal], tasks: Sequence[_Task], rules: Rules, workers: int) -> _Outcomes[_T]:
    """Work on photos in worker processes, a few more under way than there are workers.

    A photo whose decoder or model kills the process takes the whole pool along. What was under way then is tried
    again, each alone in a process of its own, so that only the guilty one is refused.
    """
    waiting = deque(tasks)
    proven = False
    while waiting:
        suspects: list[_Task] = []
        pool = _pool(rules, workers)
        try:
            running: dict[Future[_T | Refusal], _Task] = {}
            while (waiting or running) and not suspects:
                while waiting and len(running) < 2 * workers:
                    task = waiting.popleft()
                    running[pool.submit(work, *task[1])] = task
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    try:
                        outcome = future.result()
                    except BrokenProcessPool:
                        suspects.append(task)
                        continue
                    proven = True
                    yield task[0], outcome
            suspects += running.values()
        except BrokenProcessPool:
            suspects += [task, *running.values()]
        finally:
            _stop(pool)
        if suspects and not proven:
            _prove_that_workers_start(rules)
            proven = True
        for job, arguments in suspects:
            yield job, _alone(work, job, arguments, rules)


def _prove_that_workers_start(rules: Rules) -> None:
    """Tell a photo that kills workers from a program in which none can start.

    Raises:
        SetupError: if no worker starts.
    """
    try:
        _in_one_worker(rules, os.getpid)
    except BrokenProcessPool as error:
        raise SetupError(
            "Worker processes cannot be started",
            'In a script, call it below `if __name__ == "__main__":`, or use workers=1.',
        ) from error


def _alone(work: Callable[..., _T | Refusal], job: Job, arguments: tuple[object, ...], rules: Rules) -> _T | Refusal:
    try:
        return _in_one_worker(rules, work, *arguments)
    except BrokenProcessPool:
        return worker_died(job.source)


def _in_one_worker(rules: Rules, work: Callable[..., _T], *arguments: object) -> _T:
    """Do one thing in a worker process of its own.

    Raises:
        BrokenProcessPool: if the process ends.
    """
    pool = _pool(rules, 1)
    try:
        return pool.submit(work, *arguments).result()
    finally:
        _stop(pool)


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers at once; what they were doing is not wanted any more."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)


def default_workers() -> int:
    """As many processes as there are cores for this one."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
