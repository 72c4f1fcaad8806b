"""How often each person was published: what limits of a procedure have to know."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from consent.model import Purpose
from consent.store import Store


def published_sources(store: Store, purpose: Purpose, on: date, days: int) -> dict[str, frozenset[str]]:
    """Give for each person the photos that were published for a purpose and show them.

    Args:
        store: The school file.
        purpose: What for.
        on: The last day that counts; what was published later, by a clock that was set back since, counts too.
        days: How many days count, that one included.

    Returns:
        By number, the SHA-256 of the sources: a photo that was published twice counts once.
    """
    first = on - timedelta(days=min(days - 1, (on - date.min).days))
    rows: Any = store.query(
        "SELECT DISTINCT faces.subject_id, photos.source_sha256 FROM faces"
        " JOIN photos ON photos.id = faces.photo_id JOIN runs ON runs.id = photos.run_id"
        " WHERE photos.status = 'published' AND faces.verdict = 'keep' AND faces.subject_id IS NOT NULL"
        " AND runs.purpose = ? AND photos.recorded_at >= ?",
        (purpose.value, first.isoformat()),
    )
    found: dict[str, set[str]] = defaultdict(set)
    for subject_id, source in rows:
        found[subject_id].add(source)
    return {subject_id: frozenset(sources) for subject_id, sources in found.items()}
