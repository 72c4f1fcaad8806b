"""Measure recognition on a school's own ID photos, where there are two or more of a person.

The figures of an embedder's makers are about other people. These are about one's own: how many are known again on
another photo, and how often somebody is taken for somebody else. Nothing leaves the memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from consent.roster import Finding
from imgguard.errors import PhotoError, SetupError
from imgguard.identify import Difficulty, Gallery
from imgguard.portrait_sources import find_portraits
from imgguard.portraits import Portrait, read_portrait
from imgguard.threshold import DEFAULT_FPIR
from imgguard.types import Outcome

if TYPE_CHECKING:
    from imgguard.backends import Backends

_People = Mapping[str, Sequence[Portrait]]


@dataclass(frozen=True, slots=True)
class Searches:
    """Searches of a gallery and what they came to.

    Attributes:
        total: How many.
        known: Those that named the right person.
        mistaken: Those that named somebody else.
    """

    total: int
    known: int
    mistaken: int

    @property
    def missed(self) -> int:
        """Those that did not name the right person: covered, or taken for somebody else."""
        return self.total - self.known


@dataclass(frozen=True, slots=True)
class Selftest:
    """How well the people of a folder of ID photos are known again.

    Attributes:
        people: How many have a usable photo.
        photos: How many usable photos there are.
        again: Each person's further photos, searched for among the first photos of everybody. Its share of missed
            ones is the FNIR of ISO/IEC 19795-1.
        strangers: Each photo, searched for among the first photos of everybody else. Its share of mistaken ones is
            the FPIR.
        difficulty: How hard the people are to tell apart, the closest pairs, and the threshold.
        findings: Photos that cannot be used, and searches that named the wrong person.
    """

    people: int
    photos: int
    again: Searches
    strangers: Searches
    difficulty: Difficulty
    findings: tuple[Finding, ...]


def run_selftest(folder: Path, backends: Backends, fpir: float = DEFAULT_FPIR) -> Selftest:
    """Search for every ID photo of a folder among the others.

    Args:
        folder: ID photos: a folder or a zip named by student number (`020411.jpg`, `020411(2).jpg`), or an index of
            two columns, number and file.
        backends: The models.
        fpir: Accepted share of strangers who are left visible by mistake; see `imgguard.rules.checked_fpir`.

    Raises:
        SetupError: if the folder cannot be read, or none of its files is a usable ID photo.
    """
    findings: list[Finding] = []
    people: dict[str, list[Portrait]] = defaultdict(list)
    for portrait in _usable(folder, backends, findings):
        people[portrait.number].append(portrait)
    if not people:
        why = f" ({findings[0]})" if findings else ""
        raise SetupError(f"{folder}: no usable ID photo in it{why}", "Name photos by number, such as 020411.jpg.")
    gallery = _gallery(people, fpir)
    return Selftest(
        people=len(people),
        photos=sum(map(len, people.values())),
        again=_again(people, gallery, findings),
        strangers=_strangers(people, fpir, findings),
        difficulty=gallery.difficulty,
        findings=tuple(findings),
    )


def _usable(folder: Path, backends: Backends, findings: list[Finding]) -> Iterator[Portrait]:
    source = find_portraits(folder, None)
    findings += source.findings
    for file in source.portraits:
        try:
            yield read_portrait(file, backends)
        except PhotoError as error:
            findings.append(Finding(file.name, None, f"not used: {error.what.removeprefix(f'{file.path}: ')}"))


def _gallery(people: _People, fpir: float, without: str | None = None) -> Gallery:
    firsts = [photos[0].reference(date.max) for number, photos in people.items() if number != without]
    return Gallery.from_references(firsts, fpir)


def _again(people: _People, gallery: Gallery, findings: list[Finding]) -> Searches:
    outcomes = [_named(photo, gallery, findings, "taken for") for photos in people.values() for photo in photos[1:]]
    return _counted(outcomes)


def _strangers(people: _People, fpir: float, findings: list[Finding]) -> Searches:
    """Leave each person out once, with the threshold that the others ask for."""
    outcomes = []
    for number, photos in people.items() if len(people) > 1 else ():
        gallery = _gallery(people, fpir, without=number)
        outcomes += [_named(photo, gallery, findings, "if not enrolled, taken for") for photo in photos]
    return _counted(outcomes)


def _named(photo: Portrait, gallery: Gallery, findings: list[Finding], how: str) -> bool | None:
    """Say whether a search names the right person; None where it names nobody."""
    found = gallery.identify(photo.probe)
    if found.outcome is not Outcome.MATCH:
        return None
    if found.subject_id != photo.number:
        nearest = found.candidates[0]
        findings.append(Finding(photo.name, None, f"{how} {nearest.subject_id} ({nearest.score:.2f})"))
    return found.subject_id == photo.number


def _counted(outcomes: Sequence[bool | None]) -> Searches:
    return Searches(len(outcomes), outcomes.count(True), outcomes.count(False))
