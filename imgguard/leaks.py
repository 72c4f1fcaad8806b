"""Hold any file against the allow-list of what may be published: its parts, its name, what the file system attaches.

Reads bytes and lengths only. What the picture itself shows, such as uncovered faces, is not looked at.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgguard.errors import PhotoError, SetupError
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.known_names import KnownNames
from imgguard.metadata import MetadataItem, credit_of, read_metadata, text_of
from imgguard.naming import telling_in, telling_in_credit
from imgguard.photo import read_content
from imgguard.planning import find_files
from imgguard.types import Format

# Attributes that the system itself puts onto every file.
_SYSTEM_ATTRIBUTES = ("security.", "system.", "trusted.", "com.apple.provenance")
_LEAVE_OUT = "Leave it out."


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What a file holds that a published one may not.

    Attributes:
        path: The file.
        container: What it is; None where it is nothing that could be published.
        leaks: What it tells besides its picture.
        reason: Why it could never be published, and what to do; None where it could.
        credit: The line of credit that it holds, which may be published unless it is among the leaks.
    """

    path: Path
    container: Format | None
    leaks: tuple[MetadataItem, ...]
    reason: str | None
    credit: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it is clean."""
        return not self.leaks and self.reason is None


def check_files(inputs: Sequence[Path], known: KnownNames) -> Iterator[FileCheck]:
    """Check files, and every file below folders; what lies beside photos is listed, too.

    Args:
        inputs: Files and folders.
        known: The people whose names count as telling.

    Raises:
        SetupError: if one of them is missing; those before it are checked.
    """
    for given in inputs:
        if not os.path.lexists(given):
            raise SetupError(f"{given}: there is no such file or folder", "Give files, or a folder that holds some.")
        for entry in find_files(given, prefix=False):
            if entry.error is not None:
                yield FileCheck(entry.path, None, (), _reason(entry.path, entry.error))
            elif entry.aside is not None:
                named = () if entry.path.is_dir() else name_leaks(entry.relative, known)
                yield FileCheck(entry.path, None, named, f"{entry.aside.what}. {_LEAVE_OUT}")
            else:
                yield check_file(entry.path, known, entry.relative)


def check_file(path: Path, known: KnownNames, relative: Path | None = None) -> FileCheck:
    """Check one file; never raises, whatever it is.

    Args:
        path: The file.
        known: The people whose names count as telling.
        relative: The part of its path that would be published with it; None for its name alone.
    """
    outside = (*name_leaks(relative or Path(path.name), known), *attribute_leaks(path))
    try:
        content = read_content(path)
        container = sniff_format(content[:HEAD_BYTES], path)
    except PhotoError as error:
        return FileCheck(path, None, outside, _reason(path, error))
    credit = credit_of(content, container)
    told = (*read_metadata(content, container), *credit_leaks(credit or "", known))
    return FileCheck(path, container, (*outside, *told), None, credit)


def name_leaks(relative: Path, known: KnownNames) -> tuple[MetadataItem, ...]:
    """List what the names of a file and of the folders above it tell."""
    named = [("folder name", part) for part in relative.parts[:-1]] + [("file name", relative.stem)]
    return tuple(
        MetadataItem(place, telling.what.value, text_of(telling.text))
        for place, name in named
        for telling in telling_in(name, known)
    )


def credit_leaks(credit: str, known: KnownNames) -> tuple[MetadataItem, ...]:
    """List what a line of credit tells that none has to."""
    return tuple(
        MetadataItem("credit", telling.what.value, text_of(telling.text))
        for telling in telling_in_credit(credit, known)
    )


def attribute_leaks(path: Path) -> tuple[MetadataItem, ...]:
    """List the extended attributes of a file, where the system can be asked; streams of NTFS are not seen."""
    found = []
    with contextlib.suppress(AttributeError, OSError):
        for name in os.listxattr(path):
            if not name.startswith(_SYSTEM_ATTRIBUTES):
                found.append(MetadataItem("attribute", text_of(name), text_of(os.getxattr(path, name))))
    return tuple(found)


def _reason(path: Path, error: PhotoError) -> str:
    return f"{error.what.removeprefix(f'{path}: ')}. {error.remedy}"
