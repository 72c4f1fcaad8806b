"""Read the index that photographers and student systems put beside ID photos, whatever the order of its columns.

There is no heading to go by, or one that every lab writes differently, so a column is known by what is in it: names of
files that are there, the roster's numbers, the roster's names. Where two columns fit, nothing is guessed.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from consent.tables import decode
from imgguard.errors import SetupError
from imgguard.portrait_files import Stored
from imgguard.portrait_people import Names, Numbers, glued
from imgguard.portrait_zips import place_key

PICTURES = {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif"}

_DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
# Of the rows, how many must name a file that is there (students who were away have none), hold one of the roster's
# numbers, different ones (those with a retake may stand twice), and how many one of its names (spelling varies).
_FILES, _NUMBERS, _DIFFERENT, _NAMES = 0.5, 0.9, 2 / 3, 0.6
_FOLDERS = 0.9
_SAMPLE = 30

Row = tuple[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of an index.

    Attributes:
        name: The file's name.
        delimiter: What stands between cells, in words.
        width: How many cells a row has.
        rows: Those with that many cells, each with its number, counted from 1.
        odd: The numbers of the rows with more or less, whose cells may be shifted.
    """

    name: str
    delimiter: str
    width: int
    rows: tuple[Row, ...]
    odd: tuple[int, ...]

    def column(self, at: int) -> list[str]:
        """Give the cells of a column, counted from 0."""
        return [cells[at] for _, cells in self.rows]

    def without_heading(self) -> Table:
        """Leave out the first row."""
        return Table(self.name, self.delimiter, self.width, self.rows[1:], self.odd)


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column of an index was taken for, counted from 0.

    Attributes:
        file: The picture.
        folders: The folders that it lies in.
        number: The student number; None where no column has it.
        names: The last and the first name, or both in one column; empty where none has them.
    """

    file: int
    folders: tuple[int, ...]
    number: int | None
    names: tuple[int, ...]

    def told(self, width: int) -> str:
        """Say in words what each column was taken for, counted from 1."""
        words = {self.file: "image file", **dict.fromkeys(self.folders, "folder")}
        labels = ("last name", "first name") if len(self.names) == 2 else ("name",)
        words |= dict(zip(self.names, labels, strict=False))
        words |= {} if self.number is None else {self.number: "student number"}
        unused = [str(at + 1) for at in range(width) if at not in words]
        told = ", ".join(f"{at + 1} = {words[at]}" for at in sorted(words))
        told += ", none = student number" if self.number is None else ""
        return f"{told}; not used: {', '.join(unused)}" if unused else told


class FileNames:
    """The files of a source, to be found by how an index writes them."""

    def __init__(self, files: Iterable[Stored]) -> None:
        """Take the files."""
        # By name, and by name and each of the folders above it: labs number the photos anew in every folder.
        self._found: dict[tuple[str, str], list[tuple[tuple[str, ...], Stored]]] = defaultdict(list)
        for stored in files:
            place = place_key(stored.parts)
            for folder in ("", *set(place[:-1])):
                self._found[place[-1], folder].append((place, stored))

        # Many photos of a large school have the same names, in other folders, and are asked for again and again.
        self._known: dict[str, bool] = {}

    def has(self, text: str) -> bool:
        """Say whether a cell may mean a file."""
        if text not in self._known:
            self._known[text] = bool(self.find(text))
        return self._known[text]

    def find(self, text: str, folders: Sequence[str] = ()) -> list[Stored]:
        """Find the files that a cell may mean: by name, and by as many folders as both have.

        Args:
            text: A name, perhaps with folders before it.
            folders: What other cells say about the folders that it lies in.
        """
        wanted, inside = _parts(text), [parts for folder in folders if (parts := _parts(folder))]
        if not wanted:
            return []
        pools = [self._found.get((wanted[-1], parts[-1]), ()) for parts in [*inside, ("",)]]
        near = [(place, stored) for place, stored in min(pools, key=len) if _ends_alike(place, wanted)]
        return [stored for place, stored in near if all(_is_within(place[:-1], parts) for parts in inside)]


@lru_cache(maxsize=65536)
def _parts(text: str) -> tuple[str, ...]:
    # Only compared with what is there, so a way up leads nowhere.
    parts = text.strip().replace("\\", "/").split("/")
    return place_key(tuple(part for part in parts if part not in ("", ".", "..")))


def _ends_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    length = min(len(one), len(other))
    return one[-length:] == other[-length:]


def _is_within(place: tuple[str, ...], folder: tuple[str, ...]) -> bool:
    return any(place[at : at + len(folder)] == folder for at in range(len(place) - len(folder) + 1))


def is_picture(name: str) -> bool:
    """Say whether a file is called as pictures are."""
    return PurePosixPath(name.strip().replace("\\", "/")).suffix.lower() in PICTURES


def read_table(name: str, content: bytes) -> Table:
    """Split an index into rows and cells: between tabs, commas, semicolons or bars, quoted or bare.

    Raises:
        SetupError: if it is no text, is empty, or has only one column.
    """
    text = decode(content)
    if "\0" in text:
        raise SetupError(f"{name}: not a text file", "Give the index as text, as it came with the photos.")
    found = [table for delimiter in _DELIMITERS if (table := _split(name, text, delimiter))]
    if not found:
        raise SetupError(
            f"{name}: not a table with two columns or more (between tabs, commas, semicolons or bars)",
            "Give the index as it came with the photos, or write one with a number and a file name in each row.",
        )
    return max(found, key=lambda table: len(table.rows) / (len(table.rows) + len(table.odd)))


def _split(name: str, text: str, delimiter: str) -> Table | None:
    lines: list[Row] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if any(map(str.strip, cells)):
                lines.append((number, tuple(cell.strip() for cell in cells)))
    except csv.Error:
        return None
    if not lines:
        return None
    width = Counter(len(cells) for _, cells in lines).most_common(1)[0][0]
    if width < 2:
        return None
    odd = tuple(number for number, cells in lines if len(cells) != width)
    rows = tuple((number, cells) for number, cells in lines if len(cells) == width)
    return Table(name, _DELIMITERS[delimiter], width, rows, odd)


def names_files(table: Table, files: FileNames) -> bool:
    """Say whether a table is an index of these files: one of its columns names them."""
    return bool(_file_columns(table, files))


def without_heading(table: Table, files: FileNames) -> Table:
    """Leave out the first row if it is a heading: something stands above the names of files that is none."""
    at = _file_columns(table, files)
    first = table.rows[0][1][at[0]] if at else ""
    return table.without_heading() if first and not is_picture(first) and not files.has(first) else table


def infer_columns(table: Table, files: FileNames, numbers: Numbers, names: Names) -> Columns:
    """Tell what the columns of an index are by what is in them.

    Raises:
        SetupError: if none names files, two do or two hold different numbers of the roster, or where nothing says
            whom a photo shows.
    """
    file = _file_column(table, files)
    folders = tuple(_folder_columns(table, files, file))
    others = [at for at in range(table.width) if at != file]
    if table.width == 2:
        return Columns(file, (), others[0], ())
    number = _number_column(table, numbers, [at for at in others if at not in folders])
    named = _name_columns(table, names, [at for at in others if at != number and at not in folders])
    if number is None and not named:
        raise _nobody(table, numbers, file)
    return Columns(file, folders, number, named)


def _nobody(table: Table, numbers: Numbers, file: int) -> SetupError:
    remedy = "Write an index of two columns: the student number, then the file's name; call it IDLINK.TXT."
    if not numbers.known:
        what = f"{table.name}: which of its {table.width} columns is the student number, only a roster tells"
        return SetupError(what, remedy)
    shares = [(_share(table.column(at), lambda cell: numbers.find(cell).number), -at) for at in range(table.width)]
    share, at = max(one for one in shares if -one[1] != file)
    nearest = f" (column {1 - at} does in {share:.0%})" if share else ""
    return SetupError(
        f"{table.name}: none of its {table.width} columns holds different numbers of the roster in {_NUMBERS:.0%} of "
        f"its {len(table.rows)} rows{nearest}, nor the roster's names",
        f"Look whether the roster is of the same school and year. {remedy}",
    )


def _share(cells: Sequence[str], fits: Callable[[str], object]) -> float:
    return sum(bool(cell and fits(cell)) for cell in cells) / max(1, len(cells))


def _file_columns(table: Table, files: FileNames) -> list[int]:
    return [at for at in range(table.width) if _share(table.column(at), files.has) >= _FILES]


def _file_column(table: Table, files: FileNames) -> int:
    found = _file_columns(table, files)
    if not found:
        named = [cell for _, cells in table.rows[:_SAMPLE] for cell in cells if is_picture(cell)]
        example = f", such as {named[0]}" if named else ""
        raise SetupError(
            f"{table.name}: no column names files that are there{example}",
            "Keep the index beside its photos, as it came; or take it away if the photos are named by number.",
        )
    if len(found) == 1:
        return found[0]
    for number, cells in table.rows:
        meant = [frozenset(map(id, there)) for at in found if (there := files.find(cells[at]))]
        if meant and not frozenset.intersection(*meant):
            raise SetupError(
                f"{table.name}, row {number}: columns {_listed(found)} name different files",
                "Remove the column that does not name the ID photos.",
            )
    # One with folders in it tells files of one name apart.
    return min(found, key=lambda at: sum(len(files.find(cell)) for cell in table.column(at)))


def _folder_columns(table: Table, files: FileNames, file: int) -> Iterator[int]:
    there = [cells for _, cells in table.rows if files.has(cells[file])]
    for at in range(table.width):
        # The first rows tell already that most columns are none.
        for some in (there[:_SAMPLE], there):
            fits = sum(bool(cells[at] and files.find(cells[file], [cells[at]])) for cells in some)
            if at == file or fits < _FOLDERS * len(some):
                break
        else:
            yield at


def _number_column(table: Table, numbers: Numbers, among: Sequence[int]) -> int | None:
    if not numbers.known:
        return None
    found = [at for at in among if _holds_numbers(table.column(at), numbers)]
    for number, cells in table.rows:
        if len({whose for at in found if (whose := numbers.find(cells[at]).number)}) > 1:
            raise SetupError(
                f"{table.name}, row {number}: columns {_listed(found)} hold different numbers of the roster",
                "Remove the column that is not the student number, or write an index of number and file (IDLINK.TXT).",
            )
    return found[0] if found else None


def _holds_numbers(cells: Sequence[str], numbers: Numbers) -> bool:
    found = [whose for cell in cells if (whose := numbers.find(cell).number)]
    return len(found) >= _NUMBERS * len(cells) and len(set(found)) >= _DIFFERENT * len(found) > 0


def _name_columns(table: Table, names: Names, among: Sequence[int]) -> tuple[int, ...]:
    def best(fits: Callable[[str], object], without: int | None = None) -> int | None:
        shares = [(_share(table.column(at), fits), -at) for at in among if at != without]
        share, at = max(shares, default=(0.0, 0))
        return -at if share >= _NAMES else None

    if (whole := best(names.called)) is not None:
        return (whole,)
    last = best(lambda cell: glued(cell) in names.family)
    first = best(lambda cell: glued(cell) in names.given, without=last)
    return () if last is None or first is None else (last, first)


def _listed(columns: Sequence[int]) -> str:
    return " and ".join(str(at + 1) for at in columns)
