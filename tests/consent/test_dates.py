from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from consent import RosterError, read_roster
from consent.dates import is_ambiguous, read_day
from consent.layout import DateOrder
from consent.mapping import Declared
from consent.values import end_of_named_year
from tests.consent.test_roster import ROW, roster_of

SEPTEMBER = date(2026, 9, 8)


@pytest.mark.parametrize(
    ("written", "order", "day"),
    [
        ("2026-09-08", None, SEPTEMBER),
        ("2026/9/8 10:15:00 AM GMT-7", None, SEPTEMBER),
        ("2026-09-08T10:15:00Z", None, SEPTEMBER),
        ("2026/09/08 8:03:40 AM MDT", None, SEPTEMBER),
        ("8-Sep-2026", None, SEPTEMBER),
        ("September 8, 2026", None, SEPTEMBER),
        ("09/08/2026", DateOrder.MDY, SEPTEMBER),
        ("08.09.2026", DateOrder.DMY, SEPTEMBER),
        ("08/09/2026", None, None),
        ("09/09/2026", None, date(2026, 9, 9)),
        ("23/09/2026", None, date(2026, 9, 23)),
        ("23/09/2026", DateOrder.MDY, None),
        ("8/9/26", DateOrder.DMY, SEPTEMBER),
        ("9/8/26 8:03:40", DateOrder.MDY, SEPTEMBER),
        ("23/9/26", DateOrder.MDY, None),
        # Without a told order it may as well begin with the year.
        ("8/9/26", None, None),
        ("26/9/8", None, None),
        ("8-9-26", DateOrder.DMY, None),
        ("2026-02-30", None, None),
        ("46000", None, None),
        ("soon", None, None),
    ],
)
def test_a_date_is_read_or_it_is_none(written: str, order: DateOrder | None, day: date | None) -> None:
    assert read_day(written, order) == day


def test_a_date_that_could_be_two_is_asked_about_with_its_rows(tmp_path: Path) -> None:
    rows = [ROW, ROW.replace("020411", "020412").replace("2026-09-01", "03/04/2026")]
    with pytest.raises(RosterError, match=r"03/04/2026.*row 3") as caught:
        roster_of(tmp_path, *rows)
    assert "--date-order dmy" in caught.value.remedy
    path = tmp_path / "roster.csv"
    for order, day in ((DateOrder.DMY, date(2026, 4, 3)), (DateOrder.MDY, date(2026, 3, 4))):
        roster = read_roster(path, Declared(date_order=order))
        assert roster.subjects["020412"].consents[0].signed_on == day
        assert roster.declared == (f"dates are {'day' if order is DateOrder.DMY else 'month'} first",)


def test_dates_in_both_orders_are_asked_about_even_if_each_is_clear(tmp_path: Path) -> None:
    clear = [ROW.replace("2026-09-01", "23/09/2026")]
    assert roster_of(tmp_path, *clear).findings == ()
    other = ROW.replace("020411", "020412").replace("2026-09-01", "09/23/2026")
    with pytest.raises(RosterError, match="both orders"):
        roster_of(tmp_path, *clear, other)


def test_a_date_is_ambiguous_only_where_both_orders_give_different_days() -> None:
    assert is_ambiguous("03/04/2026") and is_ambiguous("3.4.2026 10:00")
    assert not is_ambiguous("03/03/2026") and not is_ambiguous("13/04/2026") and not is_ambiguous("2026-03-04")


@pytest.mark.parametrize(
    ("year", "end"),
    [("2026/27", 2027), ("2026-2027", 2027), ("2026\u201327", 2027), ("2026/28", None), ("2026", None), ("soon", None)],
)
def test_a_school_year_ends_in_june(year: str, end: int | None) -> None:
    assert end_of_named_year(year) == (date(end, 6, 30) if end else None)
