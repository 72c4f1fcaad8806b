"""The take-down list: every published file that shows somebody who must not be seen, for those who manage the places.

Student numbers and no names: whoever manages an account has to find a picture, not to learn who withdrew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from consent.showings import PublishedFile, Showing
from consent.tables import write_table

COLUMNS = (
    "destination", "address", "manager", "file", "file_id", "published_on", "purpose", "student", "why",
    "replaced_by", "source_sha256", "output_sha256", "done",
)  # fmt: skip
UNTOLD = "(no destination recorded)"


@dataclass(frozen=True, slots=True)
class Listed:
    """One published file to be taken down.

    Attributes:
        file: The file.
        people: Numbers of those who must not be seen on it, with the reason of each.
        replacement: The newest version, which covers all of them; None where there is none yet.
    """

    file: PublishedFile
    people: tuple[tuple[str, str], ...]
    replacement: PublishedFile | None

    @property
    def students(self) -> str:
        """The numbers, for people to read."""
        return ", ".join(number for number, _ in self.people)

    @property
    def why(self) -> str:
        """The reasons, each once."""
        return "; ".join(dict.fromkeys(reason for _, reason in self.people))

    @property
    def to_do(self) -> str:
        """What is to be done about it."""
        if self.replacement is None:
            return "remove"
        return f"remove, or put the new version {self.replacement.file_id} in its place"


def listed(
    wanted: Iterable[tuple[Showing, str]], everything: Iterable[Showing], files: Iterable[PublishedFile]
) -> tuple[Listed, ...]:
    """Make a list, one row a file, sorted by destination.

    Args:
        wanted: Who must not be seen on which file, with the reason in words.
        everything: Who is on which file, to know whom the newer versions show.
        files: Every published file.
    """
    by_id = {file.photo_id: file for file in files}
    visible = {(showing.file.photo_id, showing.subject_id) for showing in everything if showing.visible}
    people: dict[int, dict[str, str]] = defaultdict(dict)
    for showing, why in wanted:
        people[showing.file.photo_id].setdefault(showing.subject_id, why)
    rows = []
    for photo_id, numbers in people.items():
        file = by_id[photo_id]
        covered = file.newest != photo_id and not any((file.newest, number) in visible for number in numbers)
        rows.append(Listed(file, tuple(numbers.items()), by_id[file.newest] if covered else None))
    return tuple(sorted(rows, key=lambda row: (*_place(row.file), row.file.photo_id)))


def take_down_csv(rows: Iterable[Listed]) -> str:
    """Write the list as CSV; what a spreadsheet would take for a formula is defused."""
    return write_table(COLUMNS, [_cells(row) for row in rows])


def take_down_page(rows: Sequence[Listed], on: date, title: str = "Take-down list") -> str:
    """Write the list as one HTML page that needs nothing else: a sheet of paper for each manager, with boxes to tick.

    Args:
        rows: The list, sorted by destination.
        on: The day of the list.
        title: Its heading.
    """
    sheets: dict[tuple[str, str, str], list[Listed]] = defaultdict(list)
    for row in rows:
        sheets[_place(row.file)].append(row)
    body = "".join(_sheet(place, theirs, on, title) for place, theirs in sheets.items())
    empty = f"<h1>{escape(title)}</h1><p>{on}: nothing is to be taken down.</p>"
    return _PAGE.format(title=escape(title), style=_STYLE, body=body or empty)


def _place(file: PublishedFile) -> tuple[str, str, str]:
    return file.destination, file.address, file.manager


def _cells(row: Listed) -> tuple[str, ...]:
    file, newer = row.file, row.replacement
    return (
        file.destination, file.address, file.manager, file.name, file.file_id, file.published_on.isoformat(),
        file.purpose or "", row.students, row.why, newer.file_id if newer else "", file.source_sha256,
        file.output_sha256, "",
    )  # fmt: skip


def _sheet(place: tuple[str, str, str], rows: Sequence[Listed], on: date, title: str) -> str:
    destination, address, manager = place
    head = f"<h1>{escape(title)}: {escape(destination or UNTOLD)}</h1>"
    facts = [("Address", address), ("Manager", manager), ("List of", on.isoformat()), ("Files", str(len(rows)))]
    told = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    lines = "".join(map(_line, rows))
    return (
        f"<section>{head}<dl>{told}</dl><p>Please take these pictures down, tick each one, and give the sheet back."
        f"</p><table><thead><tr><th>Done</th><th>File</th><th>Published</th><th>Shows</th><th>Why</th><th>To do</th>"
        f"</tr></thead><tbody>{lines}</tbody></table><p class=sign>Done on ____________ by ____________________</p>"
        "</section>"
    )


def _line(row: Listed) -> str:
    file = row.file
    name = f"{escape(file.name or '(name not recorded)')}<br><small>{file.file_id}</small>"
    told = (file.published_on.isoformat(), row.students, row.why, row.to_do)
    cells = "".join(f"<td>{escape(text)}</td>" for text in told)
    return f"<tr><td class=box><span></span></td><td class=file>{name}</td>{cells}</tr>"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{style}</style></head><body>{body}</body></html>
"""
_STYLE = """
body{font:11pt/1.4 sans-serif;margin:2rem;color:#000}
section{break-after:page;margin-bottom:3rem}section:last-child{break-after:auto}
h1{font-size:16pt;margin:0 0 .6rem}dl{display:grid;grid-template-columns:max-content auto;gap:.1rem 1rem;margin:0}
dt{color:#444}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #888;padding:.3rem .45rem;text-align:left;
vertical-align:top}thead{display:table-header-group}tr{break-inside:avoid}
td.file{overflow-wrap:anywhere}small{color:#444;font-family:monospace}
td.box span{display:inline-block;width:1em;height:1em;border:1.5px solid #000}
.sign{margin-top:1.5rem}@page{margin:15mm}
"""
