"""What the school file says of the school itself: its id, its title and the procedure that it follows."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from consent import audit
from consent.errors import RecordError
from consent.roster import end_of_school_year
from consent.store import Store, now


@dataclass(frozen=True, slots=True)
class School:
    """A school.

    Attributes:
        school_id: A random id, to which the key and every template are bound.
        title: The school's name.
        policy: The name of the procedure that it follows.
    """

    school_id: str
    title: str
    policy: str


def open_school(store: Store) -> School | None:
    """Give the school of a file; None where the file is a record that nobody made a school of yet."""
    rows = store.query("SELECT school_id, title, policy FROM school")
    return School(*rows[0]) if rows else None  # type: ignore[arg-type]


def make_school(store: Store, title: str, policy: str) -> School:
    """Make a file that of a school, in one transaction.

    Raises:
        RecordError: if it is a school's already, or cannot be written.
    """
    made = School(secrets.token_hex(16), title, policy)
    with store.atomic():
        if open_school(store) is not None:
            raise RecordError(f"{store.path}: is a school file already", "Use it as it is, or name another file.")
        facts = {"id": 1, "school_id": made.school_id, "title": title, "policy": policy, "made_at": now()}
        store.insert_row("school", facts)
        audit.append(store, audit.Kind.SCHOOL_MADE, {"school": made.school_id, "policy": policy})
    return made


def template_end(on: date, days: int | None = None) -> date:
    """Give the last day on which a template made today may be used.

    Args:
        on: Today.
        days: The longest life that the procedure allows, in days; None for the end of the school year.

    >>> template_end(date(2026, 11, 23))
    datetime.date(2027, 6, 30)
    >>> template_end(date(2026, 11, 23), 30)
    datetime.date(2026, 12, 23)
    """
    end = end_of_school_year(on)
    assert end is not None
    return end if days is None else min(end, on + timedelta(days=days))
