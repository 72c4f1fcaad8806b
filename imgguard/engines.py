"""Where tasks are done: in this process, or in worker processes; a cluster is a third (`imgguard.cluster`).

An engine is given the rules when it is made, and then only tasks. What it gives back is the same for all of them; only
the order in which it comes differs.
"""

from __future__ import annotations

import multiprocessing
import os
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any, Protocol, TypeVar

from imgguard.backends import default_backends
from imgguard.errors import SetupError
from imgguard.handout import Handout, ask
from imgguard.refusing import is_short_of_memory, worker_died
from imgguard.rules import Rules
from imgguard.tasks import Outcome, Task, perform
from imgguard.workers import start_worker

_T = TypeVar("_T")
_Finished = tuple[Task, Outcome]
# So many tasks a worker are under way: one in work, one that waits for it.
_AHEAD = 2
# Seconds between two looks whether a worker has died unnoticed.
_LOOK_S = 5.0


class Engine(Protocol):
    """Does tasks."""

    @property
    @abstractmethod
    def width(self) -> int:
        """How many tasks to keep under way."""

    @abstractmethod
    def submit(self, task: Task) -> None:
        """Take a task; returns at once."""

    @abstractmethod
    def collect(self) -> Iterable[tuple[Task, Outcome]]:
        """Give what is finished; waits until at least one task is, if any is under way.

        Raises:
            ImgguardError: if nothing can be done at all.
        """

    @abstractmethod
    def close(self) -> None:
        """End at once; what is under way is not wanted any more."""


class Here:
    """Does tasks in this process, one after the other."""

    width = 1

    def __init__(self, rules: Rules) -> None:
        """Take the rules of a run."""
        self._rules = rules
        self._waiting: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """See `Engine`."""
        self._waiting.append(task)

    def collect(self) -> Iterator[_Finished]:
        """See `Engine`."""
        if self._waiting:
            task = self._waiting.popleft()
            yield task, perform(task, self._rules, default_backends())

    def close(self) -> None:
        """See `Engine`."""
        self._waiting.clear()


_worker_rules: Rules | None = None


def worker_rules() -> Rules:
    """Give the rules in a worker process."""
    assert _worker_rules is not None
    return _worker_rules


def _start(address: str | tuple[str, int]) -> None:
    global _worker_rules
    start_worker()
    _worker_rules = ask(address)


def _perform(task: Task) -> Outcome:
    return perform(task, worker_rules(), default_backends())


class Pool:
    """Does tasks in worker processes.

    A photo whose decoder or model kills the process takes all workers along. What was under way then is tried again,
    each alone in a process of its own, so that only the guilty one is refused.
    """

    def __init__(self, rules: Rules, workers: int, work: Callable[[Task], Outcome] | None = None) -> None:
        """Prepare; processes start with the first task.

        Args:
            rules: What holds for the run.
            workers: How many processes.
            work: What a worker does with a task, in place of `perform`.
        """
        self._rules, self._workers, self._work = rules, workers, work or _perform
        self._executor: ProcessPoolExecutor | None = None
        self._handout: Handout | None = None
        self._running: dict[Future[Outcome], Task] = {}
        self._suspects: list[Task] = []
        self._proven = False

    @property
    def width(self) -> int:
        """See `Engine`."""
        return _AHEAD * self._workers

    def submit(self, task: Task) -> None:
        """See `Engine`."""
        try:
            self._executor = self._executor or _executor(self._given_out(), self._workers)
            self._running[self._executor.submit(self._work, task)] = task
        except BrokenProcessPool:
            self._suspects.append(task)
        except OSError as error:
            raise SetupError(
                f"No worker process can be started ({error.strerror})",
                "Close other programs, or use --workers 1, and run again: it goes on from here.",
            ) from error

    def collect(self) -> Iterator[_Finished]:
        """See `Engine`."""
        short: list[Task] = []
        if self._running and not self._suspects:
            yield from self._some(short)
        if short:
            # Whoever else is at work takes memory, too: they finish first.
            while self._running and not self._suspects:
                yield from self._some(short)
        if self._suspects:
            yield from self._one_by_one()
        for task in short:
            yield task, self._alone(task)

    def close(self) -> None:
        """See `Engine`."""
        self._running.clear()
        self._suspects.clear()
        if self._executor is not None:
            executor, self._executor = self._executor, None
            _stop(executor)
        if self._handout is not None:
            self._handout.close()
            self._handout = None

    def _given_out(self) -> Handout:
        self._handout = self._handout or Handout(self._rules)
        return self._handout

    def _some(self, short: list[Task]) -> Iterator[_Finished]:
        assert self._executor is not None, "what runs was submitted"
        for future in _finished(self._running, self._executor):
            task = self._running.pop(future)
            try:
                outcome = future.result()
            except BrokenProcessPool:
                self._suspects.append(task)
                continue
            self._proven = True
            if is_short_of_memory(outcome):
                short.append(task)
            else:
                yield task, outcome

    def _one_by_one(self) -> Iterator[_Finished]:
        suspects = [*self._suspects, *self._running.values()]
        self.close()
        if not self._proven:
            _prove_that_workers_start(self._given_out())
            self._proven = True
        for task in suspects:
            yield task, self._alone(task)

    def _alone(self, task: Task) -> Outcome:
        try:
            return _in_one_worker(self._given_out(), self._work, task)
        except BrokenProcessPool:
            return worker_died(task.source)


def _executor(handout: Handout, workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    # Products of matrices would use every core in every worker; only what is started from now on reads this.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(handout.address,))


def _prove_that_workers_start(handout: Handout) -> None:
    """Tell a photo that kills workers from a program in which none can start.

    Raises:
        SetupError: if no worker starts.
    """
    try:
        _in_one_worker(handout, os.getpid)
    except BrokenProcessPool as error:
        raise SetupError(
            "Worker processes cannot be started",
            'In a script, call it below `if __name__ == "__main__":`, or use workers=1.',
        ) from error


def _in_one_worker(handout: Handout, work: Callable[..., _T], *arguments: Task) -> _T:
    """Do one thing in a worker process of its own.

    Raises:
        BrokenProcessPool: if the process ends.
    """
    pool = _executor(handout, 1)
    try:
        (future,) = _finished([pool.submit(work, *arguments)], pool)
        return future.result()
    finally:
        _stop(pool)


def _finished(futures: Collection[Future[_T]], pool: ProcessPoolExecutor) -> Collection[Future[_T]]:
    """Wait until one at least is finished.

    A worker that is killed while it sends its outcome leaves half of it, and the pool would wait for the rest for ever:
    where one is dead at two looks and the pool has not noticed, the pool is ended, which it tells as any other death.
    """
    died = False
    while not (done := wait(futures, _LOOK_S, FIRST_COMPLETED).done):
        processes = list((pool._processes or {}).values())
        died, before = bool(wait_for([process.sentinel for process in processes], 0)), died
        if died and before:
            _stop(pool)
    return done


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers at once; what they were doing is not wanted any more."""
    processes = list((pool._processes or {}).values())
    outcomes: Any = pool._result_queue
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)
    if outcomes is not None:
        # With the last writer gone, whoever waits for the rest of an outcome is told that it will not come.
        outcomes._writer.close()
