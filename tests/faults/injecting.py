"""Faults, and the steps at which they strike: every call that changes a file or the record has a number.

Calls of the operating system are seen by an audit hook, which Python asks before each of them; fsync, and the
statements of the record, by what stands in for them here. Only the process that writes is counted, not its workers.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import consent.store
from tests.faults import school

_CHANGES = {"os.link", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.truncate"}
_WRITES = ("BEGIN", "COMMIT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class Injection:
    """A fault.

    Attributes:
        what: Name of the function of this module that does it.
        at: The step before which it strikes, from 1.
        lasting: Whether it strikes before every later step too.
        only: Part of a step's name; only such steps count. Empty for all.
        worth: What it needs to know.
    """

    what: str
    at: int = 1
    lasting: bool = False
    only: str = ""
    worth: int | str = ""


@dataclass(frozen=True)
class Job:
    """A run: over which photos, where to, and what happens to it."""

    photos: str
    out: str
    school: str
    answer: str
    log: str
    workers: int = 2
    spawn: bool = False
    overwrite: bool = False
    injections: tuple[Injection, ...] = ()


@dataclass
class Steps:
    """Numbers what changes anything below one folder, and lets faults strike."""

    job: Job
    base: str
    names: list[str] = field(default_factory=list)
    counts: dict[Injection, int] = field(default_factory=dict)
    quiet: bool = False

    def before(self, name: str) -> None:
        if self.quiet or os.getpid() != _main or threading.current_thread() is not threading.main_thread():
            return
        self.names.append(name)
        for one in self.job.injections:
            if one.only not in name:
                continue
            count = self.counts[one] = self.counts.get(one, 0) + 1
            if count == one.at or (one.lasting and count > one.at):
                # What a fault itself does to files is no step.
                self.quiet = True
                try:
                    _FAULTS[one.what](self.job, one, name)
                finally:
                    self.quiet = False

    def audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES:
            places = [place for place in arguments if isinstance(place, str | os.PathLike | bytes)]
        elif event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            places = [place for place in arguments[:1] if isinstance(place, str | os.PathLike | bytes)]
        else:
            return
        own = [os.fsdecode(place) for place in places]
        if own and own[-1].startswith(self.base):
            self.before(f"{event} {own[-1].removeprefix(self.base)}")


_main = 0


def inject(job: Job) -> Steps:
    """Make a job's faults strike in this process, from now on."""
    global _main
    _main = os.getpid()
    steps = Steps(job, str(Path(job.answer).parent) + os.sep)
    for one in job.injections:
        if one.what in _AT_ONCE:
            _AT_ONCE[one.what](job, one)
    _count_fsync(steps)
    _count_statements(steps)
    sys.addaudithook(steps.audited)
    return steps


def stop_injecting(steps: Steps) -> None:
    """Leave this process in peace from now on."""
    steps.quiet = True
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _count_fsync(steps: Steps) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:
        steps.before("os.fsync")
        real(handle)

    os.fsync = fsync


def _count_statements(steps: Steps) -> None:
    class Counted(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            first = " ".join(sql.split()[:3])
            if not first.upper().startswith(_WRITES):
                return super().execute(sql, *values)
            if any(one.what == "tell_synchronous" for one in steps.job.injections):
                steps.names.append(f"synchronous {super().execute('PRAGMA synchronous').fetchone()[0]}")
            steps.before(f"sql {first}")
            done = super().execute(sql, *values)
            if first.upper().startswith("COMMIT"):
                steps.before("sql COMMITTED")
            return done

    real = sqlite3.connect
    sqlite3.connect = lambda *given, **named: real(*given, **{"factory": Counted, **named})


def die(job: Job, one: Injection, name: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminate(job: Job, one: Injection, name: str) -> None:
    signal.raise_signal(signal.SIGTERM)


def fail(job: Job, one: Injection, name: str) -> None:
    """Say of a call what the operating system would, or SQLite."""
    number = int(one.worth or errno.ENOSPC)
    if name == "sql COMMITTED":
        return
    if name.startswith("sql"):
        raise sqlite3.OperationalError("database or disk is full" if number == errno.ENOSPC else "disk I/O error")
    raise OSError(number, os.strerror(number))


def remove_output(job: Job, one: Injection, name: str) -> None:
    shutil.rmtree(job.out, ignore_errors=True)


def touch_photos(job: Job, one: Injection, name: str) -> None:
    """Add a photo, change one and remove one, as somebody may who still sorts them."""
    photos = sorted(Path(job.photos).rglob("*.png"))
    (photos[0].parent / "new.png").write_bytes(school.drawn(77, (1,)))
    photos[-1].write_bytes(school.drawn(78, (0, 1)))
    photos[-2].unlink()


def jump(job: Job, one: Injection, name: str) -> None:
    """Set the clock."""
    import time_machine

    time_machine.travel(time.time() + int(one.worth), tick=True).start()


_FAULTS: dict[str, Callable[[Job, Injection, str], None]] = {
    one.__name__: one for one in (die, terminate, fail, remove_output, touch_photos, jump)
}


def short_files(job: Job, one: Injection) -> None:
    """Let no file of this process grow beyond so many bytes: a write beyond fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(one.worth), resource.RLIM_INFINITY))


def short_memory(job: Job, one: Injection) -> None:
    """Let a worker that is forked from now on have too little memory for a gigabyte more, and be refused it or killed.

    The limit leaves room for threads, which reserve much more than they use.
    """
    os.environ["FAULTS_SHORT_OF_MEMORY"] = str(one.worth)

    def limit() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + (900 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    os.register_at_fork(after_in_child=limit)


def unreadable(job: Job, one: Injection) -> None:
    """Let a photo be unreadable, in this process and in its workers."""
    number, name = str(one.worth).split()

    def audited(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[0].endswith(name):
            raise OSError(int(number), os.strerror(int(number)), arguments[0])

    sys.addaudithook(audited)


def patience(job: Job, one: Injection) -> None:
    """Wait only so many seconds for a record that another process holds."""
    consent.store._BUSY_S = float(one.worth)


_AT_ONCE: dict[str, Callable[[Job, Injection], None]] = {
    one.__name__: one for one in (short_files, short_memory, unreadable, patience)
}
_FAULTS |= dict.fromkeys((*_AT_ONCE, "tell_synchronous"), lambda job, one, name: None)
