"""Read ID photos: one usable face in each, of the person whose number the file has."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from consent.model import Reference
from imgguard.detect import find_faces
from imgguard.embed import make_probe
from imgguard.errors import PhotoError, SetupError
from imgguard.metadata import day_taken
from imgguard.photo import load_content
from imgguard.scales import Look, Pass

if TYPE_CHECKING:
    from imgguard.backends import Backends
    from imgguard.portrait_files import PortraitFile
    from imgguard.types import Detection, Embedding, Probe

# A portrait fills its picture, so small scales do, and no second opinion is needed on it.
PORTRAIT_LOOK = Look((Pass(640), Pass(320)), turned=False, second_opinion=False)
# Somebody this much smaller than the portrait stands far behind or hangs on the wall.
_BYSTANDER = 1 / 3
_STEM = re.compile(r"(?P<number>.+?)(\((?P<further>\d{1,9})\))?")


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """An ID photo with one usable face.

    Attributes:
        name: The file's name.
        number: Whose it is.
        taken_on: The day it was taken, None where it does not tell.
        probe: The face.
        embedding: The face's embedding.
    """

    name: str
    number: str
    taken_on: date | None
    probe: Probe
    embedding: Embedding

    def reference(self, expires_on: date) -> Reference:
        """Make a reference of it that may be used until a day."""
        template = self.embedding.vector.astype("<f4").tobytes()
        return Reference(self.number, template, self.embedding.model_id, self.taken_on, expires_on)


def portrait_files(folder: Path) -> Iterator[Path]:
    """List a folder's files and those of its sub-folders: a person's first ID photo before the further ones.

    Raises:
        SetupError: if the folder cannot be read.
    """
    if not folder.is_dir():
        raise SetupError(f"{folder}: there is no such folder of ID photos", "Give the folder with the ID photos.")

    def fail(error: OSError) -> None:
        raise SetupError(f"{error.filename}: cannot be read ({error.strerror})", "Allow yourself to read the folder.")

    for place, folders, files in os.walk(folder, onerror=fail):
        folders.sort()
        names = (name for name in files if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names, key=lambda name: (*name_parts(name), name)))


def number_of(path: Path) -> str:
    """Give the student or staff number that a file is named by.

    >>> number_of(Path("020411(2).jpg"))
    '020411'
    """
    return name_parts(path.name)[0]


def name_parts(name: str) -> tuple[str, int]:
    """Split a file's name into a number and which of the person's photos it is.

    >>> name_parts("020411(2).jpg")
    ('020411', 2)
    """
    stem = PurePath(name).stem
    match = _STEM.fullmatch(stem)
    return (match["number"].strip(), int(match["further"] or 1)) if match else (stem, 1)


def read_portrait(file: PortraitFile, backends: Backends, too_old_before: date | None = None) -> Portrait:
    """Read one ID photo.

    Args:
        file: The file, in a folder or inside of a zip.
        backends: The models.
        too_old_before: The first day that is not too long ago; None where age does not matter.

    Raises:
        PhotoError: if it cannot be read, is too old, or shows nobody, several people, or a face that cannot be
            compared.
    """
    path = file.path
    photo = load_content(file.read(), path)
    taken_on = day_taken(photo)
    if taken_on and too_old_before and taken_on < too_old_before:
        raise too_old(path, taken_on)
    faces = _in_front(find_faces(photo.pixels, backends, PORTRAIT_LOOK))
    if len(faces) != 1:
        what = "no face found" if not faces else f"{len(faces)} faces in it"
        raise PhotoError(f"{path}: {what}", "Use a picture with this one person.")
    probe = make_probe(photo.pixels, faces[0], backends)
    if probe.embedding is None:
        fault = probe.quality.fault if probe.quality else None
        raise PhotoError(f"{path}: its face is {fault}", "Take a new ID photo.")
    return Portrait(file.name, file.number, taken_on, probe, probe.embedding)


def too_old(path: Path, taken_on: date) -> PhotoError:
    """Say that an ID photo was taken too long ago."""
    what = f"{path}: taken on {taken_on}, too long ago to know somebody by"
    return PhotoError(what, "Take a new ID photo, or have old ones used (--old-id-photos)")


def _in_front(faces: tuple[Detection, ...]) -> list[Detection]:
    largest = max((face.box.side for face in faces), default=0.0)
    return [face for face in faces if face.box.side >= largest * _BYSTANDER]
