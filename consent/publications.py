"""Every photo that was published: which file, when, where, what for, who is to be seen on it, and what took its place.

A person is on a published photo where a face was kept as theirs; a face that was covered is nobody's. Photos are known
by the SHA-256 of their bytes, the original's or the published file's: a copy that somebody resized or saved again has
another, and is not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from consent.model import Purpose
from consent.store import Reliance, Store


@dataclass(frozen=True, slots=True)
class Publication:
    """One published file.

    Attributes:
        photo_id: Its row in the school file.
        run_id: The run that published it.
        recorded_at: When, UTC, ISO 8601.
        source_sha256: Digest of the original, hexadecimal.
        output_sha256: Digest of the published file, hexadecimal.
        published_name: Its place below the output folder, with slashes; empty where an old record does not tell.
        purpose: What for; None where everybody was covered and no purpose was asked for.
        destination: Where it went; empty where no destination was named.
        policy: The procedure under which it was decided.
        replaced_by: The newer publication that took its place; None where none did.
    """

    photo_id: int
    run_id: int
    recorded_at: str
    source_sha256: str
    output_sha256: str
    published_name: str
    purpose: Purpose | None
    destination: str
    policy: str
    replaced_by: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A person who is to be seen on a published photo.

    Attributes:
        subject_id: Who; None where the person was forgotten since.
        clause: The clause of the policy behind it; empty where it names none.
        relied: The consents that it stands on, as they were when the photo was published.
    """

    subject_id: str | None
    clause: str
    relied: tuple[Reliance, ...]


# For each photo its `newer.id`: what took its place last.
NEWER = """
    LEFT JOIN (
        SELECT replaces AS old, max(id) AS id FROM photos WHERE replaces IS NOT NULL AND status = 'published'
        GROUP BY replaces
    ) AS newer ON newer.old = photos.id
"""
_PUBLISHED = f"""
    SELECT photos.id, photos.run_id, photos.recorded_at, COALESCE(photos.source_sha256, ''), photos.output_sha256,
        COALESCE(photos.published_name, renamed.published_name, ''), runs.purpose, runs.destination, runs.policy,
        newer.id
    FROM photos
    JOIN runs ON runs.id = photos.run_id
    LEFT JOIN renamed ON renamed.photo_id = photos.id
    {NEWER}
    WHERE photos.status = 'published' AND
"""
_SHOWING = "EXISTS (SELECT 1 FROM faces WHERE photo_id = photos.id AND verdict = 'keep' AND subject_id = ?)"
_RELIANCE = tuple(field.name for field in fields(Reliance))


def published_of(store: Store, subject_id: str) -> tuple[Publication, ...]:
    """Give every published photo on which a person is to be seen, oldest first, replaced ones included."""
    return _find(store, _SHOWING, (subject_id,))


def publications_of_photo(store: Store, sha256: str) -> tuple[Publication, ...]:
    """Give every publication of a photo, oldest first.

    Args:
        store: The school file.
        sha256: Digest of the original or of the published file, hexadecimal.

    Returns:
        The publications of that original, or those that made that file; where it is a published file, also what its
        original became before and after.
    """
    same = "photos.source_sha256 IN (SELECT source_sha256 FROM photos WHERE status = 'published' AND output_sha256 = ?)"
    asked = sha256.lower()
    return _find(store, f"(photos.source_sha256 = ? OR photos.output_sha256 = ? OR {same})", (asked, asked, asked))


def publications_of_run(store: Store, run_id: int) -> tuple[Publication, ...]:
    """Give what one run published, oldest first."""
    return _find(store, "photos.run_id = ?", (run_id,))


def latest(store: Store) -> tuple[Publication, ...]:
    """Give every publication that nothing newer took the place of, oldest first."""
    return _find(store, "newer.id IS NULL", ())


def shown_on(store: Store, photo_id: int) -> tuple[Shown, ...]:
    """Give who is to be seen on a published photo, from left to right."""
    faces: Any = store.query(
        "SELECT id, subject_id, clause FROM faces WHERE photo_id = ? AND verdict = 'keep' ORDER BY x1, id", (photo_id,)
    )
    return tuple(Shown(subject_id, clause, _relied(store, face)) for face, subject_id, clause in faces)


def times_published(
    store: Store, purpose: Purpose | None = None, *, since: date | None = None, until: date | None = None
) -> Mapping[str, int]:
    """Count on how many photos each person was published; several versions of one original are one photo.

    Args:
        store: The school file.
        purpose: For which purpose; None for any.
        since: The first day (UTC) that counts; None for ever.
        until: The last day (UTC) that counts; None for ever.

    Returns:
        The count by student number; who was never published is not in it.
    """
    rows: Any = store.query(
        "SELECT faces.subject_id, count(DISTINCT COALESCE(photos.source_sha256, photos.id)) FROM faces"
        " JOIN photos ON photos.id = faces.photo_id JOIN runs ON runs.id = photos.run_id"
        " WHERE photos.status = 'published' AND faces.verdict = 'keep' AND faces.subject_id IS NOT NULL"
        " AND (?1 IS NULL OR runs.purpose = ?1)"
        " AND (?2 IS NULL OR substr(photos.recorded_at, 1, 10) >= ?2)"
        " AND (?3 IS NULL OR substr(photos.recorded_at, 1, 10) <= ?3)"
        " GROUP BY faces.subject_id",
        (purpose.value if purpose else None, _text(since), _text(until)),
    )
    return dict(rows)


def _find(store: Store, which: str, values: tuple[object, ...]) -> tuple[Publication, ...]:
    rows: Any = store.query(f"{_PUBLISHED} {which} ORDER BY photos.id", values)
    return tuple(_publication(*row) for row in rows)


def _publication(
    photo_id: int, run_id: int, recorded_at: str, source_sha256: str, output_sha256: str, published_name: str,
    purpose: str | None, destination: str, policy: str, replaced_by: int | None,
) -> Publication:  # fmt: skip
    return Publication(
        photo_id, run_id, recorded_at, source_sha256, output_sha256, published_name,
        Purpose(purpose) if purpose else None, destination, policy, replaced_by,
    )  # fmt: skip


def _relied(store: Store, face_id: int) -> tuple[Reliance, ...]:
    told = ", ".join(_RELIANCE)
    rows: Any = store.query(f"SELECT {told} FROM reliances WHERE face_id = ? ORDER BY source_row, rowid", (face_id,))
    return tuple(Reliance(*row) for row in rows)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
