from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consent import Finding
from consent.findings import together


def test_the_same_of_several_rows_is_one_line_that_names_each_row() -> None:
    found = [Finding("a.csv", row, "no answer") for row in (2, 3, 4, 9)] + [Finding("a.csv", 3, "no number")]
    assert [str(line) for line in together(found)] == ["a.csv, rows 2-4, 9: no answer", "a.csv, row 3: no number"]


def test_the_same_of_many_files_is_one_line_that_counts_them() -> None:
    found = [Finding(f"{n}.jpg", None, "no row") for n in range(14)]
    assert [str(line) for line in together(found)] == ["0.jpg, 1.jpg, 2.jpg, 3.jpg and 10 more: no row"]
    assert [str(line) for line in together(found[:1])] == ["0.jpg: no row"]


def test_rows_of_two_files_stay_apart() -> None:
    found = [Finding("a.csv", 2, "x"), Finding("b.csv", 3, "x"), Finding("c.jpg", None, "x")]
    assert [str(line) for line in together(found)] == ["a.csv, row 2: x", "b.csv, row 3: x", "c.jpg: x"]


@given(st.lists(st.builds(Finding, st.sampled_from(["a", "b"]), st.none() | st.integers(1, 30), st.sampled_from("xy"))))
def test_nothing_that_was_said_is_left_out(found: list[Finding]) -> None:
    told = together(found)
    assert {line.what for line in told} == {one.what for one in found}
    for one in found:
        if one.row is None:
            assert [line for line in told if one.source in line.where.split(", ")]
            continue
        (line,) = (line for line in told if line.what == one.what and line.where.startswith(f"{one.source}, row"))
        spans = line.where.partition("row")[2].lstrip("s ").split(", ")
        assert any(int(span.split("-")[0]) <= one.row <= int(span.split("-")[-1]) for span in spans)
