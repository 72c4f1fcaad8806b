"""How often each person was published, how near that is to what the school's procedure allows, and how much went out.

Several versions of one original are one photo. Days are those of UTC, as the record has them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from consent.limits import published_sources
from consent.model import ASKED_PURPOSES, Purpose
from consent.procedures import Policy, StudentLimit
from consent.store import Store


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a limit somebody has used.

    Attributes:
        purpose: What the limit is for.
        photos: On how many photos the person was published within its days.
        count: How many are allowed.
        days: Within how many days, today included.
        clause: The clause, with the policy's name.
        covers: Whether who is at it is covered; else it is only told.
    """

    purpose: Purpose
    photos: int
    count: int
    days: int
    clause: str
    covers: bool

    @property
    def reached(self) -> bool:
        """Whether no further photo is allowed."""
        return self.photos >= self.count

    @property
    def exceeded(self) -> bool:
        """Whether there were more than are allowed."""
        return self.photos > self.count

    def __str__(self) -> str:
        """Say it in a few words."""
        how = "over" if self.exceeded else "at"
        then = "covered from now on" if self.covers else "told, not covered"
        what = self.purpose.value.replace("_", " ")
        return f"{how} the limit for {what}: {self.photos} of {self.count} in {self.days} days ({self.clause}; {then})"


@dataclass(frozen=True, slots=True)
class Count:
    """How often somebody was published.

    Attributes:
        subject_id: Who.
        group: Class, grade or team; empty where the school file does not tell.
        photos: On how many different photos, of those that were asked about.
        first_on: The day of the first of them.
        last_on: The day of the last of them.
        reached: The limits that are used up.
    """

    subject_id: str
    group: str
    photos: int
    first_on: date
    last_on: date
    reached: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """What went out in a month for a purpose.

    Attributes:
        month: Such as "2026-11".
        purpose: What for; empty where everybody was covered.
        photos: Different photos.
        people: Different people who are to be seen on them.
    """

    month: str
    purpose: str
    photos: int
    people: int


def counts(
    store: Store,
    on: date,
    policy: Policy,
    *,
    purpose: Purpose | None = None,
    since: date | None = None,
    people: Collection[str] | None = None,
) -> tuple[Count, ...]:
    """Count how often each person was published, most often first.

    Args:
        store: The school file.
        on: Today, from which a limit's days are counted back.
        policy: The school's procedure.
        purpose: Only what was published for it; None for everything.
        since: Only what was published on that day or later; None for ever.
        people: Only these; None for everybody.
    """
    used = _used(store, on, policy, purpose)
    rows: Any = store.query(
        f"SELECT faces.subject_id, COALESCE(group_name, ''), {_PHOTOS}, min(recorded_at), max(recorded_at) FROM photos"
        " JOIN runs ON runs.id = run_id JOIN faces ON photo_id = photos.id"
        " LEFT JOIN subjects ON subjects.subject_id = faces.subject_id"
        f" WHERE {_ASKED} AND verdict = 'keep' AND faces.subject_id IS NOT NULL GROUP BY faces.subject_id",
        _values(purpose, since),
    )
    found = (
        Count(number, group, photos, _day(first), _day(last), used.get(number, ()))
        for number, group, photos, first, last in rows
        if people is None or number in people
    )
    return tuple(sorted(found, key=lambda count: (-count.photos, count.subject_id)))


def months(store: Store, *, purpose: Purpose | None = None, since: date | None = None) -> tuple[Month, ...]:
    """Count what went out in each month for each purpose, oldest first."""
    rows: Any = store.query(
        f"SELECT substr(recorded_at, 1, 7) AS month, COALESCE(runs.purpose, ''), {_PHOTOS},"
        " count(DISTINCT CASE WHEN verdict = 'keep' THEN subject_id END) FROM photos JOIN runs ON runs.id = run_id"
        f" LEFT JOIN faces ON photo_id = photos.id WHERE {_ASKED} GROUP BY month, runs.purpose ORDER BY 1, 2",
        _values(purpose, since),
    )
    return tuple(Month(*row) for row in rows)


_PHOTOS = "count(DISTINCT COALESCE(source_sha256, photos.id))"
_ASKED = "status = 'published' AND (?1 IS NULL OR runs.purpose = ?1) AND (?2 IS NULL OR recorded_at >= ?2)"


def _values(purpose: Purpose | None, since: date | None) -> tuple[str | None, str | None]:
    return purpose.value if purpose else None, since.isoformat() if since else None


def _used(store: Store, on: date, policy: Policy, purpose: Purpose | None) -> Mapping[str, tuple[Use, ...]]:
    """Give for each person the limits that are used up."""
    found: dict[str, tuple[Use, ...]] = {}
    for asked in [purpose] if purpose else ASKED_PURPOSES:
        for limit, clause, covers in _limits(policy, asked):
            for number, sources in published_sources(store, asked, on, limit.days).items():
                use = Use(asked, len(sources), limit.count, limit.days, clause, covers)
                if use.reached:
                    found[number] = (*found.get(number, ()), use)
    return found


def _limits(policy: Policy, purpose: Purpose) -> Iterator[tuple[StudentLimit, str, bool]]:
    for rule in policy.rules_for(purpose):
        for condition in (rule.condition, rule.warning):
            if isinstance(condition, StudentLimit):
                yield condition, policy.cited(rule), condition is rule.condition


def _day(at: str) -> date:
    return date.fromisoformat(at[:10])
