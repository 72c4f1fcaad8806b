from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.model import Subject
from imgguard import SetupError
from imgguard.portrait_files import PortraitSource
from imgguard.portrait_index import FileNames, Table, infer_columns, read_table, without_heading
from imgguard.portrait_joining import Whom, by_indexes
from imgguard.portrait_people import Names, Numbers
from imgguard.portrait_zips import Listing
from tests.portrait_layouts import lines

PEOPLE = (
    Subject("0501", "Ann", "Lee"),
    Subject("0502", "Bo", "Diaz-Cruz"),
    Subject("0503", "Chloé", "Roy"),
    Subject("0504", "Dan", "Lee"),
)
NUMBERS = tuple(person.subject_id for person in PEOPLE)


@dataclass(frozen=True)
class Kept:
    """A file that is somewhere."""

    parts: tuple[str, ...]

    @property
    def path(self) -> Path:
        return Path(*self.parts)

    def read(self) -> bytes:
        return b""


FILES = tuple(Kept(("CD", f"F{at % 2}", f"IMG{at}.JPG")) for at in range(len(PEOPLE)))
PSPA = [
    ["V1", f"F{at % 2}", f"img{at}.jpg", "4", person.family_name, person.given_name, person.subject_id]
    for at, person in enumerate(PEOPLE)
]


def read(content: bytes | str, files: tuple[Kept, ...] = FILES, people: tuple[Subject, ...] = PEOPLE) -> PortraitSource:
    table = read_table("INDEX.TXT", content.encode() if isinstance(content, str) else content)
    return by_indexes(whom(people), Listing(files), [table])


def whom(people: tuple[Subject, ...] = PEOPLE) -> Whom:
    return Whom("ids", Numbers(person.subject_id for person in people), Names(people))


def joined(found: PortraitSource) -> dict[str, str]:
    return {one.number: one.name for one in found.portraits}


EVERYBODY = {number: f"IMG{at}.JPG" for at, number in enumerate(NUMBERS)}


@pytest.mark.parametrize("order", list(permutations(range(7)))[::97])
def test_the_columns_of_pspa_are_known_in_any_order(order: tuple[int, ...]) -> None:
    found = read(lines([row[at] for at in order] for row in PSPA))
    assert joined(found) == EVERYBODY and not found.findings
    for at, meaning in ((1, "folder"), (2, "image file"), (4, "last name"), (5, "first name"), (6, "student number")):
        assert f"{order.index(at) + 1} = {meaning}" in found.evidence
    assert f"not used: {', '.join(sorted(str(order.index(at) + 1) for at in (0, 3)))}" in found.evidence


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_delimiter_quotes_and_encoding_are_told_from_the_file(delimiter: str, quote: str, encoding: str) -> None:
    found = read(lines(PSPA, delimiter, quote).encode(encoding))
    assert joined(found) == EVERYBODY and not found.findings


def test_a_comma_within_the_cells_of_a_table_between_tabs_does_not_split_them() -> None:
    rows = [[f"{row[4]}, {row[5]}", row[2], row[6]] for row in PSPA]
    found = read(lines(rows))
    assert joined(found) == EVERYBODY and "(tab, without headings): 1 = name" in found.evidence


def test_two_columns_come_in_either_order_and_need_no_roster_to_fit() -> None:
    rows = [[row[6].lstrip("0"), row[2]] for row in PSPA]
    for order in (rows, [row[::-1] for row in rows]):
        assert joined(read(lines(order, ","))) == EVERYBODY
    strangers = read(lines([["9", "img0.jpg"], ["0502", "img1.jpg"]], ","))
    assert joined(strangers) == {"0502": "IMG1.JPG"}
    assert "row 1: img0.jpg: no row in the roster has this number" in str(strangers.findings[0])


@pytest.mark.parametrize("heading", [["Number", "Last", "First", "Photo"], ["ID", "", "", "File name"]])
def test_a_heading_is_known_by_what_stands_above_the_files(heading: list[str]) -> None:
    rows = [[row[6], row[4], row[5], row[2]] for row in PSPA]
    found = read(lines([heading, *rows]))
    assert joined(found) == EVERYBODY and not found.findings and "under headings" in found.evidence
    away = [["0501", "Lee", "Ann", "away.jpg"], *rows[1:]]
    assert "row 1: there is no file away.jpg" in "".join(map(str, read(lines(away)).findings)), "no heading"


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([[*row, PSPA[at - 1][6]] for at, row in enumerate(PSPA)], "row 1: columns 7 and 8 hold different numbers"),
        ([[*row, PSPA[at - 1][2]] for at, row in enumerate(PSPA)], "row 1: columns 3 and 8 name different files"),
        ([[f"x{row[2]}", *row[3:]] for row in PSPA], "no column names files that are there, such as ximg0.jpg"),
        (
            [["A", row[2], "4"] for row in PSPA],
            "none of its 3 columns holds different numbers of the roster in 90% of its 4 rows, nor",
        ),
        ([[row[2], "4", PSPA[at // 2][6]] for at, row in enumerate(PSPA)], "none of its 3 columns"),
        ([[row[2], "4", "9" if at else row[6]] for at, row in enumerate(PSPA)], "(column 3 does in 25%)"),
        ([["alone.jpg"]], "not a table with two columns"),
    ],
)
def test_an_index_that_means_two_things_or_none_is_refused(rows: list[list[str]], error: str) -> None:
    with pytest.raises(SetupError) as caught:
        read(lines(rows))
    assert error in str(caught.value) and caught.value.remedy


def test_a_column_that_says_the_same_twice_is_no_contradiction() -> None:
    rows = [[*row, f"CD\\{row[1]}\\{row[2]}", row[6].lstrip("0")] for row in PSPA]
    assert joined(read(lines(rows))) == EVERYBODY


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"\n\n", b'"a', b"\xff\xfea"])
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(SetupError):
        read(content)


def test_numbers_of_the_roster_that_are_grades_are_not_taken_for_students() -> None:
    people = tuple(Subject(str(at), f"First{at}", f"Last{at}") for at in range(1, 13))
    files = tuple(Kept((f"P{at}.jpg",)) for at in range(24))
    rows = [[f"P{at}.jpg", str(at % 6 + 1), f"Last{at % 12 + 1}", f"First{at % 12 + 1}"] for at in range(24)]
    found = read(lines(rows), files, people)
    assert found.portraits == () and "2 = student number" not in found.evidence


NAMES = ["Ann", "Lee", "Ann Lee", "F0", "F1", "", '"', "a,b", "501", "502", "9", *NUMBERS]
PLACES = ["img0.jpg", "IMG1.JPG", "img2.jpg", "CD/F1/img3.jpg", "..\\img1.jpg", "..", "gone.jpg"]
CELLS = st.sampled_from([*NAMES, *PLACES])
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=8).map(lines)


@settings(max_examples=400, deadline=None)
@given(st.one_of(TABLES, st.text(), st.binary(), TABLES.map(lambda text: text.replace("\t", ","))))
def test_no_text_whatever_breaks_the_reader_or_joins_one_photo_to_two_people(content: str | bytes) -> None:
    try:
        found = read(content.encode() if isinstance(content, str) else content)
    except SetupError:
        return
    files = [one.stored for one in found.portraits]
    assert len(files) == len(set(map(id, files)))
    assert {one.number for one in found.portraits} <= set(NUMBERS)
    named = {finding.source for finding in found.findings} | {one.name for one in found.portraits}
    told = " ".join(map(str, found.findings)).casefold()
    for stored in FILES:
        assert stored.parts[-1] in named or stored.parts[-1].casefold() in told, "nothing is silently skipped"


@settings(max_examples=200, deadline=None)
@given(TABLES)
def test_a_column_means_only_one_thing(content: str) -> None:
    try:
        table: Table = without_heading(read_table("x", content.encode()), FileNames(FILES))
        columns = infer_columns(table, FileNames(FILES), Numbers(NUMBERS), Names(PEOPLE))
    except SetupError:
        return
    number = () if columns.number is None else (columns.number,)
    used = (columns.file, *columns.folders, *number, *columns.names)
    assert len(used) == len(set(used)) and set(used) <= set(range(table.width))
