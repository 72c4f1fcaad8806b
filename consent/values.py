"""What a cell means: answers and school years. Whatever is not clear is said to be so, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\x96\x97"), "-")
_QUOTES = {ord("\u2018"): "'", ord("\u2019"): "'", ord("\u201c"): '"', ord("\u201d"): '"'}
_ALIKE = {**_DASHES, **_QUOTES}
_LONGEST = 5_000
_SCHOOL_YEAR_ENDS = (6, 30)
_SCHOOL_YEAR = re.compile(r"(\d{4}) ?[-/] ?(\d{4}|\d{2})")


@lru_cache(maxsize=65_536)
def value_key(text: str) -> str:
    """Give what two ways of writing one value have in common: case, blanks, and the kind of dash and quote."""
    return " ".join(text.translate(_ALIKE).casefold().split())


def heading_key(text: str) -> str:
    """Give what two ways of writing one heading have in common: also underscores, hyphens and line breaks."""
    return "_".join(value_key(text).replace("-", " ").replace("_", " ").split())


def chosen(cell: str, options: Iterable[str]) -> frozenset[str] | None:
    """Give the options that a cell with several answers holds; None where it reads in no way, or in several.

    Args:
        cell: As `value_key` gives it: "a;b;" (Microsoft Forms) or "a, b" (Google Forms, whatever an option holds).
        options: All that there are, likewise.
    """
    known = [option for option in options if option]
    if len(cell) > _LONGEST:
        return None
    ways = {way for mark in (";", ", ", ",") for way in _ways(cell.removesuffix(";").strip(), known, mark)}
    return ways.pop() if len(ways) == 1 else None


def _ways(cell: str, options: list[str], mark: str) -> set[frozenset[str]]:
    """Every set of options that gives the cell when joined, up to two: one more is too many already."""
    at: dict[int, set[frozenset[str]]] = {0: {frozenset()}}
    for start in range(len(cell)):
        for before in at.pop(start, set()):
            for option in options:
                end = start + len(option)
                if not cell.startswith(option, start):
                    continue
                place = end if end == len(cell) else _past(cell, end + len(mark))
                joined = cell.startswith(mark, end) and place < len(cell)
                if end == len(cell) or joined:
                    reached = at.setdefault(place, set())
                    if len(reached) < 2:
                        reached.add(before | {option})
    return at.get(len(cell), set())


def _past(cell: str, place: int) -> int:
    return place + 1 if cell.startswith(" ", place) else place


def matching_prefix(cell: str, prefixes: Iterable[str]) -> str | None:
    """Give the one of several beginnings that a value has, at the end of a word; None for none or more than one."""
    found = [p for p in prefixes if cell.startswith(p) and not cell[len(p) : len(p) + 1].isalnum()]
    return found[0] if len(found) == 1 else None


def end_of_school_year(signed_on: date | None) -> date | None:
    """Give the last day of the school year that a day lies in; None for no day, and for the last of all years."""
    if signed_on is None:
        return None
    end = date(signed_on.year, *_SCHOOL_YEAR_ENDS)
    if signed_on <= end:
        return end
    return end.replace(year=end.year + 1) if end.year < date.max.year else None


def end_of_named_year(text: str) -> date | None:
    """Give the last day of a school year like 2026/27 or 2026-2027; None where it is not one.

    >>> end_of_named_year("2026/27")
    datetime.date(2027, 6, 30)
    """
    found = _SCHOOL_YEAR.fullmatch(value_key(text))
    if found is None or not 0 < (end := int(found[1]) + 1) <= date.max.year:
        return None
    return date(end, *_SCHOOL_YEAR_ENDS) if found[2] in (str(end), f"{end % 100:02}") else None
