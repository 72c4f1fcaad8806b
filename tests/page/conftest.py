from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from imgguard.page.pool import Pool
from tests.page.served import CHROMIUM_FLAGS, Served, chromium, looking, serving
from tests.schools import enrolled_school


@pytest.fixture(scope="session")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A school file with the sample roster and the templates of its ID photos; tests use copies."""
    return enrolled_school(tmp_path_factory.mktemp("enrolled") / "school.imgguard")


@pytest.fixture
def school(enrolled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(enrolled, tmp_path / "school.imgguard"))


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Two warm workers for all tests; a test that kills one starts its own."""
    pool = Pool(2)
    pool.warm()
    yield pool
    pool.stop()


@pytest.fixture
def served(school: Path, pool: Pool, tmp_path: Path) -> Iterator[Served]:
    with serving(school, tmp_path, pool=pool) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium; where there is none the tests are skipped, unless IMGGUARD_BROWSER says that there must be."""
    path = chromium()
    if path is None:
        assert not os.environ.get("IMGGUARD_BROWSER"), "Chromium has to be installed"
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    with looking(browser, served) as found:
        yield found
