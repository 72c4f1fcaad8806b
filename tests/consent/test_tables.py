from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.tables import write_table


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1", "-1+cmd", "@SUM(1)", "\t=1", "\r=1", "  =1", "\uff1d1"])
def test_a_cell_that_a_spreadsheet_would_run_is_defused(cell: str) -> None:
    ((written,),) = list(csv.reader(io.StringIO(write_table([cell], []), newline="")))
    assert written == f"'{cell}"


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=5))
def test_no_cell_begins_a_formula_and_every_other_comes_back_as_it_was(rows: list[list[str]]) -> None:
    found = list(csv.reader(io.StringIO(write_table(["a", "b"], rows), newline="")))
    assert found[0] == ["a", "b"] and len(found) == len(rows) + 1
    for told, read in zip(rows, found[1:], strict=True):
        for cell, back in zip(told, read, strict=True):
            assert not back.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
            assert back in (cell.replace("\0", "\ufffd"), "'" + cell.replace("\0", "\ufffd"))
