"""Bring a school file to the newest schema, also where several processes open it at the same moment."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from consent.errors import RecordError
from consent.schema import APPLICATION_ID, MIGRATIONS

_PAUSE_S = 0.02


def known_version(db: sqlite3.Connection, path: Path) -> int:
    """Give the version of the schema, 0 for an empty file.

    Raises:
        RecordError: if it is another program's file, or was made by a newer version.
    """
    # One statement sees one state: between two, another process may have made the file.
    application, version, tables = db.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise RecordError(f"{path}: not a record of imgguard", "Name another file for the record.")
    if version > len(MIGRATIONS):
        raise RecordError(
            f"{path}: made by a newer imgguard (schema {version}, this one knows {len(MIGRATIONS)})",
            "Update imgguard, or name another file for the record.",
        )
    assert isinstance(version, int)
    return version


def keep_a_log(db: sqlite3.Connection, patience_s: float) -> None:
    """Have changes written to a log first (WAL), so that readers and a writer do not wait for each other.

    SQLite does not wait by itself where another process changes the same at the same moment.

    Raises:
        sqlite3.Error: if it cannot be, within so many seconds.
    """
    until = time.monotonic() + patience_s
    while db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring it to the newest version, inside a transaction; another process may have done that meanwhile."""
    for migration in MIGRATIONS[known_version(db, path) :]:
        for statement in _statements(migration):
            db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements; a trigger has semicolons inside."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
