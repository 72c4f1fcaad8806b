"""The power fails: what was not synced is cut off, zeroed or gone."""

from __future__ import annotations

import os
import random
import signal
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from imgguard.parts import part_name
from tests.faults.checking import Found
from tests.faults.harness import SEED, Driver, Each, Ended, Trial, some
from tests.faults.injecting import Injection


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def half_zeroed(path: Path) -> None:
    whole = path.read_bytes()
    # A drive writes whole sectors.
    path.write_bytes(whole[: len(whole) // 1024 * 512].ljust(len(whole), b"\0"))


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
    for step in some(range(1, len(small[1].steps) + 1)):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            one.run(Injection("die", step))
            files = sorted((one.out / name for name in one.look().files), key=lambda path: path.stat().st_ctime_ns)
            if files:
                torn(files[-1])
                one.goes_on_to(small[0])
    each.done()


def part_of_the_dead() -> str:
    """The name of an unfinished file whose process has ended: no process has so high a number."""
    return part_name().replace(f"-{os.getpid()}-", "-99999999-")


def test_names_that_the_disk_had_not_kept_are_given_again(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    """A file's name is certain when its folder was synced; until then it may be gone, or back under its first one."""
    each = Each()
    for step in some(range(1, len(small[1].steps) + 1)):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            one.run(Injection("die", step))
            files = sorted((one.out / name for name in one.look().files), key=lambda path: path.stat().st_ctime_ns)
            if files:
                files[-1].rename(files[-1].with_name(part_of_the_dead()))
                one.goes_on_to(small[0])
    each.done()


def test_every_commit_waits_for_the_disk(driver: Driver, trial: Trial) -> None:
    """Or a publication is on the disk, and its record is not."""
    one = Trial(driver, trial.base / "own", 3, 1)
    ended = one.run(Injection("tell_synchronous", lasting=True, only="sql BEGIN"))
    told = {step for step in ended.steps if step.startswith("synchronous")}
    assert told == {"synchronous 2"}


def commits_of(log: bytes) -> list[int]:
    """Where the transactions of a write-ahead log end (SQLite file format, section 4.2): a frame that ends one tells
    the size of the file."""
    size, salts = 24 + struct.unpack_from(">I", log, 8)[0], log[16:24]
    frames = range(32, len(log) - size + 1, size)
    return [at + size for at in frames if log[at + 8 : at + 16] == salts and log[at + 4 : at + 8] != bytes(4)]


def test_a_log_whose_last_transaction_the_disk_had_not_kept_is_made_up_for(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    """The power fails while a commit is being written: the name may be on the disk, and of the record a part."""
    chance = random.Random(SEED)
    commits = small[1].steps.count("sql COMMITTED")
    each = Each()
    for step in range(2, commits + 1):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            assert one.run(Injection("die", step, only="COMMITTED")).signal == signal.SIGKILL
            log = Path(f"{one.school}-wal")
            whole = log.read_bytes()
            *_, before, last = [32, *commits_of(whole)]
            kept = whole[: chance.randint(before, last - 1)]
            log.write_bytes(chance.choice([kept, kept.ljust(len(whole), b"\0")]))
            one.require(small[0], recovered=False)
            one.goes_on_to(small[0])
    each.done()


def test_a_log_that_a_lying_disk_has_lost_is_told_and_the_photos_can_be_published_anew(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    """A disk that says it has written and has not: of whole files that the record does not know, none is replaced."""
    chance = random.Random(SEED)
    each = Each()
    for step in some(range(12, len(small[1].steps))):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            one.run(Injection("die", step))
            log = Path(f"{one.school}-wal")
            log.write_bytes(log.read_bytes()[: chance.randint(0, log.stat().st_size)])
            before = one.look().files
            ended = one.run()
            assert set(ended.refused.values()) <= {"output_exists"}, ended.log
            assert before.items() <= one.look().files.items()
            assert one.run(overwrite=True).refused == {}
            one.require_same(small[0])
    each.done()
