from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from imgguard.engines import Engine, Here, Pool
from imgguard.errors import NotEnoughMemory
from imgguard.pipeline import Examined
from imgguard.refusing import or_refuse, refusal_of
from imgguard.rules import Rules
from imgguard.running import engine_here
from imgguard.tasks import Outcome, Task, Work
from imgguard.types import Refusal, Style
from imgguard.workers import WORKER_BYTES, Workers, available_bytes, workers_for
from tests.conftest import TODAY

RULES = Rules(None, {}, None, TODAY, Style.BLUR, None)


def refusal(kind: str) -> Refusal:
    return Refusal(kind, "", "")


def task(number: int, name: object) -> Task:
    return Task(number, Work.EXAMINE, Path(str(name)))


def names_decide(given: Task) -> Outcome:
    """Called in a worker: what the photo is called says what happens."""
    name = given.source.name
    if name == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "short" or (name == "short once" and not _is_alone(given.source)):
        return or_refuse(given.source, _no_memory)
    return refusal(name)


def dies_while_it_sends(given: Task) -> Outcome:
    """As a worker that memory runs out for: half of what it found is in the pipe."""
    if given.source.name == "dies":

        def half(self: Connection, content: bytes) -> None:
            os.write(self.fileno(), bytes(content)[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

        Connection._send = half  # type: ignore[attr-defined]
    return refusal(given.source.name)


def _is_alone(marker: Path) -> bool:
    """True from the second time on."""
    there = marker.exists()
    marker.touch()
    return there


def _no_memory() -> Examined:
    raise MemoryError


def outcomes(engine: Engine, tasks: Iterable[Task]) -> dict[int, str]:
    """Keep the engine as busy as a run does."""
    waiting, told = list(tasks), dict[int, str]()
    under_way = 0
    try:
        while waiting or under_way:
            while waiting and under_way < engine.width:
                engine.submit(waiting.pop(0))
                under_way += 1
            for one, outcome in engine.collect():
                under_way -= 1
                assert one.number not in told and isinstance(outcome, Refusal)
                told[one.number] = outcome.kind
    finally:
        engine.close()
    return told


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_every_task_comes_back_once_whatever_happens_to_the_workers(tmp_path: Path) -> None:
    names = ["fine", "dies", "fine", "short", tmp_path / "short once", "fine", "dies", "fine", "fine"]
    told = outcomes(Pool(RULES, 2, names_decide), [task(n, name) for n, name in enumerate(names)])
    assert told == {
        0: "fine", 1: "worker_died", 2: "fine", 3: "not_enough_memory", 4: "short once", 5: "fine", 6: "worker_died",
        7: "fine", 8: "fine",
    }  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_worker_that_dies_while_it_sends_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgguard.engines._LOOK_S", 0.3)
    names = ["fine", "dies", "fine", "fine"]
    told = outcomes(Pool(RULES, 2, dies_while_it_sends), [task(n, name) for n, name in enumerate(names)])
    assert told == {0: "fine", 1: "worker_died", 2: "fine", 3: "fine"}


def test_a_pool_that_is_closed_has_no_process_left() -> None:
    pool = Pool(RULES, 2, names_decide)
    for number in range(3):
        pool.submit(task(number, "fine"))
    assert next(iter(pool.collect()))[1] == refusal("fine")
    assert pool._executor is not None
    processes = list(pool._executor._processes.values())
    assert processes
    pool.close()
    assert not any(process.is_alive() for process in processes)
    assert list(pool.collect()) == []


def test_here_works_one_after_the_other_and_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    engine = Here(RULES)
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    told = outcomes(engine, [task(0, tmp_path / "a.jpg"), task(1, tmp_path / "b.jpg")])
    assert told == {0: "not_a_photo", 1: "photo_unreadable"}


@pytest.mark.parametrize("error", [MemoryError(), type("error", (Exception,), {"code": -4})()])
def test_memory_that_is_not_there_is_told_as_that(error: Exception) -> None:
    def work() -> Examined:
        raise error

    outcome = or_refuse(Path("a.jpg"), work)
    assert isinstance(outcome, Refusal) and outcome.kind == refusal_of(NotEnoughMemory("", "")).kind
    assert "memory" in outcome.what and outcome.remedy


def system(root: Path, *, free_kb: int, limit: int | None = None, used: int = 0) -> Path:
    (root / "proc").mkdir()
    (root / "proc/meminfo").write_text(f"MemTotal: 99999999 kB\nMemFree: 5 kB\nMemAvailable: {free_kb} kB\n")
    if limit is not None:
        (root / "sys/fs/cgroup").mkdir(parents=True)
        (root / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")
        (root / "sys/fs/cgroup/memory.current").write_text(f"{used}\n")
    return root


def test_free_memory_is_that_of_the_computer_or_of_the_container_if_that_has_less(tmp_path: Path) -> None:
    assert available_bytes(tmp_path) is None
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    assert available_bytes(system(tmp_path / "one", free_kb=4096)) == 4096 * 1024
    assert available_bytes(system(tmp_path / "two", free_kb=4096, limit=2**20, used=2**19)) == 2**19
    assert available_bytes(system(tmp_path / "three", free_kb=4096, limit=2**40)) == 4096 * 1024


@pytest.mark.parametrize(
    ("free", "count", "told"),
    [(None, 4, False), (100 * WORKER_BYTES, 4, False), (2 * WORKER_BYTES, 2, True), (0, 1, True)],
)
def test_there_are_no_more_workers_than_memory_is_for(
    free: int | None, count: int, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgguard.workers.default_workers", lambda: 4)
    monkeypatch.setattr("imgguard.workers.available_bytes", lambda: free)
    workers = workers_for(None)
    assert (workers.count, bool(workers.told)) == (count, told)
    assert workers_for(3) == Workers(3, 4), "whoever asks for so many gets them"


def test_each_engine_keeps_the_protocol() -> None:
    engines: list[Callable[[], Engine]] = [lambda: Here(RULES), lambda: Pool(RULES, 3)]
    assert [make().width for make in engines] == [1, 6]


@pytest.mark.parametrize(
    ("asked", "photos", "kind"), [(None, 800, Pool), (None, 2, Pool), (2, 2, Pool), (None, 1, Here), (1, 800, Here)]
)
def test_several_photos_are_worked_on_in_processes_of_their_own_even_where_one_fits(
    asked: int | None, photos: int, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgguard.workers.available_bytes", lambda: WORKER_BYTES)
    with contextlib.closing(engine_here(RULES, asked, photos)) as engine:
        assert type(engine) is kind
