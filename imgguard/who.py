"""Who may be known again in a run: a roster and references, each from files that are given or from the school file.

Withdrawals are the school file's, whichever roster is used: an export that is older than a letter of withdrawal must
not show anybody again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from consent.groups import families_of, people_of
from consent.imports import saved_mappings
from consent.model import Purpose, Reference, Subject
from consent.numbers import number_key
from consent.people import HeldBack, held_back, stored_roster, withdrawn
from consent.roster import Finding, Roster, read_roster
from consent.store import Store
from consent.vault import Passphrase, open_vault
from imgguard.backends import default_backends
from imgguard.enroll import enroll
from imgguard.errors import SetupError
from imgguard.identify import Gallery
from imgguard.recall import recall


@dataclass(frozen=True, slots=True)
class Asked:
    """What is told about who may be known.

    Attributes:
        school: The school file, which need not be there.
        roster: Everybody; see `roster_of`.
        on: The day of the run.
        id_photos: A folder of ID photos; None for the templates of the school file.
        groups: Enrol only these groups of the roster; empty for everybody.
        fpir: Accepted share of strangers who are left visible by mistake.
        old_id_photos: Whether ID photos older than 36 months are used.
        passphrase: Gives what opens the templates, where no keyring has their key; None where nobody can be asked.
    """

    school: Path
    roster: Roster
    on: date
    id_photos: Path | None
    groups: tuple[str, ...]
    fpir: float
    old_id_photos: bool
    passphrase: Passphrase | None


def who_is_known(asked: Asked) -> tuple[Gallery, tuple[Finding, ...]]:
    """Give who can be found in photos, and what a person should look at.

    Raises:
        SetupError: if the ID photos cannot be read.
        RosterError: if nobody is in one of the groups.
        RecordError: if the school file cannot be used.
        VaultError: if its templates cannot be opened.
    """
    people = people_of(asked.roster, asked.groups)
    references, told = _from_photos(asked, people) if asked.id_photos else _from_school(asked, people)
    gallery = Gallery.from_references(references, asked.fpir, asked.on, families=families_of(people))
    return gallery, told


def roster_of(school: Path, given: Path | None) -> Roster:
    """Give the roster of a file, or else the school file's; what was withdrawn holds in either.

    Raises:
        SetupError: if there is none.
        RosterError: if it cannot be read.
        RecordError: if the school file cannot be used.
    """
    if not school.is_file():
        if given is not None:
            return read_roster(given)
        raise _no_roster(school)
    with Store(school) as store:
        if given is not None:
            return with_holds(given_roster(store, given), held_back(store))
        stored = stored_roster(store)
    if stored is None:
        raise _no_roster(school)
    return stored


def given_roster(store: Store, path: Path) -> Roster:
    """Read a roster file, also by the school's own mappings; what was withdrawn holds in it."""
    return with_withdrawals(read_roster(path, mappings=saved_mappings(store)), withdrawn(store))


def _no_roster(school: Path) -> SetupError:
    return SetupError(
        f"There is no roster: none is given, and none was imported into {school}",
        "Give a roster and a folder of ID photos (--roster, --id-photos), or import a roster (imgguard roster import) "
        "and enrol its people (imgguard enroll); or switch recognition off to cover everybody (--no-recognition).",
    )


def with_withdrawals(roster: Roster, taken_back: Mapping[str, frozenset[Purpose]]) -> Roster:
    """Put into a roster what the school file knows to be withdrawn.

    Numbers are compared as they are read: whoever withdrew as 020411 has also withdrawn where an export writes 20411.

    Args:
        roster: As it was read.
        taken_back: By number, the purposes that consent was taken back for; see `consent.people.withdrawn`.
    """
    by_key: dict[str, frozenset[Purpose]] = defaultdict(frozenset)
    for number, purposes in taken_back.items():
        by_key[number_key(number)] |= purposes
    subjects = {
        number: replace(person, withdrawn=person.withdrawn | by_key.get(number_key(number), frozenset()))
        for number, person in roster.subjects.items()
    }
    return replace(roster, subjects=subjects)


def with_holds(roster: Roster, held: Mapping[str, HeldBack]) -> Roster:
    """Put into a roster what the school file holds back, and tell whom that concerns.

    Args:
        roster: As it was read.
        held: By number; see `consent.people.held_back`.
    """
    by_key: dict[str, list[HeldBack]] = defaultdict(list)
    for number, what in held.items():
        by_key[number_key(number)].append(what)
    subjects, told = dict(roster.subjects), []
    for number, person in roster.subjects.items():
        against = by_key.get(number_key(number), [])
        subjects[number] = replace(
            person,
            holds=person.holds.union(*(what.holds for what in against)),
            biometric_ok=person.biometric_ok and all(what.recognisable for what in against),
        )
        if subjects[number] != person:
            told.append(Finding(number, None, "is held back by the school file, whatever this roster says"))
    return replace(roster, subjects=subjects, findings=(*roster.findings, *told))


def _from_photos(asked: Asked, people: Mapping[str, Subject]) -> tuple[tuple[Reference, ...], tuple[Finding, ...]]:
    assert asked.id_photos is not None
    found = enroll(asked.id_photos, people, asked.roster, default_backends(), asked.on, old_photos=asked.old_id_photos)
    return found.references, (*found.findings, *found.remarks)


def _from_school(asked: Asked, people: Mapping[str, Subject]) -> tuple[tuple[Reference, ...], tuple[Finding, ...]]:
    """The stored templates of the people who are asked for and may be recognised."""
    wanted = {number: person for number, person in people.items() if person.biometric_ok}
    if not asked.school.is_file():
        return (), (_nobody(asked.school),)
    with Store(asked.school) as store:
        # Nobody is asked for a key to an empty room.
        if not store.query("SELECT 1 FROM templates LIMIT 1"):
            return (), (_nobody(asked.school),)
        found = recall(store, open_vault(store, asked.passphrase), wanted, default_backends(), asked.on)
    return found.references, (*found.findings, *found.remarks)


def _nobody(school: Path) -> Finding:
    return Finding(school.name, None, "nobody is enrolled (imgguard enroll): everybody will be covered")
