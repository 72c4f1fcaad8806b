"""Lets a run be disturbed, looks at what it left, goes on, and compares with a run that nobody disturbed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.faults.checking import Found, look, problems
from tests.faults.injecting import Injection, Job
from tests.faults.school import draw_event

# How many times a run is killed at a random moment; with 200, every fault strikes at every step. See test_kills.py.
KILLS = int(os.environ.get("IMGGUARD_FAULTS", "40"))
SEED = int(os.environ.get("IMGGUARD_FAULTS_SEED", str(int(time.time()))))
_LONGEST_S = 120


@dataclass(frozen=True)
class Ended:
    """How a run ended: by which signal (0 for none), and what it told if it came to tell anything."""

    signal: int
    told: Mapping[str, Any] | None
    log: str

    @property
    def steps(self) -> list[str]:
        assert self.told is not None, self.log
        return list(self.told["steps"])

    @property
    def refused(self) -> dict[str, str]:
        assert self.told is not None, self.log
        return {name: why for name, _, why in self.told["results"] if why}


def _as_line(job: Job) -> str:
    return json.dumps(asdict(job)) + "\n"


class Driver:
    """The process that forks for each job."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )

    def run(self, job: Job, meanwhile: Callable[[int], None] = lambda pid: None) -> Ended:
        """Carry out a job; `meanwhile` is told the id of its process, and may do to it what it likes."""
        Path(job.answer).unlink(missing_ok=True)
        # A run may be killed before it could make one.
        Path(job.log).write_bytes(b"")
        assert self._process.stdin is not None
        self._process.stdin.write(_as_line(job))
        self._process.stdin.flush()
        pid = self._read()["pid"]
        disturber = threading.Thread(target=meanwhile, args=(pid,))
        disturber.start()
        # A run that hangs is a fault as well, which the tests then tell, since there is no answer.
        watch = threading.Timer(_LONGEST_S, end_hung, (pid,))
        watch.start()
        status = self._read()["status"]
        watch.cancel()
        disturber.join()
        end_session(pid)
        answer = Path(job.answer)
        told = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else None
        return Ended(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, told, Path(job.log).read_text("utf-8"))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _read(self) -> dict[str, int]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the driver has ended"
        answer: dict[str, int] = json.loads(line)
        return answer


def session_of(pid: int) -> list[int]:
    """The processes that belong to a run, the run's own first."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            after = (place / "stat").read_text().rpartition(")")[2].split()
            if int(after[3]) == pid and after[0] != "Z":
                found.append(int(place.name))
    return sorted(found, key=lambda one: (one != pid, one))


def end_hung(pid: int) -> None:
    """Have every process of a run write down where it is, and kill the run."""
    for one in session_of(pid):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGUSR1)
    time.sleep(2)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def end_session(pid: int) -> None:
    """A worker must end with its run; one that does not is a fault of its own."""
    until = time.monotonic() + 20
    while left := [one for one in session_of(pid) if one != pid]:
        if time.monotonic() > until:
            for one in left:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            raise AssertionError(f"{len(left)} workers outlived their run by 20 s")
        time.sleep(0.01)


@dataclass
class Trial:
    """An event, its output and its record, in a folder of their own."""

    driver: Driver
    base: Path
    photos: int = 12
    workers: int = 2
    spawn: bool = False
    out: Path = field(init=False)
    school: Path = field(init=False)

    def __post_init__(self) -> None:
        self.base.mkdir(parents=True)
        self.event = draw_event(self.base / "event", self.photos)
        self.out, self.school = self.base / "out", self.base / "school" / "record"

    @property
    def job(self) -> Job:
        places = (str(self.base / name) for name in ("answer.json", "log.txt"))
        return Job(str(self.event), str(self.out), str(self.school), *places, self.workers, self.spawn)

    def run(
        self, *faults: Injection, meanwhile: Callable[[int], None] = lambda pid: None, overwrite: bool = False
    ) -> Ended:
        return self.driver.run(replace(self.job, injections=faults, overwrite=overwrite), meanwhile)

    def look(self) -> Found:
        return look(self.out, self.school)

    def require(self, right: Found | Mapping[str, list[str]], *, recovered: bool, gone: bool = False) -> None:
        """Hold what there is against what a whole file looks like."""
        whole = {name: [sha] for name, sha in right.files.items()} if isinstance(right, Found) else right
        wrong = problems(self.look(), whole, recovered=recovered, gone=gone)
        assert not wrong, wrong

    def require_same(self, undisturbed: Found) -> None:
        """Hold the end of a run that was gone on with against that of an undisturbed one."""
        self.require(undisturbed, recovered=True)
        assert self.look().published == undisturbed.published

    def stays(self) -> None:
        """Go on where nothing is left to do: nothing is done, and no file is written."""
        before = self.look()
        again = self.run()
        assert again.told is not None and {status for _, status, _ in again.told["results"]} == {"done_before"}
        assert not [step for step in again.steps if step.startswith(("os.link", "os.rename", "os.remove"))]
        assert self.look().published == before.published and self.look().current == before.current

    def goes_on_to(self, undisturbed: Found) -> None:
        """Go on, and come to the same."""
        again = self.run()
        assert again.told is not None and again.told["error"] is None and not again.refused, (again.told, again.log)
        self.require_same(undisturbed)


def some(steps: Iterable[int]) -> list[int]:
    """Choose at random at which steps a fault strikes; in the whole test, at all of them."""
    every = list(steps)
    return every if KILLS >= 200 else sorted(random.Random(SEED).sample(every, -(-len(every) // 8)))


@dataclass
class Each:
    """Tries something many times over, and tells of all that went wrong together."""

    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, what: object) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            self.wrong.append(f"{what}: {error}"[:1500])

    def done(self) -> None:
        assert not self.wrong, f"{len(self.wrong)} times:\n" + "\n".join(self.wrong)


def undisturbed(driver: Driver, base: Path, photos: int, workers: int) -> tuple[Found, Ended, float]:
    """Run over the same photos with nobody in the way; also tell how long it took, in seconds."""
    trial = Trial(driver, base, photos, workers)
    begun = time.monotonic()
    ended = trial.run()
    took = time.monotonic() - begun
    assert ended.told is not None and ended.told["error"] is None and not ended.refused, (ended.told, ended.log)
    found = trial.look()
    assert len(found.files) == photos
    trial.require(found, recovered=True)
    return found, ended, took


@contextmanager
def a_driver() -> Iterator[Driver]:
    driver = Driver()
    try:
        yield driver
    finally:
        driver.close()
