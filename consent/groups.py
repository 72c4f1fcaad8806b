"""Choose the people of an event: the smaller the gallery, the fewer there are to be confused with."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from consent.errors import RosterError
from consent.model import Subject
from consent.roster import Roster


def named_groups(groups: Iterable[str]) -> tuple[str, ...]:
    """Give the names of groups as a tuple; a single name is one group, not many of one letter.

    >>> named_groups("Grade 4")
    ('Grade 4',)
    """
    return (groups,) if isinstance(groups, str) else tuple(groups)


def people_of(roster: Roster, groups: Iterable[str] = ()) -> Mapping[str, Subject]:
    """Give the people of some groups, by number.

    Args:
        roster: Everybody.
        groups: Names of groups, compared without case and surrounding or multiple blanks; empty for everybody.

    Raises:
        RosterError: if nobody is in one of the groups. A misspelt group would silently cover a class.
    """
    wanted = {_key(name): name for name in named_groups(groups)}
    if not wanted:
        return roster.subjects
    members = {number: person for number, person in roster.subjects.items() if _key(person.group) in wanted}
    found = {_key(person.group) for person in members.values()} - {""}
    missing = [name for key, name in wanted.items() if key not in found]
    if missing:
        raise RosterError(
            f"{roster.path}: nobody is in the group {' or '.join(map(repr, missing))} "
            f"(groups it has: {', '.join(groups_of(roster)) or 'none'})",
            "Name a group as the column `group` of the roster has it.",
        )
    return members


def groups_of(roster: Roster) -> tuple[str, ...]:
    """Give the groups that somebody is in, each as it is first written, in alphabetical order."""
    written: dict[str, str] = {}
    for person in roster.subjects.values():
        written.setdefault(_key(person.group), person.group)
    return tuple(sorted(name for key, name in written.items() if key))


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def families_of(people: Mapping[str, Subject]) -> Mapping[str, frozenset[str]]:
    """Give for each person what relatives have in common: the family name, and who signs for them.

    Args:
        people: By number.
    """
    return {number: frozenset(filter(None, _ties(person))) for number, person in people.items()}


def _ties(person: Subject) -> Iterator[str]:
    yield _key(person.family_name)
    # Of a name that stands in one column, the family name may hold more than relatives have in common.
    yield "".join(_key(person.family_name).split()[-1:])
    for consent in person.consents:
        yield _key(consent.signed_by)
