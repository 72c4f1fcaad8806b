"""Read .xlsx workbooks: stored values only, nothing evaluated, bounded in size."""

from __future__ import annotations

import re
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.parsers import expat

from consent.errors import RosterError

if TYPE_CHECKING:
    from openpyxl import Workbook

# What a formula that was never calculated says: no answer, no number and no date is written so.
NO_VALUE = "(formula without a stored value)"
# What stands in a cell that is merged with the one above: what that one says may count here as well, or not.
MERGED = "(merged with the cell above)"
MAX_UNPACKED = 512 * 1024 * 1024
MAX_CELLS = 20_000_000
MAX_COLUMNS = 1_000
MAX_LETTERS = 131_072
_MAX_PARTS = 2_000
_REMEDY = "Save the sheet as .csv, or export it again."

_MERGE = re.compile(rb"""mergeCell\b[^>]*?ref=["']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})["']""")

Rows = list[tuple[int, list[str]]]


def is_workbook(content: bytes) -> bool:
    """Tell whether a file is a zip, as .xlsx files are, whatever it is called."""
    return content.startswith(b"PK\x03\x04")


def read_sheets(path: Path, stream: BinaryIO) -> dict[str, Rows]:
    """Give the rows of every sheet that are not empty, with their numbers from 1, by the sheet's name.

    Raises:
        RosterError: if it is no workbook, is damaged, or unpacks to more than a roster can be.
    """
    if not zipfile.is_zipfile(stream):
        raise RosterError(f"{path}: not a text file, and no whole .xlsx workbook", _REMEDY)
    try:
        formulas = _check_parts(path, stream)
        sheets = _sheets(path, stream, stored=True)
        if formulas:
            _mark_missing(sheets, _sheets(path, stream, stored=False))
        _mark_merged(sheets, stream)
    except RosterError:
        raise
    # openpyxl lets through whatever a damaged part makes its many readers raise.
    except Exception as error:
        raise RosterError(f"{path}: not readable as .xlsx ({error})", _REMEDY) from error
    return {name: [(n, cells) for n, cells in rows if any(cells)] for name, rows in sheets.items()}


def _check_parts(path: Path, stream: BinaryIO) -> bool:
    """Refuse what would unpack without end; tell whether there is a formula."""
    formulas = False
    with zipfile.ZipFile(stream) as packed:
        parts = packed.infolist()
        if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise RosterError(f"{path}: unpacks to more than {MAX_UNPACKED // 2**20} MB, so not a roster", _REMEDY)
        if "xl/workbook.xml" not in {part.filename for part in parts}:
            raise RosterError(f"{path}: not a text file, and not an .xlsx workbook", _REMEDY)
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                with packed.open(part) as xml:
                    _check_prolog(path, xml)
            if part.filename.startswith("xl/worksheets/") and not formulas:
                with packed.open(part) as xml:
                    formulas = _has(xml, b"<f")
    return formulas


def _has(stream: Any, wanted: bytes) -> bool:
    before = b""
    while piece := stream.read(1 << 20):
        if wanted in before + piece:
            return True
        before = piece[-len(wanted) :]
    return False


class _Begun(Exception):
    """The first element was reached."""


def _check_prolog(path: Path, stream: Any) -> None:
    """Refuse a document type: no workbook has one, and it can make entities that unpack without end."""

    def refuse(*_: object) -> None:
        raise RosterError(f"{path}: has a document type inside, as no real workbook has", _REMEDY)

    def begun(*_: object) -> None:
        raise _Begun

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = begun
    try:
        while piece := stream.read(4096):
            parser.Parse(piece)
    except (_Begun, expat.ExpatError):
        return


def _mark_merged(sheets: dict[str, Rows], stream: BinaryIO) -> None:
    """Put a mark into the cells of a column that are merged with the one above: blank would be something else."""
    from openpyxl import load_workbook
    from openpyxl.utils import column_index_from_string

    stream.seek(0)
    with closing(load_workbook(stream, read_only=True)) as book, zipfile.ZipFile(stream) as packed:
        for sheet in book.worksheets:
            told, count = dict(sheets[sheet.title]), 0
            filled = sorted(told)
            # openpyxl reads merged cells only together with the whole sheet, which may be large.
            with packed.open(sheet._worksheet_path.removeprefix("/")) as xml:
                for place, first, last in _merged(xml, column_index_from_string):
                    rows = filled[bisect_right(filled, first) : bisect_right(filled, last)]
                    count += len(rows)
                    if count > MAX_CELLS:
                        raise RosterError(f"sheet {sheet.title!r}: more than {MAX_CELLS} merged cells", _REMEDY)
                    for row in rows:
                        cells = told[row]
                        cells += [""] * (place + 1 - len(cells))
                        cells[place] = MERGED


def _merged(stream: Any, index_of: Callable[[str], int]) -> Iterator[tuple[int, int, int]]:
    """Give the index of the column, the first and the last row of what is merged within one column."""
    before = b""
    while piece := stream.read(1 << 20):
        text = before + piece
        end = 0
        for found in _MERGE.finditer(text):
            end = found.end()
            left, first, right, last = (part.decode() for part in found.groups())
            place = index_of(left) - 1
            if left == right and place < MAX_COLUMNS:
                yield place, int(first), int(last)
        before = text[max(end, len(text) - 200) :]


def _sheets(path: Path, stream: BinaryIO, *, stored: bool) -> dict[str, Rows]:
    from openpyxl import load_workbook

    stream.seek(0)
    with closing(load_workbook(stream, read_only=True, data_only=stored, keep_links=False)) as book:
        return _read(path, book, stored=stored)


def _read(path: Path, book: Workbook, *, stored: bool) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    count = 0
    for sheet in book.worksheets:
        # What the file says of its own size may be wrong, or be made to be.
        sheet.reset_dimensions()
        rows: Rows = []
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            count += len(values)
            if count > MAX_CELLS or len(values) > MAX_COLUMNS:
                where = f"{path}, sheet {sheet.title!r}, row {number}"
                raise RosterError(f"{where}: more than {MAX_COLUMNS} columns or {MAX_CELLS} cells", _REMEDY)
            if values and any(value is not None for value in values):
                rows.append((number, list(_texts(path, number, values) if stored else _formulas(values))))
        found[sheet.title] = rows
    return found


def _texts(path: Path, row: int, values: Iterable[object]) -> Iterator[str]:
    for value in values:
        text = _text(value)
        if len(text) > MAX_LETTERS:
            raise RosterError(f"{path}, row {row}: a cell has more than {MAX_LETTERS:,} letters", _REMEDY)
        yield text


def _formulas(values: Iterable[object]) -> Iterator[str]:
    """Where formulas are: as text for a plain one, as an object for one of an array."""
    for value in values:
        plain = value is None or isinstance(value, bool | int | float | date | time)
        yield "" if plain or (isinstance(value, str) and not value.startswith("=")) else NO_VALUE


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _mark_missing(sheets: dict[str, Rows], formulas: dict[str, Rows]) -> None:
    """Put a mark where a formula stands that has no value: blank would be something else."""
    for name, rows in formulas.items():
        told = dict(sheets[name])
        for number, marks in rows:
            if not any(marks):
                continue
            cells = told.setdefault(number, [])
            cells += [""] * (len(marks) - len(cells))
            for place, mark in enumerate(marks):
                cells[place] = cells[place] or mark
        sheets[name] = sorted(told.items())
