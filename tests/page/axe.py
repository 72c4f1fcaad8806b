"""axe-core (npm) on a view: WCAG 2.2 AA, as far as a program can tell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_source() -> str:
    """Give axe-core, which IMGGUARD_AXE names; the tests are skipped without it, unless IMGGUARD_BROWSER is set."""
    path = os.environ.get("IMGGUARD_AXE")
    if path is None:
        assert not os.environ.get("IMGGUARD_BROWSER"), "IMGGUARD_AXE has to name axe-core's axe.min.js"
        pytest.skip("IMGGUARD_AXE does not name axe-core's axe.min.js")
    return Path(path).read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """List what axe-core finds on a page as it is now: rule, what is wrong, and where."""
    # Evaluated and not added as an element: the page's own policy forbids scripts from elsewhere.
    page.evaluate(axe_source())
    run = "tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })"
    found: dict[str, Any] = page.evaluate(run, TAGS)
    return [
        f"{one['id']}: {one['help']}: {node['target']}: {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
