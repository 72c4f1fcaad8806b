"""The record of what was decided, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from consent.errors import RecordError
from consent.migrating import keep_a_log, known_version, migrate
from consent.procedures import STRICT
from consent.schema import MIGRATIONS

_BUSY_S = 30.0
# How a transaction, and a part of one, is begun, kept and undone.
_TRANSACTION = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_PART = ("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part"))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The settings under which photos were decided."""

    imgguard_version: str
    purpose: str | None
    recognition: bool
    style: str
    roster_sha256: str | None
    gallery_size: int
    threshold: float | None
    models: Mapping[str, str]
    operator: str = ""
    policy: str = STRICT.name
    policy_version: str = STRICT.version
    destination: str = ""
    sign_offs: tuple[str, ...] = ()
    attested: bool = False
    declared: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reliance:
    """A consent that a visible face stands on, as it was when the photo was published."""

    form_id: str
    source_sha256: str
    source_row: int
    signed_on: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One face: where it was, who it was found to be (a number, or None), and what was decided."""

    x1: float
    y1: float
    x2: float
    y2: float
    detection_score: float
    outcome: str
    match_score: float | None
    verdict: str
    reason: str
    subject_id: str | None
    clause: str = ""
    relied: tuple[Reliance, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """What a person said of one place of a photo and was done: "cover", "nobody" or "person", and then who it is."""

    kind: str
    x1: float
    y1: float
    x2: float
    y2: float
    subject_id: str | None
    operator: str
    marked_at: str


@dataclass(frozen=True, slots=True)
class NewName:
    """A photo's place below the input and its neutral one below the output, both as text with slashes."""

    source_name: str
    published_name: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """A photo that was published under a neutral name, with the digests of both files and of their places."""

    source_sha256: str
    output_sha256: str
    source_name: str
    published_name: str
    source_place: str | None = None
    target_place: str | None = None


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """One photo of a run; `refusal` is the error's kind, never its text (which names files).

    `published_name` is its place below the output folder, with slashes; `replaces` the earlier publication that it
    takes the place of. `decided_by` stands for everything that decided how it came out; None where a person had a hand
    in it. `source_place` and `target_place` are digests of where it was read and written.
    """

    status: str
    refusal: str | None
    source_sha256: str | None
    output_sha256: str | None
    format: str | None
    rounds: int
    faces: tuple[FaceRecord, ...]
    new_name: NewName | None = None
    published_name: str | None = None
    replaces: int | None = None
    overrides: tuple[Override, ...] = ()
    decided_by: str | None = None
    source_place: str | None = None
    target_place: str | None = None


_PLAIN = tuple(f.name for f in fields(RunRecord) if f.name not in {"models", "sign_offs", "declared", "settings"})
_PHOTO = tuple(f.name for f in fields(PhotoRecord) if f.name not in {"faces", "new_name", "overrides"})
_FACE = tuple(f.name for f in fields(FaceRecord) if f.name != "relied")


class Store:
    """An open school file. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Open the record, making it or bringing it to the newest schema.

        Raises:
            RecordError: if the file cannot be opened, is not a record, or was made by a newer version.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Student numbers with decisions are nobody's business but the operator's.
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path, error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise _unusable(path, error) from error
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        """Give the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Make everything inside one transaction: all of it is kept, or nothing. One inside another is part of it.

        Raises:
            RecordError: if the record cannot be written.
        """
        begin, keep, undo = _TRANSACTION if not self._db.in_transaction else _PART
        try:
            self._db.execute(begin)
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error
        try:
            yield
            self._db.execute(keep)
        except BaseException as error:
            # SQLite has rolled back by itself where the disk is full.
            for statement in undo if self._db.in_transaction else ():
                self._db.execute(statement)
            if isinstance(error, sqlite3.Error):
                raise _unusable(self.path, error) from error
            raise

    def compact(self) -> bool:
        """Write the file anew without what was deleted, and empty the write-ahead log.

        Returns:
            Whether nothing deleted is left in them: another process that is reading keeps the log as it is.

        Raises:
            RecordError: if the file cannot be written.
        """
        try:
            self._db.execute("VACUUM")
            (busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error
        return not busy

    def add_run(self, run: RunRecord) -> int:
        """Add a run, inside `atomic()`, and give its id."""
        row = {
            **{name: getattr(run, name) for name in _PLAIN},
            **{name: _json(getattr(run, name)) for name in ("models", "sign_offs", "declared", "settings")},
        }
        return self.insert_row("runs", {"started_at": now(), **row})

    def finish_run(self, run_id: int) -> None:
        """Note that a run came to its end, inside `atomic()`."""
        self.change("UPDATE runs SET finished_at = ? WHERE id = ?", (now(), run_id))

    def add_photo(self, run_id: int, photo: PhotoRecord) -> int:
        """Add a photo with its faces; call it inside `atomic()`, together with what it tells of."""
        told = {name: getattr(photo, name) for name in _PHOTO}
        photo_id = self.insert_row("photos", {"run_id": run_id, "recorded_at": now(), **told})
        for face in photo.faces:
            facts = {name: getattr(face, name) for name in _FACE}
            face_id = self.insert_row("faces", {"photo_id": photo_id, **facts})
            for reliance in face.relied:
                self.insert_row("reliances", {"face_id": face_id, **asdict(reliance)})
        for override in photo.overrides:
            self.insert_row("overrides", {"photo_id": photo_id, **asdict(override)})
        if photo.new_name is not None:
            self.insert_row("renamed", {"photo_id": photo_id, **asdict(photo.new_name)})
        return photo_id

    def query(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """Read rows.

        Raises:
            RecordError: if the file is damaged, or cannot be read.
        """
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def change(self, sql: str, values: tuple[object, ...] = ()) -> int:
        """Change or delete rows, inside `atomic()`; give how many."""
        return self._db.execute(sql, values).rowcount

    def change_many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Change or add many rows in one way, inside `atomic()`."""
        self._db.executemany(sql, rows)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
        """Add many rows of one shape, inside `atomic()`."""
        self._db.executemany(_insertion(table, columns), rows)

    def insert_row(self, table: str, row: Mapping[str, object]) -> int:
        """Add one row, inside `atomic()`, and give its id."""
        row_id = self._db.execute(_insertion(table, tuple(row)), tuple(row.values())).lastrowid
        assert row_id is not None
        return row_id

    def _prepare(self) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        # What is published is recorded for good: also where the power fails a moment later.
        self._db.execute("PRAGMA synchronous = FULL")
        # What is deleted is overwritten, so that it cannot be read from the free pages.
        self._db.execute("PRAGMA secure_delete = ON")
        # VACUUM would copy everything into the folder for temporary files, where nothing is overwritten.
        self._db.execute("PRAGMA temp_store = MEMORY")
        # Before anything is changed: another program's file stays as it is.
        version = known_version(self._db, self.path)
        keep_a_log(self._db, _BUSY_S)
        # Told without a lock: whoever only reads does not wait for a writer.
        if version < len(MIGRATIONS):
            with self.atomic():
                migrate(self._db, self.path)


def read_renamed(path: Path) -> tuple[Renamed, ...]:
    """List the photos that were published under neutral names, newest first; changes nothing.

    Gives nothing where there is no record, an older one without such names, or none that can be read: whoever then
    needs the record to write to it is told.
    """
    rows = _read(
        path,
        "SELECT source_sha256, output_sha256, source_name, renamed.published_name, source_place,"
        " target_place FROM renamed"
        " JOIN photos ON photos.id = photo_id WHERE output_sha256 IS NOT NULL AND source_sha256 IS NOT NULL"
        " ORDER BY photo_id DESC",
    )
    return tuple(Renamed(*row) for row in rows)


def read_published(path: Path) -> Mapping[str, frozenset[str]]:
    """Give the digests of the photos from which each published file was made, by the file's; changes nothing.

    Among them are the digests of the photos' places, by which one that was changed since is known.

    Gives nothing where there is no record, or none that can be read; see `read_renamed`.
    """
    found: dict[str, frozenset[str]] = {}
    rows = _read(
        path,
        "SELECT DISTINCT output_sha256, source_sha256, source_place FROM photos WHERE status = 'published'"
        " AND output_sha256 IS NOT NULL AND source_sha256 IS NOT NULL",
    )
    for output, *makers in rows:
        found[output] = found.get(output, frozenset()).union(filter(None, makers))
    return found


def last_entry(path: Path) -> int:
    """Give the number of the audit trail's last entry; 0 where there is none. Changes nothing."""
    rows: list[tuple[Any, ...]] = _read(path, "SELECT ifnull(max(seq), 0) FROM audit")
    return int(rows[0][0]) if rows else 0


def last_change(path: Path) -> int:
    """Give the number of the audit trail's last entry that is not of a run: what people, forms and keys rest on.

    Changes nothing; 0 where there is none, or none that can be read.
    """
    own = "'run_begun', 'run_finished', 'published', 'refused'"
    rows: list[tuple[Any, ...]] = _read(path, f"SELECT ifnull(max(seq), 0) FROM audit WHERE kind NOT IN ({own})")
    return int(rows[0][0]) if rows else 0


def _read(path: Path, sql: str) -> list[tuple[str, ...]]:
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as db:
            return db.execute(sql).fetchall()
    except sqlite3.Error:
        return []


def _unusable(path: Path, error: Exception) -> RecordError:
    return RecordError(
        f"{path}: the record cannot be used ({error})",
        "Check the folder's permissions and free space, or name another file for the record.",
    )


def _insertion(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _json(value: object) -> str:
    return json.dumps(dict(value) if isinstance(value, Mapping) else value, sort_keys=True, ensure_ascii=False)


def now() -> str:
    """Give the time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
