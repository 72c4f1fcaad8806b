"""Each procedure is walked through with the real commands, and docs/policies.md shows what they say."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

WALKS: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "walks.py"))
ALL = WALKS["walks"]()


@pytest.mark.parametrize("walk", ALL, ids=lambda walk: walk.policy)
def test_the_walk_goes_as_the_page_shows(walk: Any, tmp_path: Path) -> None:
    steps = WALKS["follow"](walk, tmp_path)
    for step, code, said in steps:
        assert code == step.exit_code, f"{step.run}\n{said}"
        plain = " ".join(said.split())
        assert [text for text in step.shows if text not in plain] == [], f"{step.run}\n{said}"
        assert [text for text in step.hides if text in plain] == [], f"{step.run}\n{said}"
    shown = WALKS["PAGE"].read_text(encoding="utf-8")
    assert WALKS["page"](walk, steps) in shown, "run: python docs/walks.py"


def test_the_page_lists_every_clause_as_the_policies_have_it() -> None:
    assert WALKS["clauses"]() in WALKS["PAGE"].read_text(encoding="utf-8"), "run: python docs/walks.py"


def test_every_procedure_has_a_walk() -> None:
    policies = {path.stem for path in (ROOT / "consent" / "policies").glob("*.toml")} - {"strict"}
    assert {walk.policy for walk in ALL} == policies
    for walk in ALL:
        commands = {step.run.split()[1] for step in walk.steps}
        assert {"init", "roster", "enroll", "clean", "caption", "withdraw", "reclean", "report"} <= commands
