"""Find out by which layout a file was exported, from its headings, and show what tells so. Never by guessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from consent.errors import RosterError
from consent.layout import BY_VALUES, Layout, Question, known_layouts
from consent.values import heading_key, matching_prefix, value_key

Rows = Sequence[tuple[int, list[str]]]
# Titles, the school's address and empty lines stand above the headings of some exports.
_HEADER_WITHIN = 20
_MAP = "Tell what its columns mean with `imgguard roster map`, or use imgguard's own (`imgguard roster template`)."


@dataclass(frozen=True, slots=True)
class Fit:
    """A layout that a table fits.

    Attributes:
        layout: The layout; questions that are known by their values have their headings here.
        header_at: Index of the header in the table's rows.
        matched: The headings that tell so.
    """

    layout: Layout
    header_at: int
    matched: tuple[str, ...]

    @property
    def evidence(self) -> str:
        """Say what it was recognised by."""
        return f"recognised as {self.layout.name}: columns {', '.join(self.matched)}"


def headings(cells: Sequence[str]) -> list[str]:
    """Give headings on one line each; one that stands there again gets a number behind it, as "Note (2)"."""
    seen: dict[str, int] = {}
    found = []
    for cell in cells:
        plain = " ".join(cell.split())
        key = heading_key(plain)
        seen[key] = seen.get(key, 0) + 1
        found.append(f"{plain} ({seen[key]})" if plain and seen[key] > 1 else plain)
    return found


def recognise(path: Path, rows: Rows, layouts: Sequence[Layout]) -> Fit:
    """Find the one layout that fits a table best.

    Raises:
        RosterError: if none fits, or two fit equally well.
    """
    for index in range(min(_HEADER_WITHIN, len(rows))):
        fits = [fit for layout in layouts if (fit := _fit(rows, index, layout))]
        if fits:
            return _best(path, fits)
    if len(layouts) == 1:
        raise RosterError(f"{path}: {_missing(rows, layouts[0])}", _MAP)
    raise RosterError(f"{path}: no layout that is known has these columns: {_first(rows)}", _MAP)


def is_header_again(path: Path, header: Sequence[str], place: int, row: int, cells: Sequence[str]) -> bool:
    """Tell whether a row is the header once more, as where exports were put one below the other.

    Args:
        path: The file.
        header: Its headings.
        place: Index of the column of numbers.
        row: The row's number.
        cells: The row.

    Raises:
        RosterError: if its columns stand in another order, so that what is below would be read under wrong headings.
    """
    if place >= len(cells) or heading_key(cells[place]) != heading_key(header[place]):
        return False
    if list(map(heading_key, headings(cells))) != list(map(heading_key, header)):
        what = f"{path}, row {row}: another header with other columns stands here, below the first"
        raise RosterError(what, "Put each table into a file of its own.")
    return True


def find_header(rows: Rows) -> int:
    """Give the index of the row that is most likely the header of an unknown table: the first with enough cells."""
    start = [sum(map(bool, cells)) for _, cells in rows[:_HEADER_WITHIN]]
    return next((i for i, count in enumerate(start) if count * 2 > max(start)), 0)


def all_layouts(mappings: Sequence[Layout] = ()) -> tuple[Layout, ...]:
    """Give the layouts that imgguard knows and the operator's own."""
    return (*known_layouts(), *mappings)


def _best(path: Path, fits: Sequence[Fit]) -> Fit:
    # What the operator said about just these columns goes before what imgguard knows of the product.
    ranks = [(fit.layout.own, len(fit.matched)) for fit in fits]
    best = [fit for fit, rank in zip(fits, ranks, strict=True) if rank == max(ranks)]
    if len(best) > 1:
        names = " or ".join(fit.layout.name for fit in best)
        raise RosterError(f"{path}: could be of the layout {names}", "Say which one with --layout.")
    return best[0]


def _fit(rows: Rows, index: int, layout: Layout) -> Fit | None:
    there = {heading_key(h): h for h in headings(rows[index][1]) if h}
    required = [there.get(heading_key(h)) for h in layout.required]
    some = [found for h in layout.any_of if (found := there.get(heading_key(h)))]
    if None in required or (layout.any_of and not some) or not (required or some):
        return None
    matched = [h for h in required if h] + some
    questions: list[Question] = []
    for question in layout.questions:
        if question.column != BY_VALUES:
            questions.append(question)
            continue
        columns = _columns_of(rows, index, question)
        if not columns:
            return None
        matched += [f"{column} (by its values)" for column in columns]
        questions += [replace(question, column=column) for column in columns]
    return Fit(replace(layout, questions=tuple(questions)), index, tuple(matched))


def _columns_of(rows: Rows, index: int, question: Question) -> list[str]:
    """Give the headings under which stands nothing but what the question knows."""
    known = {value_key(value) for value in question.values}
    found = []
    for place, heading in enumerate(headings(rows[index][1])):
        cells = (value_key(cells[place]) for _, cells in rows[index + 1 :] if place < len(cells))
        told = {cell for cell in cells if cell}
        if question.prefix:
            fits = [cell for cell in told if matching_prefix(cell, known)]
        else:
            fits = [cell for cell in told if cell in known]
        if heading and fits and len(fits) * 2 > len(told):
            found.append(heading)
    return found


def _missing(rows: Rows, layout: Layout) -> str:
    there = {heading_key(h) for _, cells in rows[:_HEADER_WITHIN] for h in headings(cells)}
    missing = [h for h in layout.required if heading_key(h) not in there]
    what = ", ".join(missing) if missing else f"one of {', '.join(layout.any_of)}"
    return f"not of the layout {layout.name}: there is no column {what}" if what else f"not of the layout {layout.name}"


def _first(rows: Rows) -> str:
    told = [h for h in headings(rows[find_header(rows)][1]) if h]
    return ", ".join(told[:_HEADER_WITHIN]) or "none"
