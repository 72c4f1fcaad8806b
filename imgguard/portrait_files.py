"""What a source of ID photos comes to: whose each file is, how that is known, and what is left to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from consent.roster import Finding
from imgguard.photo import read_content


class Stored(Protocol):
    """A file, in a folder or inside of a zip, that is read when it is needed."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Its folders below the source and its name, as written there."""

    @property
    def path(self) -> Path:
        """What messages name it by; of a file inside of a zip, the zip with the file's place behind it."""

    def read(self) -> bytes:
        """Read it whole.

        Raises:
            PhotoError: if it cannot be read, or has more bytes than is good for anybody.
        """


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file in a folder; see `Stored`."""

    path: Path
    parts: tuple[str, ...]

    def read(self) -> bytes:
        """Read it; see `imgguard.photo.read_content`."""
        return read_content(self.path)


class Joined(StrEnum):
    """How a file's number was found among the roster's."""

    EXACT = "exact"
    ZEROS = "zeros left out"


@dataclass(frozen=True, slots=True)
class PortraitFile:
    """An ID photo that has not been opened yet, and whose it is.

    Attributes:
        number: The person, as the roster writes the number.
        stored: Where it lies.
        rank: Its place among the person's photos, from 1.
        joined: How the number was found.
        written: The number as the file's name or the index writes it.
        row: The row of the index that says so; None where the file's own name does.
    """

    number: str
    stored: Stored
    rank: int = 1
    joined: Joined = Joined.EXACT
    written: str = ""
    row: int | None = None

    @property
    def path(self) -> Path:
        """What messages name it by."""
        return self.stored.path

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.stored.parts[-1]

    def read(self) -> bytes:
        """Read it whole; nothing of a zip is written to the disk for it.

        Raises:
            PhotoError: if it cannot be read, or is too large.
        """
        return self.stored.read()


@dataclass(frozen=True, slots=True)
class PortraitSource:
    """What was found where ID photos are kept.

    Attributes:
        kind: What it is taken for, in a word or two.
        evidence: What it was recognised by, and what each column was taken for; to be shown.
        portraits: The photos that are somebody's for certain: a person's first one before the further ones.
        findings: What a person should look at.
        remarks: What is only worth knowing.
    """

    kind: str
    evidence: str
    portraits: tuple[PortraitFile, ...]
    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...] = ()

    def __iter__(self) -> Iterator[PortraitFile]:
        """Go through the photos."""
        return iter(self.portraits)
