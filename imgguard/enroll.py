"""Make references of ID photos: who is in the roster, may be recognised, and is alone in a usable picture."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from consent.model import Reference, Subject
from consent.roster import Finding, Roster
from imgguard.errors import PhotoError
from imgguard.identify import average
from imgguard.portrait_files import PortraitFile, PortraitSource
from imgguard.portrait_sources import find_portraits
from imgguard.portraits import Portrait, read_portrait, too_old
from imgguard.threshold import SAME_PERSON

if TYPE_CHECKING:
    from imgguard.backends import Backends

# Beyond this, two numbers stand for one face as far as can be told: the lead that a match needs is out of reach.
_SAME_TEMPLATE = 0.85
# Recognition of children decays with the years between two photos: 98.3 % are known again after 6 months, 94.9 %
# after 36 (arXiv 2204.01760).
_OLD_MONTHS, _TOO_OLD_MONTHS = 12, 36
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Named:
    """A reference with the name that people know it by: its photo's.

    Attributes:
        name: The photo's name.
        reference: What was made of it.
        photo_sha256: Digest of the photo, hexadecimal.
    """

    name: str
    reference: Reference
    photo_sha256: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What came of a folder of ID photos.

    Attributes:
        references: Templates of the enrolled people, in memory.
        wanted: How many people may be enrolled.
        findings: What a person should look at.
        remarks: What is only worth knowing.
    """

    references: tuple[Reference, ...]
    wanted: int
    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...]


def enroll(
    folder: Path,
    people: Mapping[str, Subject],
    roster: Roster,
    backends: Backends,
    on: date,
    *,
    old_photos: bool = False,
) -> Enrolment:
    """Build references from ID photos: a folder named by student number (`020411.jpg`, `020411(2).jpg`), or others.

    Photos of people who may not be recognised, or who are not asked for, are not even opened.

    Args:
        folder: The ID photos: a folder, a zip or an index; see `imgguard.portrait_sources.find_portraits`.
        people: Who is to be enrolled, if they may be recognised: all of the roster or some; see `people_of`.
        roster: Everybody, to tell the photos of others from those of unknown people.
        backends: The models.
        on: The day of the run; references made here are good for it alone.
        old_photos: Whether photos older than 36 months are used.

    Raises:
        SetupError: if the source cannot be read, or whose its photos are cannot be told.
    """
    photos = photos_of(folder, people, roster)
    findings = list(photos.findings)
    read = (read_reference(photo, backends, on, on, findings, old_photos=old_photos) for photo in photos)
    agreeing = without_contradictions([named for named in read if named is not None], findings)
    usable = without_look_alikes(agreeing, roster.path.name, findings)
    wanted = [number for number, person in people.items() if person.biometric_ok]
    return summary(usable, wanted, findings, folder.name, roster.path.name, on, photos.remarks)


def photos_of(folder: Path, people: Mapping[str, Subject], roster: Roster) -> PortraitSource:
    """Find the ID photos of those who are asked for and may be recognised.

    Raises:
        SetupError: if the source cannot be read, or whose its photos are cannot be told.
    """
    source = find_portraits(folder, roster.subjects, roster.subjects.values())
    wanted = (one for one in source.portraits if one.number in people and people[one.number].biometric_ok)
    return replace(source, portraits=tuple(wanted))


def read_reference(
    photo: PortraitFile,
    backends: Backends,
    on: date,
    expires_on: date,
    findings: list[Finding],
    *,
    old_photos: bool = False,
    known: Mapping[tuple[str, str], Reference] = MappingProxyType({}),
) -> Named | None:
    """Make a reference of one ID photo; None, with a finding, where it cannot be used.

    Args:
        photo: The file, and whose it is.
        backends: The models.
        on: Today.
        expires_on: The last day on which the reference may be used.
        findings: Told what is wrong.
        old_photos: Whether photos older than 36 months are used.
        known: References made before, by number and digest of the photo: they are not computed again.
    """
    limit = None if old_photos else too_old_before(on)
    try:
        digest = hashlib.sha256(photo.read()).hexdigest()
        reference = known.get((photo.number, digest))
        if reference is None:
            reference = _dated(read_portrait(photo, backends, limit), on)
        elif reference.taken_on and limit and reference.taken_on < limit:
            raise too_old(photo.path, reference.taken_on)
    except PhotoError as error:
        findings.append(_not_used(photo.path, error))
        return None
    return Named(photo.name, replace(reference, subject_id=photo.number, expires_on=expires_on), digest)


def summary(
    used: Sequence[Named],
    wanted: Sequence[str],
    findings: list[Finding],
    photos: str,
    people: str,
    on: date,
    remarks: Sequence[Finding] = (),
) -> Enrolment:
    """Sum up whom the references stand for, and who is missing.

    Args:
        used: What is used.
        wanted: The numbers of those who may be enrolled.
        findings: What was found until here.
        photos: What findings about ID photos are said of.
        people: What findings about people are said of.
        on: Today.
        remarks: What is worth knowing about where the ID photos are.
    """
    references = tuple(named.reference for named in used)
    enrolled = {reference.subject_id for reference in references}
    without = [_without_photo(number, people) for number in wanted if number not in enrolled]
    told = (*findings, *_old(used, photos, on), *without)
    return Enrolment(references, len(wanted), told, (*remarks, *_undated(references, photos)))


def _not_used(path: Path, error: PhotoError) -> Finding:
    return Finding(path.name, None, f"not used: {error.what.removeprefix(f'{path}: ')}. {error.remedy}")


def _dated(portrait: Portrait, on: date) -> Reference:
    """Make a reference for one day; a day of taking that is still to come is none."""
    reference = portrait.reference(on)
    future = reference.taken_on is not None and reference.taken_on > on
    return replace(reference, taken_on=None) if future else reference


def without_contradictions(references: Iterable[Named], findings: list[Finding]) -> list[Named]:
    """Leave out photos that show somebody else than a person's others, or the person if nobody can tell which do."""
    by_person: dict[str, list[Named]] = defaultdict(list)
    for named in references:
        by_person[named.reference.subject_id].append(named)
    agreeing = []
    for subject_id, theirs in by_person.items():
        odd = [(a, b) for a, b in combinations(theirs, 2) if not _similarity(a, b) >= SAME_PERSON]
        stray = _stray(theirs, odd)
        if stray is not None:
            what = f"not used: does not show the same person as the other ID photos of {subject_id}. Look whose it is"
            findings.append(Finding(stray.name, None, what))
            agreeing += [named for named in theirs if named is not stray]
        elif odd:
            names = f"{odd[0][0].name} and {odd[0][1].name}"
            what = f"{names} do not show the same person: {subject_id} is not enrolled and will always be covered"
            findings.append(Finding(names, None, what))
        else:
            agreeing += theirs
    return agreeing


def _stray(theirs: Sequence[Named], odd: Sequence[tuple[Named, Named]]) -> Named | None:
    """Give the one photo that disagrees with all others while they agree; None where there is no such photo."""
    for named in theirs:
        others = [other for other in theirs if other is not named]
        # A copy of a photo is no second witness.
        witnesses = {other.reference.template for other in others}
        if len(witnesses) > 1 and len(odd) == len(others) and all(any(named is one for one in pair) for pair in odd):
            return named
    return None


def without_look_alikes(references: Sequence[Named], source: str, findings: list[Finding]) -> list[Named]:
    """Leave out people whom nobody could tell apart: one photo filed under two numbers, or twins."""
    people = average(named.reference for named in references)
    ids = people.subject_ids
    alike = np.argwhere(np.triu(people.means @ people.means.T, 1) >= _SAME_TEMPLATE)
    doubtful: set[str] = set()
    for one, other in ((ids[i], ids[j]) for i, j in alike):
        doubtful |= {one, other}
        what = f"{one} and {other} look the same on their ID photos (one photo filed twice, or twins): both are covered"
        findings.append(Finding(source, None, what))
    return [named for named in references if named.reference.subject_id not in doubtful]


def too_old_before(on: date) -> date:
    """Give the first day whose photos are not too old yet to know somebody by."""
    return _months_before(on, _TOO_OLD_MONTHS)


def _months_before(on: date, months: int) -> date:
    """Give the first day that is no longer ago than some months.

    >>> _months_before(date(2026, 5, 31), 3)
    datetime.date(2026, 3, 1)
    """
    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    if year < 1:
        return date.min
    first_of_next = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=on.day - 1), first_of_next)


def _old(used: Sequence[Named], source: str, on: date) -> Iterator[Finding]:
    limit = _months_before(on, _OLD_MONTHS)
    old = sorted((day, named.name) for named in used if (day := named.reference.taken_on) and day < limit)
    if old:
        oldest = ", ".join(f"{name} of {day}" for day, name in old[:_NAMED])
        more = f", and {len(old) - _NAMED} more" if len(old) > _NAMED else ""
        what = (
            f"{len(old)} of {len(used)} ID photos {'is' if len(old) == 1 else 'are'} older than {_OLD_MONTHS} months "
            f"({oldest}{more}): children change, and some will not be known again. Take new ones"
        )
        yield Finding(source, None, what)


def _undated(used: Sequence[Reference], source: str) -> Iterator[Finding]:
    count = sum(reference.taken_on is None for reference in used)
    if count:
        told = "1 ID photo does not tell when it was" if count == 1 else f"{count} ID photos do not tell when they were"
        yield Finding(source, None, f"{told} taken")


def _similarity(one: Named, other: Named) -> float:
    return float(np.frombuffer(one.reference.template, "<f4") @ np.frombuffer(other.reference.template, "<f4"))


def _without_photo(number: str, source: str) -> Finding:
    return Finding(source, None, f"{number} has no usable ID photo: will always be covered")
