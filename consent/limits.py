"""How often each person was published: what limits of a procedure have to know."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from consent.model import Purpose
from consent.numbers import number_key
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
        found[number_key(subject_id)].add(source)
    # Photos count for a person however a roster wrote the number; too many only cover.
    people = {str(number) for (number,) in store.query("SELECT subject_id FROM subjects")}
    numbers = people | {subject_id for subject_id, _ in rows}
    return {number: frozenset(found[key]) for number in numbers if (key := number_key(number)) in found}
