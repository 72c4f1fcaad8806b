"""Who is in the roster today, and under which procedures photos were published: what rechecking and recleaning ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path

from consent.errors import PolicyError
from consent.model import Subject
from consent.numbers import NumberIndex
from consent.people import stored_roster, withdrawn
from consent.procedures import Policy
from consent.rechecking import Lapse, recheck
from consent.school_policy import policy_of
from consent.showings import Showing, showings
from consent.store import Store
from imgguard.errors import SetupError
from imgguard.who import given_roster


def people_today(store: Store, roster: Path | None) -> Mapping[str, Subject]:
    """Give who is in today's roster, by number, with what was withdrawn; nobody who vanished from it.

    Args:
        store: The school file.
        roster: A roster file to hold instead of the one that was imported.

    Raises:
        RosterError: if the file cannot be read.
        SetupError: if there is neither.
    """
    taken_back = withdrawn(store)
    found = stored_roster(store) if roster is None else given_roster(store, roster)
    if found is None:
        raise SetupError(
            f"{store.path}: no roster was imported",
            "Import one (imgguard roster import), or give today's as a file (--roster).",
        )
    people = dict(found.subjects)
    if roster is None:
        gone = {number for (number,) in store.query("SELECT subject_id FROM subjects WHERE present = 0")}
        people = {n: p for n, p in people.items() if n not in gone or p.withdrawn or p.holds}
    # Who withdrew and is in no roster has not vanished: that they withdrew says more.
    index = NumberIndex(people)
    others = {n: Subject(n, withdrawn=purposes) for n, purposes in taken_back.items() if index.find(n) is None}
    return {**others, **people}


def lapses_today(store: Store, on: date) -> tuple[Lapse, ...]:
    """Find everybody who is to be seen on a published file without a consent of the school file that holds."""
    everything = showings(store)
    if not everything:
        return ()
    return recheck(everything, people_today(store, None), on, policies=policies_behind(store, everything))


def policies_behind(store: Store, everything: Iterable[Showing]) -> Mapping[str, Policy]:
    """Give the procedures under which files were published, by name; one that imgguard does not have is left out."""
    found: dict[str, Policy] = {}
    for name in {showing.file.policy for showing in everything}:
        with suppress(PolicyError):
            found[name] = policy_of(store, name)
    return found
