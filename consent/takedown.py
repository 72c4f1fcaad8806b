"""The take-down list: every published file that shows somebody who must not be seen, for those who manage the places.

Student numbers and no names: whoever manages an account has to find a picture, not to learn who withdrew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from consent import audit
from consent.errors import ConsentError
from consent.markup import Markup, element, facts, joined, page, table
from consent.model import Purpose
from consent.numbers import number_key
from consent.showings import PublishedFile, Showing, published_files, showings, still_open
from consent.store import Store
from consent.tables import write_table

COLUMNS = (
    "destination", "address", "manager", "file", "file_id", "published_on", "purpose", "student", "why",
    "replaced_by", "source_sha256", "output_sha256", "done",
)  # fmt: skip
UNTOLD = "(no destination recorded)"
# Fewer digits of a digest could be another file's.
_LEAST_DIGITS = 8


class TakeDownError(ConsentError):
    """A published file cannot be ticked off."""


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
        """The reason, or each person's where they differ."""
        if len({reason for _, reason in self.people}) == 1:
            return self.people[0][1]
        return "; ".join(f"{number}: {reason}" for number, reason in self.people)

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
    visible = {(showing.file.photo_id, number_key(showing.subject_id)) for showing in everything if showing.visible}
    people: dict[int, dict[str, str]] = defaultdict(dict)
    for showing, why in wanted:
        people[showing.file.photo_id].setdefault(showing.subject_id, why)
    rows = []
    for photo_id, numbers in people.items():
        file = by_id[photo_id]
        covered = file.newest != photo_id and not any((file.newest, number_key(n)) in visible for n in numbers)
        rows.append(Listed(file, tuple(numbers.items()), by_id[file.newest] if covered else None))
    return tuple(sorted(rows, key=lambda row: (*_place(row.file), row.file.photo_id)))


def withdrawn_files(store: Store, subject_id: str, withdrawn: Collection[Purpose]) -> tuple[Listed, ...]:
    """List every published file that shows somebody for a purpose for which consent was taken back."""
    everything = showings(store, subject_id)
    wanted = [(one, "consent was withdrawn") for one in still_open(everything) if one.file.purpose in withdrawn]
    return listed(wanted, everything, published_files(store))


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
    body = [_sheet(place, theirs, on, title) for place, theirs in sheets.items()]
    empty = joined([element("h1", title), element("p", f"{on}: nothing is to be taken down.")])
    return page(title, *(body or [empty]))


def mark_taken_down(store: Store, file_ids: Iterable[str], on: date) -> tuple[PublishedFile, ...]:
    """Note that published files are not to be seen any more, in one transaction.

    Args:
        store: The school file.
        file_ids: Digests of published files, or their first digits, at least eight; with @DESTINATION where the same
            file went to several, each of which has to take it down.
        on: The day.

    Returns:
        The files that were not marked before.

    Raises:
        TakeDownError: if one names no published file, or several files or places; nothing is marked then.
        RecordError: if the school file cannot be written.
    """
    with store.atomic():
        files = published_files(store)
        marked = [file for one in file_ids for file in _meant(one, files) if file.taken_down_on is None]
        new = tuple({file.photo_id: file for file in marked}.values())
        store.insert_rows("takedowns", ("photo_id", "done_on"), [(file.photo_id, on.isoformat()) for file in new])
        if new:
            told = {"photos": [file.photo_id for file in new], "on": on.isoformat()}
            audit.append(store, audit.Kind.TAKEN_DOWN, told)
    return new


def _meant(file_id: str, files: Iterable[PublishedFile]) -> list[PublishedFile]:
    digits, at, place = file_id.strip().partition("@")
    wanted = digits.strip().lower()
    found = [file for file in files if len(wanted) >= _LEAST_DIGITS and file.output_sha256.startswith(wanted)]
    if at:
        found = [file for file in found if file.destination.casefold() == place.strip().casefold()]
    if len({file.output_sha256 for file in found}) != 1:
        what = "names more than one published file" if found else "names no published file"
        remedy = "Give the file id as the list shows it, or the published file itself."
        raise TakeDownError(f"{file_id}: {what}", remedy)
    places = sorted({file.destination for file in found if file.taken_down_on is None})
    if len(places) > 1:
        named = ", ".join(f"{digits}@{place}" for place in places)
        raise TakeDownError(f"{file_id}: was published at several places", f"Say where it is down: {named}.")
    return found


def _place(file: PublishedFile) -> tuple[str, str, str]:
    return file.destination, file.address, file.manager


def _cells(row: Listed) -> tuple[str, ...]:
    file, newer = row.file, row.replacement
    return (
        file.destination, file.address, file.manager, file.name, file.file_id, file.published_on.isoformat(),
        file.purpose or "", row.students, row.why, newer.file_id if newer else "", file.source_sha256,
        file.output_sha256, "",
    )  # fmt: skip


def _sheet(place: tuple[str, str, str], rows: Sequence[Listed], on: date, title: str) -> Markup:
    destination, address, manager = place
    told = [("Address", address), ("Manager", manager), ("List of", on.isoformat()), ("Files", len(rows))]
    return element(
        "section",
        element("h1", f"{title}: {destination or UNTOLD}"),
        facts((name, value) for name, value in told if value),
        element("p", "Please take these pictures down, tick each one, and give this sheet back."),
        table(("Done", "File", "Published", "Shows", "Why", "To do"), map(_line, rows)),
        element("p", "Done on ____________________  by ______________________________"),
        cls="page",
    )


def _line(row: Listed) -> tuple[object, ...]:
    file = row.file
    name = joined([file.name or "(name not recorded)", element("br"), element("code", file.file_id)])
    return "\N{BALLOT BOX}", name, file.published_on, row.students, row.why, row.to_do
