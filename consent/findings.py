"""What a person should look at in a roster or among ID photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# So many files with the same fault are named one by one; of more, the first ones.
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should look at: the file, the row (None for the whole file), and what it means."""

    source: str
    row: int | None
    what: str

    def __str__(self) -> str:
        """Name the file and row first."""
        return f"{self.source}, row {self.row}: {self.what}" if self.row else f"{self.source}: {self.what}"


@dataclass(frozen=True, slots=True)
class Told:
    """Findings that say the same of several files, or of several rows of one file.

    Attributes:
        where: The files or rows: "a.csv, rows 2-4, 9", "1.jpg, 2.jpg, 3.jpg, 4.jpg and 10 more".
        what: What it means.
    """

    where: str
    what: str

    def __str__(self) -> str:
        """Name the files or rows first."""
        return f"{self.where}: {self.what}"


def together(findings: Iterable[Finding]) -> tuple[Told, ...]:
    """Put what is said of several files or rows into one line each, in the order in which it is first said."""
    rows: dict[tuple[str, str], list[int]] = {}
    files: dict[str, list[str]] = {}
    order: dict[tuple[str, str], None] = {}
    for one in findings:
        key = (one.source if one.row else "", one.what)
        order[key] = None
        if one.row:
            rows.setdefault(key, []).append(one.row)
        else:
            files.setdefault(one.what, []).append(one.source)
    return tuple(Told(f"{key[0]}, {_rows(rows[key])}" if key[0] else _files(files[key[1]]), key[1]) for key in order)


def _files(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _rows(numbers: list[int]) -> str:
    """Write row numbers as ranges: row 2; rows 2-4, 9."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    told = ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)
    return f"row {told}" if len(set(numbers)) == 1 else f"rows {told}"
