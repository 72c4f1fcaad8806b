"""Plan a run: which files are photos, and where each goes. Nothing is left out without being listed."""

from __future__ import annotations

import itertools
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgguard.errors import (
    LinkRefused,
    NotAPhoto,
    PhotoEmpty,
    PhotoError,
    PhotoUnreadable,
    SetupError,
    unreadable,
)
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.sanitize import SUFFIXES, output_format
from imgguard.types import Format

# In bytes, on the usual file systems.
_LONGEST_NAME = 255
_SAME_FORMAT = {
    Format.JPEG: {".jpg", ".jpeg", ".jpe", ".jfif"},
    Format.PNG: {".png"},
    Format.WEBP: {".webp"},
    Format.GIF: {".gif"},
    Format.TIFF: {".tif", ".tiff"},
    Format.BMP: {".bmp", ".dib"},
    Format.HEIF: {".heic", ".heif", ".hif"},
    Format.AVIF: {".avif"},
}
# A file with such a name is meant to be a photo: if its bytes are not, that is a refusal, not some other file.
_PHOTO_SUFFIXES = set[str]().union(*_SAME_FORMAT.values())


@dataclass(frozen=True, slots=True)
class Job:
    """One photo and the place where its cleaned version goes."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do.

    Attributes:
        jobs: Photos to be cleaned, each with a target of its own.
        refused: Files that are refused already, with the reason.
        others: Files that are not photos and are left where they are.
        out: The output folder, resolved.
        inputs: Resolved paths of every file that was looked at.
        names_file: Whether the output was given as the name of one file; its folder then holds other things too.
    """

    jobs: tuple[Job, ...]
    refused: tuple[tuple[Path, PhotoError], ...]
    others: tuple[Path, ...]
    out: Path
    inputs: frozenset[Path]
    names_file: bool


def plan_run(inputs: Sequence[Path], out: Path, wanted: Format | None) -> Plan:
    """Plan a run over photos and folders.

    The tree below a folder is mirrored in the output. Given several inputs, each folder gets one of its own name.

    Args:
        inputs: Photos and folders.
        out: The output folder; for a single photo, a file name such as `clean.jpg` will do.
        wanted: The container to write; None for each source's own.

    Raises:
        SetupError: if an input is missing, the output folder lies inside an input, or there is no photo at all.
    """
    single_file = _as_single_file(inputs, out)
    root = _resolved(single_file.parent if single_file else out)
    for given in inputs:
        _check_apart(given, root)
    found = [entry for given in inputs for entry in _entries(given, prefix=len(inputs) > 1)]
    targets = _Targets(root, (folder for _, relative, _ in found for folder in relative.parents))
    jobs: list[Job] = []
    refused: list[tuple[Path, PhotoError]] = []
    others: list[Path] = []
    for source, relative, error in found:
        try:
            if error is not None:
                raise error
            container = output_format(_sniff(source), wanted)
        except (NotAPhoto, PhotoEmpty) as problem:
            if source.suffix.lower() in _PHOTO_SUFFIXES or source in inputs:
                refused.append((source, problem))
            else:
                others.append(source)
        except PhotoError as problem:
            refused.append((source, problem))
        else:
            target = root / single_file.name if single_file else targets.claim(relative, container)
            jobs.append(Job(source, target))
    if not (jobs or refused):
        raise SetupError(f"{', '.join(map(str, inputs))}: no photo in it", "Give photos, or a folder that holds some.")
    seen = frozenset(source.resolve() for source, _, error in found if error is None)
    return Plan(tuple(jobs), tuple(refused), tuple(others), root, seen, single_file is not None)


def _as_single_file(inputs: Sequence[Path], out: Path) -> Path | None:
    if len(inputs) == 1 and inputs[0].is_file() and format_of_name(out) is not None and not out.is_dir():
        return out
    return None


def _resolved(out: Path) -> Path:
    try:
        return out.resolve()
    except (OSError, RuntimeError) as error:
        raise SetupError(f"The output folder {out} is a link that leads in a circle", "Choose another one.") from error


def format_of_name(path: Path) -> Format | None:
    """Tell which container a file name asks for, such as PNG for `clean.png`."""
    return next((container for container, suffixes in _SAME_FORMAT.items() if path.suffix.lower() in suffixes), None)


def _check_apart(given: Path, root: Path) -> None:
    if not os.path.lexists(given):
        raise SetupError(f"{given}: there is no such file or folder", "Give photos, or a folder that holds some.")
    if given.is_dir() and root.is_relative_to(given.resolve()):
        raise SetupError(
            f"The output folder {root} lies inside the input folder {given}",
            "Choose an output folder somewhere else, or cleaned photos and originals get mixed up.",
        )


def _entries(given: Path, *, prefix: bool) -> Iterator[tuple[Path, Path, PhotoError | None]]:
    """Yield each file with its place relative to the output folder, and why it cannot be looked at, if so."""
    if not given.is_dir():
        yield given, Path(given.name), _loop(given)
        return
    base = Path(given.resolve().name) if prefix else Path()
    failures: list[OSError] = []
    for place, folders, files in os.walk(given, onerror=failures.append):
        folders.sort()
        here = Path(place)
        for name in sorted([*files, *(folder for folder in folders if (here / folder).is_symlink())]):
            path = here / name
            yield path, base / path.relative_to(given), _link(path)
        for failure in failures:
            yield Path(failure.filename), Path(), unreadable(Path(failure.filename), failure)
        failures.clear()
    for failure in failures:
        yield Path(failure.filename), Path(), unreadable(Path(failure.filename), failure)


def _link(path: Path) -> PhotoError | None:
    if path.is_symlink():
        return LinkRefused(f"{path}: is a link, which is not followed", "Give the file or folder it points to.")
    return None


def _loop(path: Path) -> PhotoError | None:
    try:
        path.resolve(strict=True)
    except (OSError, RuntimeError):
        return LinkRefused(f"{path}: is a link that leads nowhere or in a circle", "Give the photo itself.")
    return None


def _sniff(path: Path) -> Format:
    if not path.is_file():
        raise PhotoUnreadable(f"{path}: not a regular file", "Give a photo file.")
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    return sniff_format(head, path)


class _Targets:
    """Gives every input a name of its own, also where a file system ignores case or normalises names."""

    def __init__(self, root: Path, folders: Iterable[Path]) -> None:
        self._root = root
        self._taken = {_key(folder) for folder in folders}

    def claim(self, relative: Path, container: Format) -> Path:
        keeps = relative.suffix.lower() in _SAME_FORMAT[container]
        suffix = relative.suffix if keeps else SUFFIXES[container]
        for name in _numbered(relative.stem, suffix):
            target = relative.with_name(name)
            key = _key(target)
            if key not in self._taken:
                self._taken.add(key)
                return self._root / target
        raise AssertionError("numbered names never end")


def _key(place: Path) -> str:
    return unicodedata.normalize("NFC", str(place)).casefold()


def _numbered(stem: str, suffix: str) -> Iterable[str]:
    for number in itertools.count(1):
        tail = suffix if number == 1 else f"-{number}{suffix}"
        yield _shortened(stem, _LONGEST_NAME - len(os.fsencode(tail))) + tail


def _shortened(stem: str, longest: int) -> str:
    return os.fsdecode(os.fsencode(stem)[:longest]) if len(os.fsencode(stem)) > longest else stem
