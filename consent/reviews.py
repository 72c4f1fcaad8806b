"""A folder that is looked through before it is published: what was said of its photos, and who released it.

Photos are known by their digests alone. What is said in one go is one step, so that it can be undone in one. Whatever
is said after somebody released voids the release: nobody agrees to what they have not seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from consent.errors import RecordError
from consent.store import Store, now

_LONGEST_ID = 18


class State(StrEnum):
    """How far a review has come."""

    OPEN = "open"
    PAUSED = "paused"
    STOPPED = "stopped"
    RELEASING = "releasing"
    RELEASED = "released"
    DROPPED = "dropped"


class Kind(StrEnum):
    """What can be said: of a place in a photo, or of the photo; BACK takes back what was said of a place."""

    COVER = "cover"
    NOBODY = "nobody"
    PERSON = "person"
    BACK = "back"
    CONFIRMED = "confirmed"
    LEFT_OUT = "left_out"
    OPEN = "open"


VERDICTS = frozenset({Kind.CONFIRMED, Kind.LEFT_OUT, Kind.OPEN})


@dataclass(frozen=True, slots=True)
class Review:
    """One folder that is looked through.

    Attributes:
        id: Its number.
        begun_at: When it was begun, UTC, ISO 8601.
        folder: The folder on this computer.
        told: What was chosen for it, as the page keeps it.
        operator: Who began it.
        state: How far it has come.
        out: Where it is published; empty until it is released, or where it is downloaded.
        again_of: The earlier run that is looked through again; None for none.
        run_id: The run that publishes it; None until then.
    """

    id: int
    begun_at: str
    folder: str
    told: Mapping[str, Any]
    operator: str
    state: State
    out: str
    again_of: int | None
    run_id: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said.

    Attributes:
        source_sha256: Of which photo.
        kind: What.
        box: Of which place, (x1, y1, x2, y2) in pixels of the upright source; None where it is of the whole photo.
        subject_id: Who it is, for PERSON.
        operator: Who said so.
        at: When, UTC, ISO 8601; filled in when it is kept.
        step: With what else it was said.
    """

    source_sha256: str
    kind: Kind
    box: tuple[float, float, float, float] | None = None
    subject_id: str | None = None
    operator: str = ""
    at: str = ""
    step: int = 0


@dataclass(frozen=True, slots=True)
class Release:
    """Somebody's agreement that a review is published as it is.

    Attributes:
        operator: Who.
        role: In what role; empty for whoever publishes.
        choices: What was chosen for publishing, as the page keeps it.
        at: When, UTC, ISO 8601.
    """

    operator: str
    role: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""


def begin_review(
    store: Store, folder: str, told: Mapping[str, object], operator: str, again_of: int | None = None
) -> int:
    """Keep a new review, and give its number."""
    row = {
        "begun_at": now(), "folder": folder, "told": json.dumps(told, sort_keys=True), "operator": operator,
        "state": State.OPEN.value, "again_of": again_of,
    }  # fmt: skip
    with store.atomic():
        return store.insert_row("reviews", row)


def find_review(store: Store, asked: str | int) -> Review:
    """Give a review.

    Raises:
        RecordError: if there is none of that number.
    """
    number = str(asked)
    if number.isascii() and number.isdigit() and len(number) <= _LONGEST_ID:
        for found in _reviews(store, "WHERE id = ?", (int(number),)):
            return found
    raise RecordError("There is no such folder under way", "Choose one of the list, or start with a new folder.")


def all_reviews(store: Store) -> tuple[Review, ...]:
    """List the reviews that were not dropped, newest first."""
    return _reviews(store, "WHERE state <> 'dropped' ORDER BY id DESC", ())


def _reviews(store: Store, where: str, values: tuple[object, ...]) -> tuple[Review, ...]:
    columns = "id, begun_at, folder, told, operator, state, out, again_of, run_id"
    rows: Any = store.query(f"SELECT {columns} FROM reviews {where}", values)
    return tuple(Review(i, at, place, json.loads(told), who, State(state), *rest)
                 for i, at, place, told, who, state, *rest in rows)  # fmt: skip


def set_state(store: Store, review_id: int, state: State) -> None:
    """Note how far a review has come."""
    with store.atomic():
        store.change("UPDATE reviews SET state = ? WHERE id = ?", (state.value, review_id))


def set_run(store: Store, review_id: int, run_id: int, out: str) -> None:
    """Note which run publishes a review, and where; inside `atomic()`."""
    told = run_id, out, State.RELEASING.value, review_id
    store.change("UPDATE reviews SET run_id = ?, out = ?, state = ? WHERE id = ?", told)


def note_photos(store: Store, review_id: int, digests: Iterable[str]) -> None:
    """Keep which photos a review has now, in place of those that it had."""
    with store.atomic():
        store.change("DELETE FROM review_photos WHERE review_id = ?", (review_id,))
        store.insert_rows(
            "review_photos", ("review_id", "source_sha256"), ((review_id, digest) for digest in sorted(set(digests)))
        )


def known_photos(store: Store, review_id: int) -> frozenset[str]:
    """Give the digests of the photos that a review had when it was last run."""
    rows: Any = store.query("SELECT source_sha256 FROM review_photos WHERE review_id = ?", (review_id,))
    return frozenset(digest for (digest,) in rows)


def say(store: Store, review_id: int, things: Sequence[Said]) -> int:
    """Keep what was said in one go, as one step; a release that was there is void.

    Returns:
        The number of the step.

    Raises:
        RecordError: if the review is being published, or was.
    """
    at = now()
    with store.atomic():
        require_open(store, review_id)
        ((last,),) = store.query("SELECT COALESCE(max(step), 0) FROM review_marks WHERE review_id = ?", (review_id,))
        assert isinstance(last, int)
        columns = ("review_id", "step", "source_sha256", "kind", "x1", "y1", "x2", "y2", "subject_id", "operator",
                   "marked_at")  # fmt: skip
        rows = (
            (review_id, last + 1, one.source_sha256, one.kind.value, *(one.box or (None,) * 4), one.subject_id,
             one.operator, at)
            for one in things
        )  # fmt: skip
        store.insert_rows("review_marks", columns, rows)
        void_releases(store, review_id)
    return last + 1


def undo(store: Store, review_id: int) -> tuple[Said, ...]:
    """Take back the last step, and give what it had said; nothing where nothing was said.

    Raises:
        RecordError: if the review is being published, or was.
    """
    with store.atomic():
        require_open(store, review_id)
        everything = said(store, review_id)
        if not everything:
            return ()
        last = max(one.step for one in everything)
        store.change("DELETE FROM review_marks WHERE review_id = ? AND step = ?", (review_id, last))
        void_releases(store, review_id)
    return tuple(one for one in everything if one.step == last)


def said(store: Store, review_id: int) -> tuple[Said, ...]:
    """Give everything that was said, in order."""
    rows: Any = store.query(
        "SELECT source_sha256, kind, x1, y1, x2, y2, subject_id, operator, marked_at, step FROM review_marks"
        " WHERE review_id = ? ORDER BY id",
        (review_id,),
    )
    return tuple(
        Said(digest, Kind(kind), None if x1 is None else (x1, y1, x2, y2), who, operator, at, step)
        for digest, kind, x1, y1, x2, y2, who, operator, at, step in rows
    )


def require_open(store: Store, review_id: int) -> None:
    """Make sure that a review was not released yet.

    Raises:
        RecordError: if it was.
    """
    if find_review(store, review_id).state in {State.RELEASING, State.RELEASED, State.DROPPED}:
        raise RecordError("This folder was released, and nothing about it can be changed", "Start it again.")


def release(store: Store, review_id: int, who: Release) -> None:
    """Keep that somebody agrees to the publication, in place of whoever agreed in that role."""
    told = {"operator": who.operator, "role": who.role, "choices": json.dumps(dict(who.choices), sort_keys=True)}
    with store.atomic():
        require_open(store, review_id)
        store.change("DELETE FROM releases WHERE review_id = ? AND role = ?", (review_id, who.role))
        store.insert_row("releases", {"review_id": review_id, "released_at": now(), **told})


def releases(store: Store, review_id: int) -> tuple[Release, ...]:
    """Give who agreed, in order."""
    rows: Any = store.query(
        "SELECT operator, role, choices, released_at FROM releases WHERE review_id = ? ORDER BY rowid", (review_id,)
    )
    return tuple(Release(who, role, json.loads(choices), at) for who, role, choices, at in rows)


def void_releases(store: Store, review_id: int) -> None:
    """Forget who agreed, inside `atomic()`."""
    store.change("DELETE FROM releases WHERE review_id = ?", (review_id,))


def published_by(store: Store, run_id: int) -> frozenset[tuple[str, str]]:
    """Give digest and place of every photo that a run has published so far."""
    rows: Any = store.query(
        "SELECT source_sha256, COALESCE(published_name, '') FROM photos WHERE run_id = ? AND status = 'published'",
        (run_id,),
    )
    return frozenset(rows)


def refused_by(store: Store, run_id: int) -> frozenset[str]:
    """Give the digests of the photos that a run has noted as refused so far; empty for one that cannot be read."""
    rows: Any = store.query(
        "SELECT COALESCE(source_sha256, '') FROM photos WHERE run_id = ? AND status = 'refused'", (run_id,)
    )
    return frozenset(digest for (digest,) in rows)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier run, as a line to choose.

    Attributes:
        run_id: Its number.
        started_at: When, UTC, ISO 8601.
        finished: Whether it came to its end.
        purpose: What for; empty where everybody was covered.
        destination: Where to; empty where not told.
        operator: Who; empty where not told.
        published: Photos.
        refused: Photos.
        doubtful: Faces that were covered because nobody could tell who it is.
    """

    run_id: int
    started_at: str
    finished: bool
    purpose: str
    destination: str
    operator: str
    published: int
    refused: int
    doubtful: int


def earlier_runs(store: Store, most: int = 50) -> tuple[Earlier, ...]:
    """List the newest runs."""
    rows: Any = store.query(
        "SELECT id, started_at, finished_at IS NOT NULL, COALESCE(purpose, ''), destination, operator,"
        " (SELECT count(*) FROM photos WHERE run_id = runs.id AND status = 'published'),"
        " (SELECT count(*) FROM photos WHERE run_id = runs.id AND status = 'refused'),"
        " (SELECT count(*) FROM faces JOIN photos ON photos.id = photo_id WHERE run_id = runs.id"
        "  AND faces.reason IN ('ambiguous', 'contradicted'))"
        " FROM runs ORDER BY id DESC LIMIT ?",
        (most,),
    )
    return tuple(Earlier(run, at, bool(done), *told) for run, at, done, *told in rows)
