"""A full or failing disk, at each call that writes, and for real on a file system of a few hundred kilobytes."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checking import Found
from tests.faults.harness import KILLS, Driver, Each, Ended, Trial, some
from tests.faults.injecting import Injection


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from_then_on"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=["full", "failing"])
def test_a_disk_that_fails_at_any_step_loses_nothing(
    number: int, lasting: bool, driver: Driver, trial: Trial, small: tuple[Found, Ended, float]
) -> None:
    right, undisturbed, _ = small
    each = Each()
    for step in some(range(1, len(undisturbed.steps) + 1)):
        with each.of(step):
            one = Trial(driver, trial.base / f"{step}", 3, 1)
            ended = one.run(Injection("fail", step, lasting, worth=number))
            assert ended.told is not None, (step, ended.log)
            told = ended.told["error"] or ended.refused or ended.told["results"]
            assert told, f"step {step} ({undisturbed.steps[step - 1]}): nothing was said"
            # What cannot be removed from a failing disk is removed by the next run.
            one.require(right, recovered=False)
            one.goes_on_to(right)
    each.done()


@pytest.mark.parametrize("most", [0, 1000, 4096, 20_000, 40_000, 80_000, 120_000, 160_000])
def test_a_limit_to_the_size_of_files_loses_nothing(most: int, trial: Trial, large: tuple[Found, Ended, float]) -> None:
    """The system itself refuses the write, wherever it is: in a photo, in the record or in its log."""
    ended = trial.run(Injection("short_files", worth=most))
    trial.require(large[0], recovered=False)
    assert ended.told is None or ended.told["error"] or ended.refused or most > 100_000
    trial.goes_on_to(large[0])


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only an administrator may mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("together", [True, False], ids=["record_and_photos", "photos_alone"])
def test_a_disk_that_is_really_full_loses_nothing(
    together: bool, driver: Driver, trial: Trial, tiny_disk: Path, large: tuple[Found, Ended, float]
) -> None:
    right = large[0]
    stopped = 0
    each = Each()
    for free in range(4, 900, 120 if KILLS < 200 else 40):
        with each.of(free):
            one = Trial(driver, trial.base / f"{free}", 12, 1)
            one.out = tiny_disk / "out"
            if together:
                one.school = tiny_disk / "school" / "record"
            fill(tiny_disk, free * 1024)
            ended = one.run()
            stopped += bool(ended.told is None or ended.told["error"] or ended.refused)
            one.require(right, recovered=False)
            (tiny_disk / "filler").unlink()
            one.goes_on_to(right)
            subprocess.run(["rm", "-r", str(one.out), str(tiny_disk / "school")], capture_output=True)
    each.done()
    assert stopped >= 2


def fill(disk: Path, free: int) -> None:
    """Leave so many bytes free."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        filler.write(bytes(max((2 << 20) - free, 0)))
