"""How a worker process lives, and how many of them this computer can carry."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from pathlib import Path

from imgguard.backends import default_backends
from imgguard.lazy import cv2

# What a worker takes at most while it cleans a photo of 24 megapixels.
WORKER_BYTES = 700 * 2**20
_NO_LIMIT = 2**60
# Of mallopt, as malloc.h numbers them.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_ARRAY = 2**30


@dataclass(frozen=True, slots=True)
class Workers:
    """How many worker processes are used.

    Attributes:
        count: So many.
        cores: So many cores there are for this process.
        available: Bytes of memory that are free; None where the system does not tell.
    """

    count: int
    cores: int
    available: int | None = None

    @property
    def told(self) -> str:
        """Why there are fewer than cores, as a sentence; empty where there are not."""
        if self.available is None or self.count >= self.cores:
            return ""
        free = self.available / 2**30
        return f"Memory is short ({free:.1f} GB free): {self.count} of {self.cores} cores are used."


def workers_for(asked: int | None) -> Workers:
    """Choose how many processes to use: as many as were asked for, else one a core, fewer where memory is short."""
    cores = default_workers()
    if asked is not None:
        return Workers(asked, cores)
    available = available_bytes()
    fitting = cores if available is None else max(1, available // WORKER_BYTES)
    return Workers(min(cores, fitting), cores, available)


def default_workers() -> int:
    """As many processes as there are cores for this one."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def available_bytes(root: Path = Path("/")) -> int | None:
    """Tell how much memory may still be used; None where the system does not tell.

    Args:
        root: Where the system's own files are looked for.
    """
    told = [*_linux(root), *_windows()]
    return min(told, default=None)


def _linux(root: Path) -> Iterator[int]:
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024
    # A container may use less than the computer has.
    for folder, limit, used in (
        ("sys/fs/cgroup", "memory.max", "memory.current"),
        ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        most, now = _read(root / folder / limit).strip(), _read(root / folder / used).strip()
        if most.isdigit() and now.isdigit() and int(most) < _NO_LIMIT:
            yield max(0, int(most) - int(now))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _windows() -> Iterator[int]:
    if sys.platform != "win32":
        return
    # MEMORYSTATUSEX: its own length and the load, then seven numbers of which the second is what is free.
    status = (ctypes.c_ulonglong * 8)(64)
    if ctypes.windll.kernel32.GlobalMemoryStatusEx(status):
        yield int(status[2])


def start_worker() -> None:
    """Load the models once; leave Ctrl-C to the main process, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare_process()


def prepare_process() -> None:
    """Give this process to photos, one at a time: a thread of its own for OpenCV, memory that is kept, the models."""
    cv2.setNumThreads(1)
    _keep_memory()
    default_backends()


def _keep_memory() -> None:
    """Have large arrays take memory that the last ones left, instead of new pages that the system clears each time.

    Every photo needs the same again, so that a worker holds no more by it than its largest photo took; it is a
    twentieth of the time of a photo. Only glibc is asked; others are left as they are.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            library.mallopt(parameter, _LARGEST_ARRAY)


def _end_with_parent() -> None:
    """A worker holds templates in memory: it must not outlive the run, even if the main process is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)
