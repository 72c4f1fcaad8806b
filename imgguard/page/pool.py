"""Worker processes of the page, kept warm: models are loaded before the first photo comes."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from imgguard.errors import WorkerDied
from imgguard.workers import default_workers, start_worker

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Pool:
    """Processes that look at photos and clean them, the same way as those of a batch.

    A photo that kills its worker is refused; the pool begins anew for the others.
    """

    def __init__(self, workers: int | None = None) -> None:
        """Start the processes; None for one a core."""
        self._workers = workers or default_workers()
        self._lock = threading.Lock()
        self._executor = self._started()

    @property
    def workers(self) -> int:
        """How many processes there are."""
        return self._workers

    def _started(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, mp_context=context, initializer=start_worker)

    def submit(self, work: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> Future[_T]:
        """Begin work in a process; arguments and result travel by pickle."""
        with self._lock:
            try:
                return self._executor.submit(work, *arguments, **named)
            except BrokenProcessPool:
                self._executor = self._started()
                return self._executor.submit(work, *arguments, **named)

    async def run(self, work: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
        """Work in a process and wait for it.

        Raises:
            WorkerDied: if the process ended.
        """
        try:
            return await asyncio.wrap_future(self.submit(work, *arguments, **named))
        except BrokenProcessPool as error:
            raise WorkerDied(
                "The process that worked on the photo ended (damaged file, or not enough memory)",
                "Open it in a photo program and save it anew, or leave it out.",
            ) from error

    def warm(self) -> None:
        """Make the processes load the models now, without waiting for it."""
        for _ in range(self._workers):
            self.submit(_nothing)

    def stop(self) -> None:
        """End the processes at once."""
        processes = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


def _nothing() -> None:
    """Be called in a worker, which has loaded the models by then."""
