"""Note digests of photos and of what was made of them, so that the next run need not read them again."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from imgguard.digests import SETTLED_S, Digests, Stamp, stamp_of
from imgguard.tasks import Task, Work
from imgguard.types import PhotoResult, Status

if TYPE_CHECKING:
    from pathlib import Path

    from imgguard.planning import Job


class Noted:
    """Notes what a run reads and writes."""

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
