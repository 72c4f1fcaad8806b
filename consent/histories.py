"""What became of one photo: every publication of it, who is to be seen there on which consents, and every refusal.

A photo is known by the SHA-256 of its bytes, the original's or the published file's: a copy that somebody resized or
saved again has another, and is not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from consent.reasons import Reason
from consent.showings import PublishedFile, published_files
from consent.store import Reliance, Store

_RELIANCE = tuple(each.name for each in fields(Reliance))


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


@dataclass(frozen=True, slots=True)
class Published:
    """A publication of a photo with who is to be seen on it.

    Attributes:
        file: Which file, where, and what for.
        recorded_at: When, UTC, ISO 8601.
        policy: The procedure under which it was decided, with its version.
        shown: Who, from left to right.
        covered: How many faces were covered.
        no_faces: How many places stayed visible because a person found no face there.
        overrides: How often a person said what: "cover", "nobody" or "person".
    """

    file: PublishedFile
    recorded_at: str
    policy: str
    shown: tuple[Shown, ...]
    covered: int
    no_faces: int = 0
    overrides: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusedOnce:
    """A run that did not publish a photo.

    Attributes:
        run_id: Which run.
        recorded_at: When, UTC, ISO 8601.
        refusal: Why, as a kind.
    """

    run_id: int
    recorded_at: str
    refusal: str


@dataclass(frozen=True, slots=True)
class History:
    """Everything that is recorded of a photo.

    Attributes:
        sha256: The digest that was asked about.
        published: Every publication, oldest first.
        refused: Every run that refused it, oldest first.
    """

    sha256: str
    published: tuple[Published, ...]
    refused: tuple[RefusedOnce, ...]

    @property
    def known(self) -> bool:
        """Whether anything is recorded."""
        return bool(self.published or self.refused)


def history_of(store: Store, sha256: str) -> History:
    """Give what is recorded of a photo.

    Args:
        store: The school file.
        sha256: Digest of the original or of a published file, hexadecimal.

    Returns:
        Every publication of that original; of a published file also what its original became before and after.
    """
    asked, files = sha256.lower(), published_files(store)
    originals = {asked} | {file.source_sha256 for file in files if file.output_sha256 == asked and file.source_sha256}
    made = (file for file in files if file.source_sha256 in originals or file.output_sha256 == asked)
    refused = {refusal for original in originals for refusal in _refused(store, original)}
    in_order = sorted(refused, key=lambda refusal: (refusal.run_id, refusal.recorded_at))
    return History(asked, tuple(_published(store, file) for file in made), tuple(in_order))


def shown_on(store: Store, photo_id: int) -> tuple[Shown, ...]:
    """Give who is to be seen on a published photo, from left to right."""
    faces: Any = store.query(
        "SELECT id, subject_id, clause FROM faces WHERE photo_id = ? AND verdict = 'keep' AND reason <> ?"
        " ORDER BY x1, id",
        (photo_id, Reason.NOBODY_THERE.value),
    )
    return tuple(Shown(subject_id, clause, _relied(store, face)) for face, subject_id, clause in faces)


def _published(store: Store, file: PublishedFile) -> Published:
    rows: Any = store.query(
        "SELECT recorded_at, policy, policy_version, (SELECT count(*) FROM faces WHERE photo_id = photos.id"
        " AND verdict = 'cover'), (SELECT count(*) FROM faces WHERE photo_id = photos.id AND reason = ?)"
        " FROM photos JOIN runs ON runs.id = run_id WHERE photos.id = ?",
        (Reason.NOBODY_THERE.value, file.photo_id),
    )
    ((at, policy, version, covered, no_faces),) = rows
    said: Any = store.query(
        "SELECT kind, count(*) FROM overrides WHERE photo_id = ? GROUP BY kind ORDER BY kind", (file.photo_id,)
    )
    told = f"{policy}, version {version}"
    return Published(file, at, told, shown_on(store, file.photo_id), covered, no_faces, dict(said))


def _relied(store: Store, face_id: int) -> tuple[Reliance, ...]:
    told = ", ".join(_RELIANCE)
    rows: Any = store.query(f"SELECT {told} FROM reliances WHERE face_id = ? ORDER BY source_row, rowid", (face_id,))
    return tuple(Reliance(*row) for row in rows)


def _refused(store: Store, source_sha256: str) -> list[RefusedOnce]:
    rows: Any = store.query(
        "SELECT run_id, recorded_at, refusal FROM photos WHERE status = 'refused' AND source_sha256 = ?",
        (source_sha256,),
    )
    return [RefusedOnce(*row) for row in rows]
