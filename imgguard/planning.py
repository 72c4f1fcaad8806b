"""Plan a run: which files are photos, and where each goes. Nothing is left out without being listed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgguard.errors import (
    LinkRefused,
    NotAPhoto,
    PhotoEmpty,
    PhotoError,
    PhotoUnreadable,
    SetupError,
    link_refused,
    unreadable,
)
from imgguard.formats import HEAD_BYTES, sniff_format
from imgguard.naming import Telling, telling_in
from imgguard.places import Remote, there
from imgguard.remote_files import find_remote
from imgguard.sanitize import output_format
from imgguard.sidecars import Aside, is_aside_folder, sidecar, stems
from imgguard.targets import SAME_FORMAT, Naming, Targets, Wish
from imgguard.types import Format, Names

_KEEP_NAMES = Naming(Names.KEEP)
# A file with such a name is meant to be a photo: if its bytes are not, that is a refusal, not some other file.
_PHOTO_SUFFIXES = set[str]().union(*SAME_FORMAT.values())


@dataclass(frozen=True, slots=True)
class Job:
    """One photo and the place where its cleaned version goes.

    Attributes:
        source: The photo.
        target: Where its cleaned version goes.
        replaced: Its place below the input, where a name of it was replaced by a neutral one; else None.
        unknown: Whether there is a file at the target of which the record does not know from which photo it was made.
        replaces: Number in the record of the published photo whose place it takes; None where it takes none's.
    """

    source: Path
    target: Path
    replaced: Path | None = None
    unknown: bool = False
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do.

    Attributes:
        jobs: Photos to be cleaned, each with a target of its own.
        refused: Files that are refused already, with the reason.
        others: Files that are not photos and are left where they are, with what they are.
        out: The output folder, resolved.
        inputs: Resolved paths of every file that was looked at.
        names_file: Whether the output was given as the name of one file; its folder then holds other things too.
        telling: What that name gives away; it is kept all the same, since somebody chose it.
    """

    jobs: tuple[Job, ...]
    refused: tuple[tuple[Path, PhotoError], ...]
    others: tuple[Aside, ...]
    out: Path
    inputs: frozenset[Path]
    names_file: bool
    telling: tuple[Telling, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that was found: its place below the output, why it cannot be looked at, what else it is, how it begins."""

    path: Path
    relative: Path
    error: PhotoError | None = None
    aside: Aside | None = None
    head: bytes | None = None


def plan_run(
    inputs: Sequence[Path],
    out: Path,
    wanted: Format | None,
    naming: Naming = _KEEP_NAMES,
    chosen: Callable[[Path], bool] | None = None,
) -> Plan:
    """Plan a run over photos and folders.

    The tree below a folder is mirrored in the output. Given several inputs, each folder gets one of its own name.

    Args:
        inputs: Photos and folders.
        out: The output folder; for a single photo, a file name such as `clean.jpg` will do.
        wanted: The container to write; None for each source's own.
        naming: Which names are replaced by neutral ones.
        chosen: Says which of the files that are found are meant; None for all. Then there may be none.

    Raises:
        SetupError: if an input is missing, the output folder lies inside an input, or there is no photo at all.
    """
    single_file = _as_single_file(inputs, out)
    root = _resolved(single_file.parent if single_file else out)
    for given in inputs:
        _check_apart(given, root)
    found = [entry for given in inputs for entry in find_files(given, prefix=len(inputs) > 1)]
    wishes: list[Wish] = []
    refused: list[tuple[Path, PhotoError]] = []
    others: list[Aside] = []
    for entry in found:
        if chosen and not chosen(entry.path):
            continue
        try:
            if entry.aside is not None:
                others.append(entry.aside)
            else:
                wishes.append(_wish(entry, wanted))
        except (NotAPhoto, PhotoEmpty) as problem:
            if entry.path.suffix.lower() in _PHOTO_SUFFIXES or entry.path in inputs:
                refused.append((entry.path, problem))
            else:
                others.append(Aside(entry.path, ""))
        except PhotoError as problem:
            refused.append((entry.path, problem))
    if not (wishes or refused or chosen):
        raise SetupError(f"{', '.join(map(str, inputs))}: no photo in it", "Give photos, or a folder that holds some.")
    if single_file:
        jobs = tuple(Job(wish.source, root / single_file.name) for wish in wishes)
    else:
        jobs = _jobs(root, naming, wishes)
    seen = frozenset(_places_of((entry.path for entry in found if entry.error is None), given=inputs))
    keeps = single_file is None or naming.names is Names.KEEP
    telling = () if keeps else telling_in(out.stem, naming.known)
    return Plan(jobs, tuple(refused), tuple(others), root, seen, single_file is not None, telling)


def _places_of(paths: Iterable[Path], given: Sequence[Path]) -> Iterator[Path]:
    """Resolve many files of few folders; below a folder none is a link, what was given itself may be."""
    folders: dict[Path, Path] = {}
    for path in paths:
        if path in given:
            yield path.resolve()
            continue
        if path.parent not in folders:
            folders[path.parent] = path.parent.resolve()
        yield folders[path.parent] / path.name


def _wish(entry: Entry, wanted: Format | None) -> Wish:
    if entry.error is not None:
        raise entry.error
    return Wish(entry.path, entry.relative, output_format(_sniffed(entry), wanted))


def _sniffed(entry: Entry) -> Format:
    return _sniff(entry.path) if entry.head is None else sniff_format(entry.head, entry.path)


def _jobs(root: Path, naming: Naming, wishes: Sequence[Wish]) -> tuple[Job, ...]:
    targets = Targets(root, naming, wishes)
    return tuple(
        Job(wish.source, root / place, wish.relative if targets.is_neutral(wish) else None, targets.is_unknown(place))
        for wish, place in zip(wishes, targets.assign(), strict=True)
    )


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
    return next((container for container, suffixes in SAME_FORMAT.items() if path.suffix.lower() in suffixes), None)


def _check_apart(given: Path, root: Path) -> None:
    if not there(given):
        raise SetupError(f"{given}: there is no such file or folder", "Give photos, or a folder that holds some.")
    if given.is_dir() and root.is_relative_to(given.resolve()):
        raise SetupError(
            f"The output folder {root} lies inside the input folder {given}",
            "Choose an output folder somewhere else, or cleaned photos and originals get mixed up.",
        )


def find_files(given: Path, *, prefix: bool) -> Iterator[Entry]:
    """Yield a file, or each below a folder, with its place and why it cannot be looked at, if so.

    Args:
        given: A file or folder.
        prefix: Whether places begin with the folder's own name.
    """
    base = Path(given.resolve().name) if prefix else Path()
    if isinstance(given, Remote):
        yield from (Entry(*found) for found in find_remote(given, base, _sidecars))
        return
    if not given.is_dir():
        yield Entry(given, Path(given.name), _loop(given))
        return
    failures: list[OSError] = []
    for place, folders, files in os.walk(given, onerror=failures.append):
        here = Path(place)
        links = [folder for folder in folders if (here / folder).is_symlink()]
        aside = [folder for folder in folders if is_aside_folder(folder) and folder not in links]
        folders[:] = sorted(set(folders) - set(aside))
        photos = stems(files, _PHOTO_SUFFIXES)
        for name in sorted([*files, *links, *aside]):
            path, relative = here / name, base / (here / name).relative_to(given)
            yield Entry(path, relative, error := _link(path), None if error else sidecar(path, photos))
        yield from map(_unseen, failures)
        failures.clear()
    yield from map(_unseen, failures)


def _sidecars(names: Sequence[str]) -> Callable[[Path], Aside | None]:
    photos = stems(names, _PHOTO_SUFFIXES)
    return lambda path: sidecar(path, photos)


def _unseen(failure: OSError) -> Entry:
    return Entry(Path(failure.filename), Path(), unreadable(Path(failure.filename), failure))


def _link(path: Path) -> PhotoError | None:
    if path.is_symlink():
        return link_refused(path)
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
