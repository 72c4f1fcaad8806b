"""Publish new versions of photos on which somebody was visible who must not be seen any more.

The record knows photos by digest alone, so the originals are found by their bytes below a folder. A new version is
cleaned like any photo, by today's roster and the settings of the run that published the old one; and wherever the
record has somebody as visible who must be covered now, there is a cover, whoever they are taken for today.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from consent.errors import DestinationError, PolicyError, RosterError
from consent.model import Purpose, Subject
from consent.numbers import NumberIndex
from consent.policy import Decision
from consent.procedures import STRICT, Policy
from consent.reasons import Reason, Verdict
from consent.rechecking import forms_alone, shown_today
from consent.showings import PublishedFile, Showing
from consent.store import Store, read_published
from imgguard.errors import SetupError
from imgguard.guard import Guard
from imgguard.marking import marks_of
from imgguard.marks import Mark
from imgguard.planning import Job, Plan, find_files
from imgguard.publication import Publication, sign_off
from imgguard.recorder import refused
from imgguard.rules import Rules
from imgguard.sanitize import SUFFIXES
from imgguard.types import BoundingBox, Format, PhotoResult, Refusal, Required, Style

_ANOTHER_S = "is another published photo, which is not overwritten"


@dataclass(frozen=True, slots=True)
class Version:
    """A new version to be made of a published file.

    Attributes:
        file: The newest version that shows somebody who must be covered.
        required: Where people were visible who must be covered, in this version or an earlier one.
    """

    file: PublishedFile
    required: tuple[Required, ...]


@dataclass(frozen=True, slots=True)
class Originals:
    """Originals that were looked for.

    Attributes:
        found: Where each is, by digest.
        unread: Files that could not be read, so that they may be what is missing.
    """

    found: Mapping[str, Path]
    unread: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Redone:
    """What became of one file.

    Attributes:
        file: The file that was to be replaced.
        result: What was published in its place, or why it was refused; None where the original is missing.
    """

    file: PublishedFile
    result: PhotoResult | None


@dataclass(frozen=True, slots=True)
class Sources:
    """What new versions are made with.

    Attributes:
        school: The school file.
        originals: The folder below which the originals are.
        out: Where the new versions go.
        who: Further arguments of a `Guard`: roster, id_photos, old_id_photos, passphrase, on.
        students: People who are covered whatever their consent says.
        overwrite: Whether files that are there already are replaced.
        workers: Processes; None for one a core.
    """

    school: Path
    originals: Path
    out: Path
    who: Mapping[str, Any] = field(default_factory=dict)
    students: frozenset[str] = frozenset()
    overwrite: bool = False
    workers: int | None = None


def versions_to_make(
    everything: Collection[Showing],
    people: Mapping[str, Subject],
    on: date,
    *,
    students: Collection[str] = (),
    photos: Collection[str] = (),
    policies: Mapping[str, Policy] = MappingProxyType({}),
) -> tuple[Version, ...]:
    """Choose the files that need a new version, oldest first.

    Args:
        everything: Who is on which published file; see `consent.showings.showings`.
        people: Who is in today's roster, by number, withdrawals included; nobody who vanished from it.
        on: The day.
        students: Only files that show one of these, who are covered whatever their consent says; empty for everybody
            whose consent does not hold any more.
        photos: Only files of these digests, the original's or the published file's; empty for all.
        policies: The procedures by name; see `consent.rechecking.recheck`.

    Returns:
        A version for each file whose newest version still shows one of those people.
    """
    index, rules = NumberIndex(people), forms_alone(policies)

    def decision(showing: Showing) -> Decision | None:
        found = index.find(showing.subject_id)
        if showing.subject_id in students:
            return Decision(Verdict.COVER, Reason.WITHDRAWN, showing.subject_id)
        if found is None:
            return Decision(Verdict.COVER, Reason.BLANK, showing.subject_id)
        policy = rules.get(showing.file.policy, STRICT)
        today = shown_today(people[found.number], showing.file.purpose, on, policy)
        return today if today.verdict is Verdict.COVER else None

    lines: dict[int, dict[tuple[float, ...], Required]] = defaultdict(dict)
    due: dict[int, PublishedFile] = {}
    for showing in everything:
        why = decision(showing) if showing.visible else None
        if why is None:
            continue
        file = showing.file
        lines[file.newest].setdefault(showing.box, Required(BoundingBox(*showing.box), showing.score, why))
        meant = not students or showing.subject_id in students
        chosen = not photos or {file.source_sha256, file.output_sha256} & set(photos)
        if file.newest == file.photo_id and meant and chosen:
            due[file.photo_id] = file
    return tuple(Version(file, tuple(lines[photo_id].values())) for photo_id, file in sorted(due.items()))


def find_originals(
    folder: Path, wanted: Iterable[PublishedFile], looked_at: Callable[[int], None] = lambda count: None
) -> Originals:
    """Find originals by their digests below a folder; files whose names are alike are looked at first.

    Args:
        folder: Where to look; links are not followed.
        wanted: The published files whose originals are wanted.
        looked_at: Called with how many files have been looked at.

    Raises:
        SetupError: if there is no such folder.
    """
    if not folder.is_dir():
        raise SetupError(f"{folder}: there is no such folder", "Give the folder that holds the original photos.")
    wanted = tuple(wanted)
    missing = {file.source_sha256 for file in wanted}
    stems = {Path(file.name).stem.casefold() for file in wanted}
    entries = [entry for entry in find_files(folder, prefix=False) if entry.aside is None]
    unread = [entry.path for entry in entries if entry.error is not None]
    paths = [entry.path for entry in entries if entry.error is None]
    paths.sort(key=lambda path: path.stem.casefold() not in stems)
    found: dict[str, Path] = {}
    for count, path in enumerate(paths, 1):
        if not missing:
            break
        digest = _digest(path)
        if digest is None:
            unread.append(path)
        elif digest in missing:
            missing.discard(digest)
            found[digest] = path
        looked_at(count)
    return Originals(found, tuple(unread))


def _digest(path: Path) -> str | None:
    # A pipe would never be read to its end.
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def reclean(versions: Iterable[Version], originals: Originals, sources: Sources) -> Iterator[Redone]:
    """Make new versions and publish them under the old names; files whose originals are missing come first.

    Files of different runs that have one name get a folder each below the output folder.

    Raises:
        SetupError: if the folders cannot be used, or nobody can be recognised with what is given.
        RecordError: if the record cannot be written.
    """
    _check_apart(sources)
    versions = tuple(versions)
    here = tuple(version for version in versions if version.file.source_sha256 in originals.found)
    yield from (Redone(version.file, None) for version in versions if version not in here)
    for key, theirs in _by_settings(here, sources.school).items():
        yield from _run(key, theirs, originals, sources, _folders(here, sources.out))


@dataclass(frozen=True, slots=True)
class _Settings:
    """How the old versions were made, so that the new ones are made alike."""

    purpose: Purpose | None
    style: str
    container: str
    told: str
    publication: Publication


def _by_settings(versions: Iterable[Version], school: Path) -> dict[_Settings, list[Version]]:
    found: dict[_Settings, list[Version]] = defaultdict(list)
    with closing(Store(school)) as store:
        rows: Any = store.query(
            "SELECT id, style, settings, policy, destination, operator, sign_offs, attested FROM runs"
        )
    runs = {run_id: facts for run_id, *facts in rows}
    for version in versions:
        style, settings, policy, to, operator, agreed, attested = runs[version.file.run_id]
        sign_offs = tuple(map(sign_off, json.loads(agreed)))
        publication = Publication(policy, to or None, operator, sign_offs, bool(attested))
        found[_Settings(version.file.purpose, style, version.file.container, settings, publication)].append(version)
    return found


def _folders(versions: Iterable[Version], out: Path) -> dict[int, Path]:
    """Give each file the folder that its name is below; runs that have names in common get one each."""
    versions = tuple(versions)
    names = [_key(version.file.name) for version in versions]
    apart = len(set(names)) < len(names)
    return {v.file.photo_id: out / f"run-{v.file.run_id:04}" if apart else out for v in versions}


def _key(name: str) -> str:
    return name.casefold()


def _run(
    key: _Settings, versions: list[Version], originals: Originals, sources: Sources, folders: Mapping[int, Path]
) -> Iterator[Redone]:
    by_root: dict[Path, list[Version]] = defaultdict(list)
    for version in versions:
        by_root[folders[version.file.photo_id].resolve()].append(version)
    try:
        made = Guard(**_as_guard(key, sources))
    except (DestinationError, PolicyError, RosterError) as error:
        # A destination was closed since, or the roster has that purpose or group no more: what is there has to go all
        # the same, and the other versions are made.
        for version in versions:
            source = originals.found[version.file.source_sha256]
            yield Redone(version.file, refused(source, Refusal("not_published_there", error.what, error.remedy)))
        return
    with made as guard:
        for root, theirs in by_root.items():
            said = {one.file.photo_id: marks_of(sources.school, one.file.photo_id) for one in theirs}
            guard.rules = _strict(guard.rules, theirs, sources.students, said)
            makers = read_published(sources.school) if sources.overwrite else {}
            for version in (one for one in theirs if _is_another_s(root, one.file, makers)):
                source, what = originals.found[version.file.source_sha256], f"{root / version.file.name}: {_ANOTHER_S}"
                yield Redone(
                    version.file, refused(source, Refusal("another_photo_there", what, "Choose another folder."))
                )
            theirs = [one for one in theirs if not _is_another_s(root, one.file, makers)]
            plan, files = _plan(root, theirs, originals, _names(sources.school))
            for result in guard.run(plan, overwrite=sources.overwrite, workers=sources.workers):
                yield Redone(files[result.source, result.target] if result.target else _of(files, result), result)


def _is_another_s(root: Path, file: PublishedFile, makers: Mapping[str, frozenset[str]]) -> bool:
    """Tell whether the record knows what is there already as made from another photo: that is never overwritten."""
    path = root / file.name
    if not makers or not file.name or path.is_symlink() or not path.is_file():
        return False
    known = makers.get(_digest(path) or "", frozenset())
    return bool(known) and file.source_sha256 not in known


def _of(files: Mapping[tuple[Path, Path | None], PublishedFile], result: PhotoResult) -> PublishedFile:
    return next(file for (source, _), file in files.items() if source == result.source)


def _as_guard(key: _Settings, sources: Sources) -> dict[str, Any]:
    told = json.loads(key.told)
    # Of a picture that lay over faces the record has no copy.
    style = Style.BLUR if key.style == Style.IMAGE else Style(key.style)
    known: dict[str, Any] = {name: told[name] for name in ("cover", "covered", "search") if told.get(name)}
    known |= {"groups": tuple(told["groups"].split(", "))} if told.get("groups") else {}
    known |= {"fpir": float(told["fpir"])} if told.get("fpir") else {}
    return {
        **known, "purpose": key.purpose, "style": style, "format": key.container or None, "names": "keep",
        "credit": told.get("credit") or None, "keep_orientation_tag": bool(told.get("keep_orientation_tag")),
        "school": sources.school, "publication": key.publication, **sources.who,
    }  # fmt: skip


def _strict(
    rules: Rules, versions: Iterable[Version], students: Collection[str], said: Mapping[int, tuple[Mark, ...]]
) -> Rules:
    """What a person said of the old versions holds for the new ones, too, as far as it may."""
    required: dict[str, tuple[Required, ...]] = defaultdict(tuple)
    marks: dict[str, tuple[Mark, ...]] = defaultdict(tuple)
    for version in versions:
        required[version.file.source_sha256] += version.required
        marks[version.file.source_sha256] += said[version.file.photo_id]
    index = NumberIndex(rules.subjects)
    meant = {found.number for number in students if (found := index.find(number))}
    never = {number: replace(rules.subjects[number], withdrawn=frozenset(Purpose)) for number in meant}
    known = {sha256: tuple(_of_today(mark, index) for mark in theirs) for sha256, theirs in marks.items()}
    return replace(rules, required=dict(required), subjects={**rules.subjects, **never}, marks=known)


def _of_today(mark: Mark, index: NumberIndex) -> Mark:
    """Give what was said with the number that today's roster writes."""
    found = index.find(mark.subject_id) if mark.subject_id else None
    return replace(mark, subject_id=found.number) if found else mark


def _names(school: Path) -> Mapping[int, Path]:
    """Give the own names of photos that were published under neutral ones."""
    with closing(Store(school)) as store:
        rows: Any = store.query("SELECT photo_id, source_name FROM renamed")
    return {photo_id: Path(name) for photo_id, name in rows}


def _plan(
    root: Path, versions: Iterable[Version], originals: Originals, own_names: Mapping[int, Path]
) -> tuple[Plan, dict[tuple[Path, Path | None], PublishedFile]]:
    jobs, files = [], dict[tuple[Path, Path | None], PublishedFile]()
    for version in versions:
        file = version.file
        source = originals.found[file.source_sha256]
        target = root / (file.name or f"{file.source_sha256[:12]}{SUFFIXES[Format(file.container)]}")
        jobs.append(Job(source, target, own_names.get(file.photo_id), replaces=file.photo_id))
        files[source, target] = file
    inputs = frozenset(job.source.resolve() for job in jobs)
    return Plan(tuple(jobs), (), (), root, inputs, names_file=False), files


def _check_apart(sources: Sources) -> None:
    out = sources.out.resolve()
    apart = (
        (sources.originals, "folder of originals"),
        (sources.school, "school file"),
        (sources.who.get("id_photos"), "folder of ID photos"),
    )
    for path, what in apart:
        if path is None:
            continue
        own = Path(path).resolve()
        if own.is_relative_to(out) or out.is_relative_to(own):
            raise SetupError(
                f"The {what} {path} and the output folder {sources.out} lie inside each other",
                "Choose an output folder that holds nothing but what is to be published.",
            )


def parted(results: Iterable[Redone]) -> tuple[list[Redone], list[Redone], list[Redone]]:
    """Part results into those that were published, those that were refused, and those whose originals are missing."""
    published, refused, missing = list[Redone](), list[Redone](), list[Redone]()
    for one in results:
        home = missing if one.result is None else refused if one.result.refusal else published
        home.append(one)
    return published, refused, missing
