"""The power fails: what was not synced is cut off, zeroed or gone."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.checking import Found
from tests.faults.harness import KILLS, SEED, Driver, Each, Ended, Trial
from tests.faults.injecting import Injection


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def half_zeroed(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2].ljust(len(whole), b"\0"))


TORN = [emptied, halved, zeroed, half_zeroed]


@pytest.mark.parametrize("torn", TORN, ids=lambda one: one.__name__)
def test_files_that_the_disk_had_not_kept_are_published_again(
    torn: Callable[[Path], None], driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    """After a run that came to its end, and after each moment at which the newest file may be torn."""
    finished = Trial(driver, trial.base / "finished", 3, 1)
    finished.run()
    for name in finished.look().files:
        torn(finished.out / name)
    finished.goes_on_to(small[0])
    each = Each()
    for step in range(1, len(small[1].steps) + 1):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            one.run(Injection("die", step))
            files = sorted((one.out / name for name in one.look().files), key=lambda path: path.stat().st_ctime_ns)
            if files:
                torn(files[-1])
                one.goes_on_to(small[0])
    each.done()


def test_names_that_the_disk_had_not_kept_are_given_again(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    """A file's name is certain when its folder was synced; until then it may be gone, or back under its first one."""
    each = Each()
    for step in range(1, len(small[1].steps) + 1):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            one.run(Injection("die", step))
            files = sorted((one.out / name for name in one.look().files), key=lambda path: path.stat().st_ctime_ns)
            if files:
                files[-1].rename(files[-1].with_name(".imgguard-00000000.part"))
                one.goes_on_to(small[0])
    each.done()


def test_every_commit_waits_for_the_disk(driver: Driver, trial: Trial) -> None:
    """Or a publication is on the disk, and its record is not."""
    one = Trial(driver, trial.base / "own", 3, 1)
    ended = one.run(Injection("tell_synchronous", lasting=True, only="sql BEGIN"))
    told = {step for step in ended.steps if step.startswith("synchronous")}
    assert told == {"synchronous 2"}


@pytest.mark.parametrize("seed", [SEED * 1000 + number for number in range(KILLS // 5)])
def test_a_log_that_was_cut_off_anywhere_is_made_up_for(
    seed: int, trial: Trial, large: tuple[Found, Ended, float]
) -> None:
    """As by a disk that says it has written and has not: the newest records are gone, and their files are there."""
    chance = random.Random(seed)
    trial.run(Injection("die", chance.randint(8, len(large[1].steps))))
    log = Path(f"{trial.school}-wal")
    if log.exists():
        whole = log.read_bytes()
        cut = chance.randint(0, len(whole))
        log.write_bytes(chance.choice([whole[:cut], whole[:cut].ljust(len(whole), b"\0")]))
    trial.goes_on_to(large[0])
