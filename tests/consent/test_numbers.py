from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.numbers import ByNumber, Found, NumberIndex, number_key


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("020411", Found("020411", exact=True)),
        (" 020411 ", Found("020411", exact=True)),
        ("20411", Found("020411", exact=False)),
        ("'020411", Found("020411", exact=False)),
        ("7", Found("7", exact=True)),
        ("0007", None),
        ("99", None),
        ("", None),
    ],
)
def test_a_number_is_found_as_written_or_where_only_one_fits(written: str, found: Found | None) -> None:
    assert NumberIndex(["020411", "7", "007", "ab1"]).find(written) == found


def test_nothing_but_zeros_is_a_number_and_nothing_is_none() -> None:
    assert number_key("000") == "0" and number_key("") == ""
    assert NumberIndex(["00", ""]).find("0") == Found("00", exact=False)


@given(st.sets(st.text("0123a", min_size=1, max_size=4)), st.text("0123a", max_size=5))
def test_no_number_is_found_that_is_not_the_only_one(numbers: set[str], written: str) -> None:
    found = NumberIndex(numbers).find(written)
    alike = {number for number in numbers if number.lstrip("0") == written.lstrip("0") and written}
    only = alike.pop() if len(alike) == 1 else None
    assert (found.number if found else None) == (written if written in numbers else only)


@pytest.mark.parametrize(
    "written", ["20411.0", "020411.00", "٢٠٤١١", "\uff12\uff10\uff14\uff11\uff11", '="020411"', "20411\u200b"]
)
def test_other_writings_of_a_number_are_the_number(written: str) -> None:
    assert NumberIndex(["020411"]).find(written) == Found("020411", exact=False)


@pytest.mark.parametrize("other", ["20411.5", "20411-0", "204110", "2041.1", ".0"])
def test_what_only_looks_like_a_number_is_another(other: str) -> None:
    assert NumberIndex(["020411"]).find(other) is None


def test_what_is_known_of_a_number_is_found_however_it_is_written() -> None:
    known = ByNumber({"020411": frozenset("ab"), "20411": frozenset("c"), "7": frozenset("d")})
    assert known.get("20411") == known["0020411"] == frozenset("abc")
    assert known.get("8") is None and len(known) == 2
