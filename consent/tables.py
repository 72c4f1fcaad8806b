"""Read the text tables that schools export, and write tables that a spreadsheet opens without running them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from consent.errors import RosterError

MAX_BYTES = 64 * 1024 * 1024
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
    """Decode UTF-16 (by its mark), UTF-8 with or without a mark, or else cp1252; bad characters never stop it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def split_table(path: Path, text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Split a table into its header (lower case) and its rows with their numbers, the header being row 1.

    Raises:
        RosterError: if it is empty or not CSV.
    """
    remedy = "Save it as CSV with one header row, as `imgguard roster template` shows it."
    if "\0" in text:
        raise RosterError(f"{path}: not a text file", remedy)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines: list[list[str]] = []
    try:
        # Rows are counted as a spreadsheet counts them: a cell with line breaks in it is still one row.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for line in reader:
            lines.append(line)
    except csv.Error as error:
        where = f"row {len(lines) + 1}: not readable as CSV ({error}); is a quotation mark missing or left over?"
        raise RosterError(f"{path}, {where}", remedy) from error
    if not lines or not any(map(str.strip, lines[0])):
        raise RosterError(f"{path}: the file is empty", remedy)
    header = ["_".join(cell.lower().replace("-", " ").split()) for cell in lines[0]]
    rows = [(n, [c.strip() for c in line]) for n, line in enumerate(lines[1:], 2) if any(map(str.strip, line))]
    return header, rows


def write_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Give a table as CSV in which no cell is a formula, for a spreadsheet to open; save it as UTF-8.

    Every cell is quoted, so that none falls apart where a spreadsheet splits at semicolons. None is an empty cell.

    >>> write_table(["name"], [["=1+1"], [7]]).split()
    ['"name"', '"\'=1+1"', '"7"']
    """
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([defused(value) for value in row] for row in (header, *rows))
    return out.getvalue()


def defused(value: object) -> str:
    """Give a value as text that a spreadsheet shows and does not run: an apostrophe goes in front of a formula."""
    text = "" if value is None else str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return f"'{text}" if text.lstrip(" ").startswith(_RUN) else text
