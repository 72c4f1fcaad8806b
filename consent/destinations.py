"""Where a school publishes: accounts and addresses, each with its purpose, its manager and who approved it.

The division procedures ask that accounts be approved and registered, and that somebody answers for each. A destination
is never deleted, only closed: what was published there keeps its place and its manager.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from consent import audit
from consent.errors import DestinationError
from consent.model import ASKED_PURPOSES, Purpose
from consent.store import Store

_COLUMNS = "name, purpose, address, manager, second_administrator, approved_by, approved_on, closed_on"


@dataclass(frozen=True, slots=True)
class Destination:
    """A place of publishing.

    Attributes:
        name: Its short name, as `--to` takes it.
        purpose: What is published there, which is what consents have to be for.
        address: The address of the site, or the name of the account.
        manager: Who answers for it.
        second_administrator: Who else has access; empty where nobody has.
        approved_by: Who approved it.
        approved_on: When.
        closed_on: When it was given up; None while it is open.
    """

    name: str
    purpose: Purpose
    address: str
    manager: str
    second_administrator: str
    approved_by: str
    approved_on: date
    closed_on: date | None = None


def register(store: Store, destination: Destination, on: date) -> None:
    """Add a destination to the registry.

    Args:
        store: The school file.
        destination: What is told of it.
        on: Today.

    Raises:
        DestinationError: if its name is taken, or something is missing or cannot be.
        RecordError: if the school file cannot be written.
    """
    _check(destination, on)
    with store.atomic():
        taken = _named(all_destinations(store), destination.name)
        if taken is not None:
            raise DestinationError(
                f"There is a destination {taken.name!r} already{' (closed)' if taken.closed_on else ''}",
                "Choose another name; imgguard destination list shows all.",
            )
        store.insert_row(
            "destinations",
            {
                "name": destination.name,
                "purpose": destination.purpose.value,
                "address": destination.address,
                "manager": destination.manager,
                "second_administrator": destination.second_administrator,
                "approved_by": destination.approved_by,
                "approved_on": destination.approved_on.isoformat(),
            },
        )
        told = {"destination": _digest(destination.name), "purpose": destination.purpose.value}
        audit.append(store, audit.Kind.DESTINATION_REGISTERED, told)


def close(store: Store, name: str, on: date) -> Destination:
    """Close a destination, and give it: nothing can be published there any more.

    Raises:
        DestinationError: if there is none of that name that is open.
        RecordError: if the school file cannot be written.
    """
    with store.atomic():
        found = find_open(store, name, on)
        store.change("UPDATE destinations SET closed_on = ? WHERE name = ?", (on.isoformat(), found.name))
        audit.append(store, audit.Kind.DESTINATION_CLOSED, {"destination": _digest(found.name)})
    return found


def all_destinations(store: Store) -> tuple[Destination, ...]:
    """Give every destination, closed ones included, by name."""
    rows: Any = store.query(f"SELECT {_COLUMNS} FROM destinations ORDER BY name")
    return tuple(
        Destination(
            name, Purpose(purpose), address, manager, second, approver, date.fromisoformat(approved), _day(closed)
        )
        for name, purpose, address, manager, second, approver, approved, closed in rows
    )


def find_open(store: Store, name: str, on: date) -> Destination:
    """Give a destination by its name, compared without case.

    Raises:
        DestinationError: if there is none, it is closed, or it is not approved yet.
    """
    everything = all_destinations(store)
    found = _named(everything, name)
    if found is None:
        raise unknown_destination(name, everything)
    if found.closed_on is not None:
        raise DestinationError(
            f"The destination {found.name!r} was closed on {found.closed_on}",
            "Choose another one (imgguard destination list), or register a new one.",
        )
    if found.approved_on > on:
        raise DestinationError(
            f"The destination {found.name!r} is approved from {found.approved_on} on, and today is {on}",
            "Wait until then, or choose another one (imgguard destination list).",
        )
    return found


def unknown_destination(name: str, there: tuple[Destination, ...] = ()) -> DestinationError:
    """Say that there is no such destination, and which could be meant."""
    names = [one.name for one in there if one.closed_on is None]
    near = get_close_matches(_key(name), list(map(_key, names)), 1)
    meant = f"Did you mean {next(one for one in names if _key(one) == near[0])}? " if near else ""
    have = f"Registered: {', '.join(names)}." if names else "None is registered: see imgguard destination add."
    return DestinationError(f"There is no destination {name!r}", f"{meant}{have}")


def _check(destination: Destination, on: date) -> None:
    needed = {
        "name": destination.name,
        "address": destination.address,
        "manager": destination.manager,
        "who approved it": destination.approved_by,
    }
    missing = [what for what, value in needed.items() if not value.strip()]
    if missing:
        raise DestinationError(f"A destination needs a {missing[0]}", "Somebody has to answer for what is published.")
    if destination.purpose not in ASKED_PURPOSES:
        raise DestinationError(
            f"{destination.purpose.value} is nothing to publish for: no form speaks for personal accounts",
            f"Choose one of: {', '.join(ASKED_PURPOSES)}.",
        )
    if destination.approved_on > on:
        raise DestinationError(f"{destination.approved_on} is still to come", "Give the day on which it was approved.")
    if _key(destination.manager) == _key(destination.second_administrator):
        raise DestinationError(
            "Manager and second administrator are one person", "Name two people, or leave out the second."
        )


def _named(there: tuple[Destination, ...], name: str) -> Destination | None:
    return next((one for one in there if _key(one.name) == _key(name)), None)


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
