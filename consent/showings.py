"""Read from the record who is to be seen on which published file, where it went, and what took its place since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from consent.model import Purpose
from consent.numbers import NumberIndex, number_key
from consent.store import Reliance, Store

# So many digits of a file's digest tell it from any other that a school has published.
_SHORT = 12


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file that was published.

    Attributes:
        photo_id: Its number in the record.
        run_id: The run that published it.
        name: Its place below the output folder, with slashes; empty where an old record does not tell.
        source_sha256: Digest of the original.
        output_sha256: Digest of the published file.
        container: Its format, such as jpeg.
        published_on: The day, in UTC.
        purpose: What for; None where everybody was covered.
        destination: Name of the registered destination; empty where none was told.
        address: Its address or account.
        manager: Who manages it.
        policy: The procedure under which it was published.
        newest: Number of the newest version of this file; its own where there is no newer one.
        taken_down_on: The day on which somebody said that it is not to be seen any more; None where nobody did.
    """

    photo_id: int
    run_id: int
    name: str
    source_sha256: str
    output_sha256: str
    container: str
    published_on: date
    purpose: Purpose | None
    destination: str
    address: str
    manager: str
    policy: str
    newest: int
    taken_down_on: date | None

    @property
    def file_id(self) -> str:
        """Enough of the file's digest to name it by."""
        return self.output_sha256[:_SHORT]


@dataclass(frozen=True, slots=True)
class Showing:
    """One known person on one published file.

    Attributes:
        file: The file.
        subject_id: Who.
        visible: Whether the person is to be seen; else a cover is over them.
        reason: Why, as the record has it; see `consent.reasons.Reason`.
        box: The face in the whole upright original, (x1, y1, x2, y2) in pixels.
        score: What the detector gave it, 0 to 1.
        relied: The consents that a visible face stood on.
    """

    file: PublishedFile
    subject_id: str
    visible: bool
    reason: str
    box: tuple[float, float, float, float]
    score: float
    relied: tuple[Reliance, ...]


def showings(store: Store, subject_id: str | None = None) -> tuple[Showing, ...]:
    """List who is on which published file, oldest file first.

    Args:
        store: The school file.
        subject_id: Only this person, however the number was written then; None for everybody who was recognised.
    """
    if subject_id is not None:
        numbers = writings_of(store, subject_id)
        return tuple(showing for showing in showings(store) if showing.subject_id in numbers)
    files = {file.photo_id: file for file in published_files(store)}
    relied = _reliances(store)
    rows: Any = store.query(
        "SELECT faces.id, photo_id, subject_id, verdict, reason, x1, y1, x2, y2, detection_score FROM faces"
        " WHERE subject_id IS NOT NULL ORDER BY photo_id, faces.id"
    )
    return tuple(
        Showing(files[photo], who, verdict == "keep", reason, (x1, y1, x2, y2), score, relied.get(face, ()))
        for face, photo, who, verdict, reason, x1, y1, x2, y2, score in rows
        if photo in files
    )


def writings_of(store: Store, subject_id: str) -> frozenset[str]:
    """Give every number under which the record may know somebody: 020411, and 20411 where a roster had lost the zero.

    Where the imported roster has several people whose numbers differ in zeros in front alone, each is another one.
    """
    roster = NumberIndex(str(number) for (number,) in store.query("SELECT subject_id FROM subjects"))

    def whose(number: str) -> tuple[bool, str]:
        found = roster.find(number)
        return (True, found.number) if found else (False, number_key(number))

    told = ("faces", "withdrawals", "aliases", "overrides", "review_marks")
    tables = " UNION ".join(f"SELECT subject_id FROM {table}" for table in told)
    written = {str(number) for (number,) in store.query(tables) if number is not None}
    meant = whose(subject_id)
    own = {meant[1]} if meant[0] else set()
    return frozenset({subject_id} | own | {number for number in written if whose(number) == meant})


def published_files(store: Store) -> tuple[PublishedFile, ...]:
    """List every published file, oldest first."""
    rows: Any = store.query(
        "SELECT photos.id, run_id, coalesce(photos.published_name, renamed.published_name, ''),"
        " coalesce(source_sha256, ''), output_sha256, coalesce(format, ''), substr(recorded_at, 1, 10), runs.purpose,"
        " runs.destination, coalesce(address, ''), coalesce(manager, ''), runs.policy, takedowns.done_on,"
        " replaces"
        " FROM photos JOIN runs ON runs.id = run_id LEFT JOIN renamed ON renamed.photo_id = photos.id"
        " LEFT JOIN destinations ON destinations.name = runs.destination"
        " LEFT JOIN takedowns ON takedowns.photo_id = photos.id WHERE status = 'published' ORDER BY photos.id"
    )
    files, replaced = [], dict[int, int]()
    for photo_id, run_id, name, source, output, container, day, purpose, *place, policy, done, earlier in rows:
        facts = photo_id, run_id, name, source, output, container, date.fromisoformat(day)
        what_for = Purpose(purpose) if purpose else None
        gone = date.fromisoformat(done) if done else None
        destination, address, manager = place
        files.append(PublishedFile(*facts, what_for, destination, address, manager, policy, photo_id, gone))
        if earlier is not None:
            replaced[photo_id] = earlier
    newest = _newest(files, replaced)
    return tuple(replace(file, newest=newest[file.photo_id]) for file in files)


def _newest(files: Iterable[PublishedFile], replaced: Mapping[int, int]) -> dict[int, int]:
    """Give for each file its newest version: told to replace it, or of one original for one place under one name."""
    line_of: dict[int, list[int]] = {}
    lines: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for file in files:
        place = (file.source_sha256, file.name, file.destination, file.purpose or "")
        line = line_of.get(replaced.get(file.photo_id, -1)) or lines[place]
        line.append(file.photo_id)
        line_of[file.photo_id] = line
    return {photo_id: line[-1] for photo_id, line in line_of.items()}


def _reliances(store: Store) -> dict[int, tuple[Reliance, ...]]:
    found: dict[int, tuple[Reliance, ...]] = defaultdict(tuple)
    rows: Any = store.query(
        "SELECT face_id, form_id, source_sha256, source_row, signed_on, valid_until FROM reliances ORDER BY rowid"
    )
    for face_id, *told in rows:
        found[face_id] += (Reliance(*told),)
    return found


def still_open(everything: Iterable[Showing]) -> Iterator[Showing]:
    """Give who is visible on a file that nobody has said to be taken down."""
    return (showing for showing in everything if showing.visible and showing.file.taken_down_on is None)
