"""Kill a run, look, go on: at every numbered step, and at random moments.

`python -m pytest tests/faults` runs a share of the random kills; `IMGGUARD_FAULTS=200` all 200 of them, in some
minutes. The ids of the tests tell the seed; `IMGGUARD_FAULTS_SEED=... -k NUMBER` runs one again.
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.checking import Found
from tests.faults.harness import KILLS, SEED, Driver, Each, Ended, Trial, session_of, some
from tests.faults.injecting import Injection
from tests.faults.school import drawn, guard_of

_WORKER_KILLS = KILLS // 3
_NUMBERS = [SEED * 1000 + number for number in range(KILLS)]


def kill_later(after: float, pick: random.Random | None = None):  # type: ignore[no-untyped-def]
    """Kill the run's own process after some seconds, or one of its workers."""

    def kill(pid: int) -> None:
        time.sleep(after)
        those = [pid] if pick is None else [one for one in session_of(pid) if one != pid]
        with suppress(ProcessLookupError):
            if those:
                os.kill(those[0] if pick is None else pick.choice(those), signal.SIGKILL)

    return kill


@pytest.mark.parametrize("seed", _NUMBERS[_WORKER_KILLS:])
def test_a_run_killed_at_a_random_moment_is_gone_on_with(
    seed: int, trial: Trial, large: tuple[Found, Ended, float]
) -> None:
    right, _, took = large
    chance = random.Random(seed)
    # Some are killed again while they go on.
    for _ in range(chance.choice([1, 1, 2, 3])):
        trial.run(meanwhile=kill_later(chance.uniform(0, took)))
        trial.require(right, recovered=False)
    trial.goes_on_to(right)


@pytest.mark.parametrize("seed", _NUMBERS[:_WORKER_KILLS])
def test_a_worker_killed_at_a_random_moment_takes_nothing_along(
    seed: int, trial: Trial, large: tuple[Found, Ended, float]
) -> None:
    right, _, took = large
    chance = random.Random(seed)
    ended = trial.run(meanwhile=kill_later(chance.uniform(0, took), chance))
    assert ended.told is not None and ended.told["error"] is None, ended.log
    trial.require(right, recovered=True)
    trial.goes_on_to(right)


def test_a_run_killed_before_any_step_is_gone_on_with(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    each = Each()
    for step in some(range(1, len(small[1].steps) + 1)):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            ended = one.run(Injection("die", step))
            assert ended.signal == signal.SIGKILL, step
            one.require(small[0], recovered=False)
            one.goes_on_to(small[0])
    each.done()


def test_going_on_may_be_killed_before_any_step_too(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    """A process that clears up after a killed one is killed as well."""
    each = Each()
    puts = [number for number, name in enumerate(small[1].steps, 1) if "link" in name or "rename" in name]
    # Between the name and the commit there is most to clear up.
    for first in (puts[0] + 1, puts[-1] + 1):
        for second in some(range(1, 40)):
            with each.of((first, second)):
                one = Trial(driver, trial.base / f"{first}-{second}", 3, 1)
                one.run(Injection("die", first))
                one.run(Injection("die", second))
                one.require(small[0], recovered=False)
                one.goes_on_to(small[0])
    each.done()


def test_a_run_that_replaces_what_was_published_is_killed_before_any_step(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    """There is an old version or the new one at any moment, and never none or half of one."""
    changed = drawn(50, (2, 0))

    def change(one: Trial) -> Trial:
        for path in one.event.rglob("*.png"):
            path.write_bytes(changed + path.name.encode())
        return one

    right = change(Trial(driver, trial.base / "right", 3, 1))
    steps = len(right.run().steps)
    new, old = right.look(), small[0]
    whole = {name: [new.files[name], old.files[name]] for name in new.files}
    each = Each()
    for step in some(range(1, steps + 25)):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            assert one.run().refused == {}
            change(one).run(Injection("die", step))
            assert one.look().files.keys() == new.files.keys()
            one.require(whole, recovered=False)
            one.goes_on_to(new)
    each.done()


def test_a_finished_run_has_nothing_to_go_on_with(trial: Trial, large: tuple[Found, Ended, float]) -> None:
    trial.run(Injection("die", 9, only="COMMITTED"))
    trial.goes_on_to(large[0])
    trial.stays()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_told_to_end_leaves_nothing_half_done(
    workers: int, driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    each = Each()
    for step in some(range(1, len(small[1].steps) + 1, workers * 2 - 1)):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, workers)
            ended = one.run(Injection("terminate", step))
            assert ended.told is not None, ended.log
            one.require(small[0], recovered=True)
            one.goes_on_to(small[0])
    each.done()


def test_spawned_workers_end_with_a_killed_run_and_it_is_gone_on_with(
    driver: Driver, trial: Trial, large: tuple[Found, Ended, float]
) -> None:
    spawning = Trial(driver, trial.base / "spawn", 12, 2, spawn=True)
    ended = spawning.run(Injection("die", 4, only="os.link"))
    if ended.told is not None:
        ended = spawning.run(Injection("die", 4, only="os.rename"))
    assert ended.signal == signal.SIGKILL
    spawning.require(large[0], recovered=False)
    spawning.goes_on_to(large[0])


def kill_the_first_worker(pid: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for one in session_of(pid):
            with suppress(OSError):
                if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text():
                    os.kill(one, signal.SIGKILL)
                    return


def test_a_worker_that_is_killed_while_it_starts_keeps_nobody_waiting(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    """What a process is started with waits in a pipe, which takes less than a gallery."""
    assert len(pickle.dumps(guard_of(trial.school).rules)) > 65536
    spawning = Trial(driver, trial.base / "spawn", 3, 2, spawn=True)
    ended = spawning.run(meanwhile=kill_the_first_worker)
    assert ended.signal == 0, "the run waited for ever"
    assert ended.told is not None and ended.told["error"] is None and not ended.refused, ended.log
    spawning.require_same(small[0])
