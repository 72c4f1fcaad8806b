"""Copy a school file while others write to it, and put a copy back without losing what only ever protects somebody.

Withdrawals that were made since the backup hold in what is restored, and whoever was forgotten since is forgotten
again; templates that nobody may use since then do not come back, destinations that were closed stay closed, and a
procedure that was chosen holds. Where a newer roster was imported since, the answers of the older one are left out, so
that everybody is covered until it is imported again: a backup must not show anybody who has said no, nor bring anybody
back.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from consent import audit
from consent.aliases import give_aliases
from consent.errors import RecordError
from consent.forgetting import forget
from consent.schema import APPLICATION_ID, MIGRATIONS
from consent.store import Store
from consent.templates import drop_disallowed

_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made.

    Attributes:
        path: The copy.
        sha256: Its digest, hexadecimal.
        size: Its size in bytes.
    """

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Carried:
    """What was said since a backup was made, and holds in what is restored.

    Attributes:
        withdrawals: Withdrawals that hold again.
        forgotten: People who were forgotten since and are again.
        outdated: Whether a newer roster was imported since, so that the answers of the older one were left out.
        published: Published files that only the replaced file knows of.
    """

    withdrawals: int = 0
    forgotten: int = 0
    outdated: bool = False
    published: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """What putting a backup back came to.

    Attributes:
        path: The school file.
        kept: The file that was replaced; None where there was none.
        carried: What the replaced file told; None where there was none, or it could not be read.
    """

    path: Path
    kept: Path | None
    carried: Carried | None


def back_up(store: Store, target: Path) -> Backup:
    """Copy the school file as it is at one moment, whoever writes to it meanwhile; the copy is the user's alone.

    Raises:
        RecordError: if there is a file already, or the copy cannot be written; nothing is left then.
    """
    with store.atomic():
        give_aliases(store)
    with _beside(target) as part:
        _copy(store.path, part, alone=True)
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        size = part.stat().st_size
        _publish(part, target)
    with store.atomic():
        audit.append(store, audit.Kind.BACKED_UP, {"sha256": digest, "bytes": size})
    return Backup(target, digest, size)


def restore(backup: Path, path: Path) -> Restored:
    """Put a backup in the place of a school file, which is kept beside it.

    The backup is copied and checked before anything is touched, and takes the place in one transaction.

    Raises:
        RecordError: if the backup is missing, damaged, something else, of another school or made by a newer version,
            or nothing can be written; the school file is as it was then.
    """
    if backup.resolve() == path.resolve():
        raise RecordError(f"{backup}: is the school file itself", "Give the file that `imgguard backup` wrote.")
    with _beside(path) as part:
        _check(backup)
        _copy(backup, part, alone=True)
        digest = _check_copy(backup, part)
        mine, theirs = _school_id(path), _school_id(part)
        if mine and theirs and mine != theirs:
            raise RecordError(
                f"{backup}: is of another school than {path}",
                "Give a backup of this school, or name another file with --school.",
            )
        kept, readable = _keep(path)
        carried = _carry(kept, part) if kept and readable else None
        _note(part, digest, carried)
        if readable:
            _copy(part, path)
        else:
            _publish(part, path)
    return Restored(path, kept, carried)


def _school_id(path: Path) -> str | None:
    """Whose file it is; None for nobody's, and where that cannot be read."""
    with contextlib.suppress(sqlite3.Error), closing(_read_only(path)) as db:
        row = db.execute("SELECT school_id FROM school").fetchone()
        return str(row[0]) if row else None
    return None


def _note(part: Path, digest: str, carried: Carried | None) -> None:
    with Store(part) as store:
        with store.atomic():
            told = {"backup": digest, **(asdict(carried) if carried else {})}
            audit.append(store, audit.Kind.RESTORED, told)
        store.compact()


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give the name of an empty file beside a target, for the user alone; it is gone afterwards."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.touch(mode=0o600, exist_ok=False)
        yield part
    except OSError as error:
        raise RecordError(
            f"{target}: cannot be written ({error.strerror})", "Check the folder's permissions and free space."
        ) from error
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            # Nothing is there, or nothing can be done about it.
            with contextlib.suppress(OSError):
                part.with_name(part.name + end).unlink()


def _copy(source: Path, target: Path, *, alone: bool = False) -> None:
    """Copy a database by SQLite's own backup: consistent, and one transaction of the target.

    Args:
        source: The database.
        target: Where it goes; a database that is there is overwritten.
        alone: Leave one file, without a log beside it, that can be carried away.
    """
    try:
        with closing(_read_only(source)) as one, closing(sqlite3.connect(target, timeout=30)) as other:
            one.backup(other)
            if alone:
                other.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise RecordError(f"{target}: cannot be written ({error})", "Check the disk's free space.") from error


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)


def _publish(part: Path, target: Path) -> None:
    """Give the finished file its name; a file that has the name already stays."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise RecordError(f"{target}: there is a file already", "Choose another name, or delete it.") from None
    except OSError:
        # Some file systems have no links; only then a race could be lost.
        if target.exists():
            raise RecordError(f"{target}: there is a file already", "Choose another name, or delete it.") from None
        part.rename(target)


def _check(backup: Path) -> None:
    """Look at a backup as it is, before it is opened for writing anywhere."""
    remedy = "Give a file that `imgguard backup` wrote."
    if not backup.is_file():
        raise RecordError(f"{backup}: there is no such backup", remedy)
    try:
        with closing(_read_only(backup)) as db:
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (state,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            orphan = db.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise RecordError(f"{backup}: is damaged, or no backup ({error})", remedy) from error
    if application != APPLICATION_ID:
        raise RecordError(f"{backup}: not a school file of imgguard", remedy)
    if version > len(MIGRATIONS):
        what = f"{backup}: made by a newer imgguard (schema {version}, this one knows {len(MIGRATIONS)})"
        raise RecordError(what, "Update imgguard, and restore it then.")
    if state != "ok" or orphan:
        raise RecordError(f"{backup}: is damaged ({state})", "Take an earlier backup.")


def _check_copy(backup: Path, part: Path) -> str:
    """Bring the copy to the newest schema and check its audit trail; give the digest of the backup."""
    with Store(part) as store:
        before = audit.GENESIS
        for place, entry in enumerate(audit.entries(store), 1):
            if (entry.seq, entry.prev, entry.digest) != (place, before, entry.computed()):
                what = f"{backup}: its audit trail was changed at entry {place}"
                raise RecordError(what, "Take another backup, and ask who changed this one.")
            before = entry.digest
    with backup.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _keep(path: Path) -> tuple[Path | None, bool]:
    """Keep the present school file beside itself; tell whether it can be read.

    One that can be read is copied, so that others may have it open; a damaged one is moved away, with its log.
    """
    if not path.exists():
        return None, False
    kept = path.with_name(f"{path.name}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}")
    try:
        Store(path).close()
        kept.touch(mode=0o600, exist_ok=False)
        _copy(path, kept, alone=True)
    except RecordError:
        kept.unlink(missing_ok=True)
        for end in ("-wal", "-shm", "-journal", ""):
            own = path.with_name(path.name + end)
            if own.exists():
                own.rename(kept.with_name(kept.name + end))
        return kept, False
    return kept, True


def _carry(replaced: Path, part: Path) -> Carried:
    """Bring into a copy what has been said since it was made, and can only cover somebody."""
    with Store(replaced) as old, Store(part) as new:
        withdrawals = _withdrawals(old, new)
        gone: Any = old.query(
            "SELECT json_extract(body, '$.person') FROM audit WHERE kind = ?", (audit.Kind.FORGOTTEN.value,)
        )
        ids = [
            row for (alias,) in gone for row in new.query("SELECT subject_id FROM aliases WHERE alias = ?", (alias,))
        ]
        for (subject_id,) in ids:
            forget(new, str(subject_id))
        outdated = not _newest_roster(old) <= _rosters(new)
        with new.atomic():
            # A backup brings back what the withdrawals since have deleted.
            drop_disallowed(new)
            _close_closed(old, new)
            _keep_policy(old, new)
            if outdated:
                new.change("DELETE FROM consents")
        sql = "SELECT DISTINCT output_sha256 FROM photos WHERE status = 'published'"
        published = set(old.query(sql)) - set(new.query(sql))
    return Carried(withdrawals, len(ids), outdated, len(published))


def _rosters(store: Store) -> set[tuple[object, ...]]:
    return set(store.query("SELECT id, imported_at, sha256 FROM rosters"))


def _newest_roster(store: Store) -> set[tuple[object, ...]]:
    """Give the newest import, which has more than its number: after a restore the numbers are given out again."""
    return set(store.query("SELECT id, imported_at, sha256 FROM rosters ORDER BY id DESC LIMIT 1"))


def _close_closed(old: Store, new: Store) -> None:
    closed = old.query("SELECT closed_on, name FROM destinations WHERE closed_on IS NOT NULL")
    new.change_many("UPDATE destinations SET closed_on = ? WHERE name = ? AND closed_on IS NULL", closed)


def _keep_policy(old: Store, new: Store) -> None:
    """Let a procedure that was chosen since hold: the one before may allow more."""
    sql, kind = "SELECT digest FROM audit WHERE kind = ? ORDER BY seq DESC", (audit.Kind.POLICY_SET.value,)
    if not set(old.query(sql, kind)[:1]) - set(new.query(sql, kind)):
        return
    for (policy,) in old.query("SELECT policy FROM school"):
        new.change("UPDATE school SET policy = ?", (policy,))
    new.change("DELETE FROM policy_options")
    switched = old.query("SELECT rule_id, switched_on FROM policy_options")
    new.insert_rows("policy_options", ("rule_id", "switched_on"), switched)


def _withdrawals(old: Store, new: Store) -> int:
    """Copy the withdrawals that hold in one file and not in the other; one that was lifted is not made anew."""
    columns = ("subject_id", "purpose", "withdrawn_on", "because")
    sql = f"SELECT {', '.join(columns)} FROM withdrawals WHERE lifted_on IS NULL"
    there = set(new.query(sql))
    missing = [row for row in old.query(sql) if row not in there]
    with new.atomic():
        new.insert_rows("withdrawals", columns, missing)
    return len(missing)
