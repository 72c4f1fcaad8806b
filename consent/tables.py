"""Read the text tables that schools export, and write tables that a spreadsheet opens without running them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from consent.errors import RosterError

MAX_BYTES = 64 * 1024 * 1024
_LOOKED_AT = 4096
_TITLE_LINES = 6
# A file of text may have a stray null in a cell; one that is not text is full of them.
_MOST_NULLS = 0.01
# With these in front a spreadsheet takes a cell for a formula; the wide forms are what some turn into the plain ones.
_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def read_bytes(path: Path) -> bytes:
    """Read a roster file.

    Raises:
        RosterError: if it is missing, unreadable or far too large.
    """
    remedy = "Give the path of the roster file (see: imgguard roster template)."
    if not path.is_file():
        raise RosterError(f"{path}: there is no such roster file", remedy)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise RosterError(f"{path}: cannot be read ({error.strerror})", "Allow yourself to read it.") from error
    if len(content) > MAX_BYTES:
        raise RosterError(f"{path}: larger than {MAX_BYTES // 2**20} MB, so not a roster", remedy)
    return content


def decode(content: bytes) -> str:
    """Decode UTF-16, UTF-8 with or without a mark, or cp1252, line by line where they are mixed.

    Bad characters never stop it: they become U+FFFD, which no answer and no number has in it.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    unmarked = _utf16_without_mark(content[:_LOOKED_AT])
    if unmarked:
        return content.decode(unmarked, errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "".join(map(_decode_line, content.splitlines(keepends=True)))


def _utf16_without_mark(start: bytes) -> str | None:
    """Tables are mostly ASCII, so in UTF-16 every other byte is zero."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) < len(start) / 4:
        return None
    return "utf-16-le" if odd > even else "utf-16-be" if even > odd else None


def _decode_line(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def split_rows(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Split a table into its rows that are not empty, with their numbers from 1 as a spreadsheet counts them.

    Raises:
        RosterError: if it is empty or not CSV.
    """
    remedy = "Give a .csv, .tsv or .xlsx file with one header row (see: imgguard roster template)."
    if text.count("\0") > len(text) * _MOST_NULLS:
        raise RosterError(f"{path}: not a text file", remedy)
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    lines: list[list[str]] = []
    try:
        # A cell with line breaks in it is still of one row.
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True):
            lines.append(line)
    except csv.Error as error:
        why = f"({error}); is a quotation mark missing or left over?"
        if "field limit" in str(error):
            why = f"because a cell has more than {csv.field_size_limit():,} letters"
        raise RosterError(f"{path}, row {len(lines) + 1}: not readable as CSV {why}", remedy) from error
    rows = [(n, [cell.strip() for cell in line]) for n, line in enumerate(lines, 1) if any(map(str.strip, line))]
    if not rows:
        raise RosterError(f"{path}: the file is empty", remedy)
    return rows


def _delimiter(text: str) -> str:
    """The one that the widest of the first lines has most of: a title above the header may have none."""
    start = text[:_LOOKED_AT].splitlines()[:_TITLE_LINES] or [""]
    return max(",;\t", key=lambda mark: max(line.count(mark) for line in start))


def write_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Give a table as CSV in which no cell is a formula, for a spreadsheet to open; save it as UTF-8.

    Every cell is quoted, so that none falls apart where a spreadsheet splits at semicolons. None is an empty cell.

    >>> "'=1+1" in write_table(["name"], [["=1+1"], [7]])
    True
    """
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([defused(value) for value in row] for row in (header, *rows))
    return out.getvalue()


def defused(value: object) -> str:
    """Give a value as text that a spreadsheet shows and does not run: an apostrophe goes in front of a formula."""
    text = "" if value is None else str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return f"'{text}" if text.lstrip(" ").startswith(_RUN) else text
