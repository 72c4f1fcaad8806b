from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.page.axe import violations
from tests.page.served import Served


@pytest.mark.parametrize("name", ["One photo", "A folder", "Roster", "Reports"])
def test_every_view_can_be_reached_from_the_menu(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert not violations(page)


def test_nobody_comes_in_without_the_opening_address(served: Served) -> None:
    assert httpx.get(f"{served.base}/").status_code == 401
