"""Read dates. 03/04/2026 is two days: which of them is asked about, and never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from consent.errors import RosterError
from consent.layout import DateOrder, Layout
from consent.recognise import Rows

DATES = ("birth_date", "signed_on", "valid_from", "valid_until")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = re.compile(
    r"[ T]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*(Z|[A-Z]{3,4})?([+-]\d{1,2}(:?\d{2})?)?$"
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
# 9/8/26, as spreadsheets write dates where the computer is set to it. It could begin with the year, too.
_SHORT_YEAR = re.compile(r"(\d{1,2}/\d{1,2}/)(\d{2})")
_DAY_MONTH = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})")
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})")


def settled_order(
    path: Path, layout: Layout, header: Sequence[str], places: Mapping[str, int], rows: Rows
) -> DateOrder | None:
    """Find the order of the dates, by what was declared; never by what is likelier.

    Raises:
        RosterError: if no order is known and a date could be two days, or if dates speak against the layout's order.
    """
    if layout.ordered:
        return layout.date_order
    remedy = "Say which comes first: --date-order dmy or --date-order mdy; or write dates like 2026-04-03."
    for name in DATES:
        if name not in places:
            continue
        column = [(n, cells[places[name]]) for n, cells in rows if places[name] < len(cells)]
        told = layout.date_order is not None
        kinds = {text: orders_of(text, short_years=told) for text in {text for _, text in column}}
        certain = {next(iter(orders)) for orders in kinds.values() if len(orders) == 1}
        where = f"{path}: {header[places[name]]!r}"
        if layout.date_order and certain - {layout.date_order}:
            against = [n for n, text in column if kinds[text] and layout.date_order not in kinds[text]]
            raise RosterError(f"{where} has dates that are not {layout.date_order}, in {_rows(against)}", remedy)
        unsure = [(n, text) for n, text in column if is_ambiguous(text)]
        if not layout.date_order and (len(certain) > 1 or unsure):
            mixed = [(n, text) for n, text in column if kinds[text]]
            unclear = unsure or mixed
            what = "could be two days" if unsure else "and others are in both orders"
            raise RosterError(f"{where}: {unclear[0][1]!r} {what}, in {_rows([n for n, _ in unclear])}", remedy)
    return layout.date_order


def _rows(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"row {', '.join(map(str, numbers[:5]))}{more}"


def orders_of(text: str, *, short_years: bool = False) -> frozenset[DateOrder]:
    """Give the orders in which a date like 03/04/2026 is one; both where they give the same; nothing for others.

    Args:
        text: The date, with or without a time.
        short_years: Whether 03/04/26 is one, too: it may as well begin with the year, unless somebody told the order.
    """
    plain = _without_time(text)
    if short_years and (short := _SHORT_YEAR.fullmatch(plain)):
        plain = _in_full(short)
    if (parts := _YEAR_LAST.fullmatch(plain)) is None:
        return frozenset()
    return frozenset(order for order in DateOrder if _in_order(parts, order))


def is_ambiguous(text: str) -> bool:
    """Tell whether a date gives two different days."""
    parts = _YEAR_LAST.fullmatch(_without_time(text))
    return parts is not None and len({_in_order(parts, order) for order in DateOrder} - {None}) > 1


def read_day(text: str, order: DateOrder | None) -> date | None:
    """Read a date with or without a time; None where it is none, or could be two and no order is known."""
    plain = _without_time(text)
    if found := _YEAR_FIRST.fullmatch(plain):
        return _date(int(found[1]), int(found[3]), int(found[4]))
    if found := _DAY_MONTH.fullmatch(plain):
        return _date(int(found[3]), _month(found[2]), int(found[1]))
    if found := _MONTH_DAY.fullmatch(plain):
        return _date(int(found[3]), _month(found[1]), int(found[2]))
    if order and (short := _SHORT_YEAR.fullmatch(plain)):
        plain = _in_full(short)
    if found := _YEAR_LAST.fullmatch(plain):
        days = {day for o in ([order] if order else DateOrder) if (day := _in_order(found, o))}
        return days.pop() if len(days) == 1 else None
    return None


def _in_full(short: re.Match[str]) -> str:
    """Forms are of this century; a birth date of the last one gets a day to come, and is of no use to anybody."""
    return f"{short[1]}20{short[2]}"


def _without_time(text: str) -> str:
    return _TIME.sub("", text.strip()) if ":" in text else text.strip()


def _in_order(parts: re.Match[str], order: DateOrder) -> date | None:
    first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
    return _date(year, second, first) if order is DateOrder.DMY else _date(year, first, second)


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1 if name[:3].lower() in _MONTHS else 0


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
