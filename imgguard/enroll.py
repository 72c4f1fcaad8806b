"""Make references of ID photos: who is in the roster, may be recognised, and is alone in a usable picture."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consent.model import Reference, Subject
from consent.roster import Finding, Roster
from imgguard.detect import find_faces
from imgguard.embed import make_probe
from imgguard.errors import PhotoError, SetupError
from imgguard.identify import average
from imgguard.photo import load_photo
from imgguard.scales import Look, Pass
from imgguard.threshold import SAME_PERSON

if TYPE_CHECKING:
    from imgguard.backends import Backends
    from imgguard.types import Detection, Probe

# A portrait fills its picture, so small scales do, and no second opinion is needed on it.
PORTRAIT_LOOK = Look((Pass(640), Pass(320)), turned=False, second_opinion=False)
# Somebody this much smaller than the portrait stands far behind or hangs on the wall.
_BYSTANDER = 1 / 3
# Beyond this, two numbers stand for one face as far as can be told: the lead that a match needs is out of reach.
_SAME_TEMPLATE = 0.85
_STEM = re.compile(r"(?P<number>.+?)(\(\d+\))?")


_Named = tuple[str, Reference]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What came of a folder of ID photos: references in memory, and what a person should look at."""

    references: tuple[Reference, ...]
    findings: tuple[Finding, ...]


def enroll(folder: Path, roster: Roster, backends: Backends, on: date) -> Enrolment:
    """Build references from a folder of ID photos named by student number: `020411.jpg`, `020411(2).jpg`.

    Photos of people who may not be recognised are not even opened.

    Args:
        folder: The ID photos, in any sub-folders.
        roster: Says who may be enrolled.
        backends: The models.
        on: The day of the run; references made here are good for it alone.

    Raises:
        SetupError: if the folder cannot be read.
    """
    references: list[_Named] = []
    findings: list[Finding] = []
    for path in _files(folder):
        subject = roster.subjects.get(_number(path))
        if subject is None:
            findings.append(Finding(path.name, None, f"no row in {roster.path.name} has this number: not used"))
        elif subject.biometric_ok:
            try:
                references.append((path.name, _reference(path, subject, backends, on)))
            except PhotoError as error:
                findings.append(Finding(path.name, None, f"not used: {error.what.removeprefix(f'{path}: ')}"))
    agreeing = _without_contradictions(references, findings)
    usable = _without_look_alikes(agreeing, roster.path.name, findings)
    findings += _without_photo(roster, {reference.subject_id for _, reference in usable})
    return Enrolment(tuple(reference for _, reference in usable), tuple(findings))


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise SetupError(f"{folder}: there is no such folder of ID photos", "Give the folder with the ID photos.")

    def fail(error: OSError) -> None:
        raise SetupError(f"{error.filename}: cannot be read ({error.strerror})", "Allow yourself to read the folder.")

    for place, folders, files in os.walk(folder, onerror=fail):
        folders.sort()
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def _without_contradictions(references: list[_Named], findings: list[Finding]) -> list[_Named]:
    """Leave out people whose ID photos show different people: nobody can tell which of them is right."""
    by_person: dict[str, list[_Named]] = defaultdict(list)
    for name, reference in references:
        by_person[reference.subject_id].append((name, reference))
    agreeing = []
    for subject_id, theirs in by_person.items():
        pairs = combinations(theirs, 2)
        odd = [(one, other) for (one, a), (other, b) in pairs if _similarity(a, b) < SAME_PERSON]
        if odd:
            names = " and ".join(odd[0])
            what = f"{names} do not show the same person: {subject_id} is not enrolled and will always be covered"
            findings.append(Finding(names, None, what))
        else:
            agreeing += theirs
    return agreeing


def _without_look_alikes(references: list[_Named], source: str, findings: list[Finding]) -> list[_Named]:
    """Leave out people whom nobody could tell apart: one photo filed under two numbers, or twins."""
    people = average(reference for _, reference in references)
    ids = people.subject_ids
    alike = np.argwhere(np.triu(people.means @ people.means.T, 1) >= _SAME_TEMPLATE)
    doubtful: set[str] = set()
    for one, other in ((ids[i], ids[j]) for i, j in alike):
        doubtful |= {one, other}
        what = f"{one} and {other} look the same on their ID photos (one photo filed twice, or twins): both are covered"
        findings.append(Finding(source, None, what))
    return [(name, reference) for name, reference in references if reference.subject_id not in doubtful]


def _similarity(one: Reference, other: Reference) -> float:
    return float(np.frombuffer(one.template, "<f4") @ np.frombuffer(other.template, "<f4"))


def _number(path: Path) -> str:
    match = _STEM.fullmatch(path.stem)
    return match["number"].strip() if match else path.stem


def _reference(path: Path, subject: Subject, backends: Backends, on: date) -> Reference:
    probe = _portrait(path, backends)
    if probe.embedding is None:
        raise PhotoError(f"{path}: its face is {probe.quality.fault}", "Take a new ID photo.")
    template = probe.embedding.vector.astype("<f4").tobytes()
    return Reference(subject.subject_id, template, probe.embedding.model_id, taken_on=None, expires_on=on)


def _portrait(path: Path, backends: Backends) -> Probe:
    photo = load_photo(path)
    faces = _in_front(find_faces(photo.pixels, backends, PORTRAIT_LOOK))
    if len(faces) != 1:
        what = "no face found" if not faces else f"{len(faces)} faces in it"
        raise PhotoError(f"{path}: {what}", "Use a picture with this one person.")
    return make_probe(photo.pixels, faces[0], backends)


def _in_front(faces: tuple[Detection, ...]) -> list[Detection]:
    largest = max((face.box.side for face in faces), default=0.0)
    return [face for face in faces if face.box.side >= largest * _BYSTANDER]


def _without_photo(roster: Roster, enrolled: set[str]) -> Iterator[Finding]:
    for subject in roster.subjects.values():
        if subject.biometric_ok and subject.subject_id not in enrolled:
            what = f"{subject.subject_id} has no usable ID photo: will always be covered"
            yield Finding(roster.path.name, None, what)
