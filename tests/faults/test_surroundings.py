"""What happens around a run: folders that go, photos that come and go, clocks that jump, others who hold the record."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import school
from tests.faults.checking import Found
from tests.faults.harness import Driver, Each, Ended, Trial, some
from tests.faults.injecting import Injection


def test_an_output_folder_that_is_removed_at_any_step_is_filled_again(
    driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    each = Each()
    for step in some(range(1, len(small[1].steps) + 1)):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            ended = one.run(Injection("remove_output", step))
            assert ended.told is not None, (step, ended.log)
            one.require(small[0], recovered=False, gone=True)
            one.goes_on_to(small[0])
    each.done()


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES], ids=["failing", "forbidden"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_photo_that_cannot_be_read_is_refused_and_done_later(
    number: int, workers: int, driver: Driver, trial: Trial, large: tuple[Found, Ended, float]
) -> None:
    one = Trial(driver, trial.base / "own", 12, workers)
    ended = one.run(Injection("unreadable", worth=f"{number} 07.png"))
    assert set(ended.refused) == {"07.png"}, ended.log
    one.require(large[0], recovered=True)
    assert len(one.look().files) == 11
    one.goes_on_to(large[0])


@pytest.mark.parametrize("how", ["refused", "killed"])
def test_a_worker_without_memory_costs_one_photo_until_there_is_some(
    how: str, driver: Driver, trial: Trial, tmp_path: Path
) -> None:
    right = Trial(driver, tmp_path / "undisturbed", 6, 2)
    for one in (right, trial := Trial(driver, trial.base / "own", 6, 2)):
        (one.event / "gym" / "99.png").write_bytes(school.drawn(99, (0,), height=300))
    assert right.run().refused == {}
    ended = trial.run(Injection("short_memory", worth=how))
    assert set(ended.refused) == {"99.png"}, (ended.told, ended.log)
    trial.require(right.look(), recovered=True)
    trial.goes_on_to(right.look())


@pytest.mark.parametrize("step", [1, 3, 12, 20, 30, 60])
@pytest.mark.parametrize("workers", [1, 2])
def test_photos_that_come_and_go_during_a_run_are_as_they_are_in_the_end(
    workers: int, step: int, driver: Driver, trial: Trial, large: tuple[Found, Ended, float]
) -> None:
    one = Trial(driver, trial.base / "own", 12, workers)
    ended = one.run(Injection("touch_photos", step))
    assert ended.told is not None and ended.told["error"] is None, ended.log
    fresh = Trial(driver, trial.base / "fresh", 1, workers)
    shutil.rmtree(fresh.event)
    shutil.copytree(one.event, fresh.event)
    assert fresh.run().refused == {}
    right = fresh.look()
    whole = {name: [large[0].files.get(name, ""), right.files.get(name, "")] for name in large[0].files | right.files}
    one.require(whole, recovered=True)
    again = one.run()
    assert again.told is not None and not again.refused, again.log
    one.require(whole, recovered=True)
    # A photo that was there when the run began, and is not any more, may have been published.
    published = one.look().published
    removed = set(published) - set(right.published)
    assert removed <= set(large[0].files)
    assert {name: found for name, found in published.items() if name not in removed} == right.published


@pytest.mark.parametrize("jump", [-86_400, -5, 5, 86_400 * 400], ids=["a_day_back", "back", "on", "a_year_on"])
def test_a_clock_that_jumps_changes_nothing(
    jump: int, driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    for step in (2, 40):
        one = Trial(driver, trial.base / f"{step}", 3, 1)
        ended = one.run(Injection("jump", step, worth=jump))
        assert ended.told is not None and ended.told["error"] is None and not ended.refused, ended.log
        one.require_same(small[0])
        one.goes_on_to(small[0])


@pytest.mark.parametrize("shift", [0, -86_400, 86_400], ids=["the_same_time", "older", "from_the_future"])
def test_a_changed_photo_is_seen_whatever_its_times_say(
    shift: int, driver: Driver, trial: Trial, tmp_path: Path
) -> None:
    one = Trial(driver, trial.base / "own", 3, 1)
    path = one.event / "gym" / "01.png"
    before = path.stat()
    assert one.run().refused == {}
    old = path.read_bytes()
    new = school.drawn(55, (2,))
    size = max(len(old), len(new))
    # The same number of bytes: what follows the end of a PNG is nothing of the picture.
    path.write_bytes(new.ljust(size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + shift * 10**9))
    fresh = Trial(driver, tmp_path / "fresh", 3, 1)
    shutil.copy(path, fresh.event / "gym" / "01.png")
    assert fresh.run().refused == {}
    one.goes_on_to(fresh.look())


def hold(record: Path, seconds: float) -> None:
    """Be another process that writes into the record for a while."""
    until = time.monotonic() + 20
    while not record.exists() and time.monotonic() < until:
        time.sleep(0.002)
    with closing(sqlite3.connect(record, timeout=20, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        db.execute("ROLLBACK")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_record_that_is_held_for_a_moment_is_waited_for(
    workers: int, driver: Driver, trial: Trial, large: tuple[Found, Ended, float]
) -> None:
    one = Trial(driver, trial.base / "own", 12, workers)
    one.run(Injection("die", 3, only="COMMITTED"))
    ended = one.run(meanwhile=lambda pid: hold(one.school, 1.5))
    assert ended.told is not None and ended.told["error"] is None and not ended.refused, ended.log
    one.require_same(large[0])


def test_a_record_that_is_held_for_long_ends_the_run_and_loses_nothing(
    driver: Driver, trial: Trial, large: tuple[Found, Ended, float]
) -> None:
    each = Each()
    for after in (0.0, 0.25):
        with each.of(after):
            one = Trial(driver, trial.base / f"{after}", 12, 1)
            one.run(Injection("die", 5, only="COMMITTED"))

            def held(pid: int, after: float = after, record: Path = one.school) -> None:
                time.sleep(after)
                hold(record, 2.5)

            ended = one.run(Injection("patience", worth=1), meanwhile=held)
            assert ended.told is not None
            assert ended.told["error"] == "RecordError" or after > 0.1, (ended.told, ended.log)
            if ended.told["error"]:
                assert "locked" in ended.told["what"]
            one.require(large[0], recovered=False)
            one.goes_on_to(large[0])
    each.done()
