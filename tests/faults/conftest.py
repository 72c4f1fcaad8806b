from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checking import Found
from tests.faults.harness import Driver, Ended, Trial, a_driver, undisturbed

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    with a_driver() as running:
        yield running


@pytest.fixture(scope="session")
def large(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, Ended, float]:
    """What twelve photos and two workers come to."""
    return undisturbed(driver, tmp_path_factory.mktemp("large") / "base", 12, 2)


@pytest.fixture(scope="session")
def small(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, Ended, float]:
    """What three photos come to in one process, whose steps are the same each time."""
    return undisturbed(driver, tmp_path_factory.mktemp("small") / "base", 3, 1)


@pytest.fixture
def trial(driver: Driver, tmp_path: Path) -> Trial:
    return Trial(driver, tmp_path / "trial")
