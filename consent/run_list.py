"""The runs that a school file knows of, for somebody to choose one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consent.store import Store


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list.

    Attributes:
        run_id: Its number.
        started_at: When it began, UTC, ISO 8601.
        finished_at: When it ended; None where it was stopped, or is still going on.
        purpose: What for; empty where everybody was covered.
        destination: Where it went; empty where not told.
        operator: Who published; empty where not told.
        published: Photos that were published.
        refused: Photos that were refused or left alone.
    """

    run_id: int
    started_at: str
    finished_at: str | None
    purpose: str
    destination: str
    operator: str
    published: int
    refused: int


def count_runs(store: Store) -> int:
    """Count the runs."""
    ((count,),) = store.query("SELECT count(*) FROM runs")
    assert isinstance(count, int)
    return count


def list_runs(store: Store, first: int, most: int) -> tuple[RunLine, ...]:
    """List runs, newest first.

    Args:
        store: The school file.
        first: How many to pass over.
        most: How many to give.
    """
    rows: Any = store.query(
        "SELECT runs.id, started_at, finished_at, coalesce(purpose, ''), destination, operator,"
        " count(CASE WHEN status = 'published' THEN 1 END), count(CASE WHEN status = 'refused' THEN 1 END)"
        " FROM runs LEFT JOIN photos ON run_id = runs.id GROUP BY runs.id ORDER BY runs.id DESC LIMIT ? OFFSET ?",
        (most, first),
    )
    return tuple(RunLine(*row) for row in rows)
