"""What the school file knows of one run, for a report that somebody can be shown."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from consent.errors import RecordError
from consent.reasons import Reason, Verdict
from consent.showings import published_files
from consent.store import Override, Reliance, Store

LAST = "last"
# From so many letters on, a name is looked for inside of other words, too.
_LONG = 4
# The kind of a photo that was left alone, as imgguard.output has it: nothing was wrong with it.
_THERE_ALREADY = "output_exists"
_RELIANCE = tuple(field.name for field in fields(Reliance))
_OVERRIDE = tuple(field.name for field in fields(Override))


@dataclass(frozen=True, slots=True)
class FaceFacts:
    """One face.

    Attributes:
        verdict: "keep" or "cover".
        reason: Why; see `consent.reasons.Reason`.
        clause: The clause of the policy behind it; empty where it names none.
        subject_id: Who it was found to be; None for nobody, or for somebody who was forgotten since.
        relied: The consents that a visible face stands on.
    """

    verdict: str
    reason: str
    clause: str
    subject_id: str | None
    relied: tuple[Reliance, ...]

    @property
    def kept(self) -> bool:
        """Whether somebody's face is to be seen."""
        return self.verdict == Verdict.KEEP and not self.no_face

    @property
    def covered(self) -> bool:
        """Whether it is covered."""
        return self.verdict == Verdict.COVER

    @property
    def no_face(self) -> bool:
        """Whether a person found that it is no face."""
        return self.reason == Reason.NOBODY_THERE


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """One photo of a run, published or refused.

    Attributes:
        photo_id: Its row in the school file.
        recorded_at: When, UTC, ISO 8601.
        refusal: Why it was refused, as a kind; None where it was published.
        source_sha256: Digest of the original; None where it could not be read.
        output_sha256: Digest of the published file; None where there is none.
        published_name: Its place below the output folder; empty where there is none, or it is not told.
        format: The container, such as "jpeg"; empty where there is none.
        replaces: The earlier publication that it takes the place of; None for none.
        replaced_by: The newest version that took its place; None for none.
        taken_down_on: The day on which somebody said that it is not to be seen any more; None where nobody did.
        faces: Every face, from left to right.
        overrides: What a person said of it, in order.
    """

    photo_id: int
    recorded_at: str
    refusal: str | None
    source_sha256: str | None
    output_sha256: str | None
    published_name: str
    format: str
    replaces: int | None
    replaced_by: int | None
    taken_down_on: date | None
    faces: tuple[FaceFacts, ...]
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a run published to, as the registry has it.

    Attributes:
        name: Its name; empty where none was told.
        address: Address or account; empty where it is not registered.
        manager: Who manages it.
        approved_by: Who approved it.
        approved_on: When.
    """

    name: str
    address: str = ""
    manager: str = ""
    approved_by: str = ""
    approved_on: str = ""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run.

    Attributes:
        run_id: Its number.
        school: The school's title; empty where none was given.
        started_at: When it began, UTC, ISO 8601.
        finished_at: When it ended; None where it was stopped, or is still going on.
        imgguard_version: What made it.
        purpose: What for; None where everybody was covered.
        recognition: Whether people were recognised.
        style: How covers look.
        roster_sha256: Digest of the roster; None where none was used.
        gallery_size: How many people could be recognised.
        threshold: The score that a match needed; None without recognition.
        operator: Who published; empty where not told.
        policy: The procedure's name.
        policy_version: Its version.
        attested: Whether the operator attested what the procedure asks for.
        destination: Where it went.
        models: Digests of the model files, by name.
        sign_offs: Who else agreed.
        declared: What was declared about the roster, such as that blank means yes.
        settings: Everything else that was chosen.
        photos: Every photo, in order.
    """

    run_id: int
    school: str
    started_at: str
    finished_at: str | None
    imgguard_version: str
    purpose: str | None
    recognition: bool
    style: str
    roster_sha256: str | None
    gallery_size: int
    threshold: float | None
    operator: str
    policy: str
    policy_version: str
    attested: bool
    destination: Destination
    models: Mapping[str, str]
    sign_offs: tuple[str, ...]
    declared: tuple[str, ...]
    settings: Mapping[str, str]
    photos: tuple[PhotoFacts, ...]

    @property
    def published(self) -> tuple[PhotoFacts, ...]:
        """The photos that were published."""
        return tuple(photo for photo in self.photos if photo.refusal is None)

    @property
    def refused(self) -> tuple[PhotoFacts, ...]:
        """The photos that were refused."""
        return tuple(photo for photo in self.photos if photo.refusal not in (None, _THERE_ALREADY))

    @property
    def there_already(self) -> tuple[PhotoFacts, ...]:
        """The photos that were left alone, because a file was there under their names already."""
        return tuple(photo for photo in self.photos if photo.refusal == _THERE_ALREADY)

    @property
    def faces(self) -> tuple[FaceFacts, ...]:
        """Every face of the published photos."""
        return tuple(face for photo in self.published for face in photo.faces)

    def reasons(self) -> list[tuple[str, str, str, int]]:
        """Count the faces by verdict, reason and clause, kept ones first, then the most frequent."""
        counted = Counter((face.verdict, face.reason, face.clause) for face in self.faces)
        order = sorted(counted.items(), key=lambda item: (item[0][0] != Verdict.KEEP, -item[1], item[0]))
        return [(*key, count) for key, count in order]


def reason_words(reason: str) -> str:
    """Give a reason as a person would say it; one that another version of imgguard has recorded as it stands."""
    return Reason(reason).words if reason in set(Reason) else reason.replace("_", " ")


def names_of(store: Store) -> Mapping[str, str]:
    """Give the names that the school file holds, by number."""
    rows: Any = store.query("SELECT subject_id, given_name, family_name FROM subjects")
    return {number: f"{given} {family}".strip() for number, given, family in rows}


def nameless(facts: RunFacts, names: Iterable[str]) -> RunFacts:
    """Leave out the names of files that name somebody; such a photo is then known by its number.

    Args:
        facts: What is known of a run.
        names: Everybody's names.
    """
    words = {word for name in names for word in re.split(r"[\W_]+", _plain(name)) if len(word) > 1}
    # A short name stands in many a word, so it only counts as one of its own.
    inside = re.compile("|".join(re.escape(word) for word in words if len(word) >= _LONG) or r"(?!)")

    def tells(name: str) -> bool:
        plain = _plain(name)
        return bool(inside.search(plain)) or not words.isdisjoint(re.split(r"[\W_\d]+", plain))

    photos = (replace(one, published_name="") if tells(one.published_name) else one for one in facts.photos)
    return replace(facts, photos=tuple(photos))


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def find_run(store: Store, asked: str) -> int:
    """Give a run's number.

    Args:
        store: The school file.
        asked: A number, or "last".

    Raises:
        RecordError: if there is no such run.
    """
    rows: Any = store.query("SELECT min(id), max(id) FROM runs")
    first, last = rows[0]
    if last is None:
        raise RecordError(f"{store.path}: no run is recorded yet", "Clean a photo first: imgguard clean.")
    if asked == LAST:
        return int(last)
    if asked.isascii() and asked.isdigit() and len(asked) < 19 and _there(store, int(asked)):
        return int(asked)
    raise RecordError(
        f"There is no run {asked!r}", f'Runs have numbers from {first} to {last}; "{LAST}" is the newest.'
    )


def run_facts(store: Store, run_id: int) -> RunFacts:
    """Read everything that is known of a run that is there."""
    rows: Any = store.query(
        "SELECT runs.id, COALESCE((SELECT title FROM school), ''), started_at, finished_at, imgguard_version,"
        " runs.purpose, recognition, style, roster_sha256, gallery_size, threshold, operator, policy, policy_version,"
        " attested, destination, COALESCE(address, ''), COALESCE(manager, ''), COALESCE(approved_by, ''),"
        " COALESCE(approved_on, ''), models, sign_offs, declared, settings"
        " FROM runs LEFT JOIN destinations ON destinations.name = destination WHERE runs.id = ?",
        (run_id,),
    )
    (number, school, start, end, version, purpose, recognition, *told), *_ = rows
    style, roster, gallery, threshold, operator, policy, policy_version, attested, *rest = told
    *where, models, sign_offs, declared, settings = rest
    return RunFacts(
        number, school, start, end, version, purpose, bool(recognition), style, roster, gallery, threshold, operator,
        policy, policy_version, bool(attested), Destination(*where), json.loads(models),
        tuple(map(str, json.loads(sign_offs))), tuple(map(str, json.loads(declared))), json.loads(settings),
        _photos(store, run_id),
    )  # fmt: skip


def _there(store: Store, run_id: int) -> bool:
    return bool(store.query("SELECT 1 FROM runs WHERE id = ?", (run_id,)))


def _photos(store: Store, run_id: int) -> tuple[PhotoFacts, ...]:
    faces, said = _faces(store, run_id), _overrides(store, run_id)
    files = {file.photo_id: file for file in published_files(store) if file.run_id == run_id}
    newest = {number: file.newest for number, file in files.items() if file.newest != number}
    rows: Any = store.query(
        "SELECT photos.id, recorded_at, refusal, source_sha256, output_sha256, COALESCE(format, ''), replaces"
        " FROM photos WHERE run_id = ? ORDER BY photos.id",
        (run_id,),
    )
    return tuple(
        PhotoFacts(
            number, at, refusal, source, output, files[number].name if number in files else "", container, replaces,
            newest.get(number), files[number].taken_down_on if number in files else None, tuple(faces[number]),
            tuple(said[number]),
        )
        for number, at, refusal, source, output, container, replaces in rows
    )  # fmt: skip


def _overrides(store: Store, run_id: int) -> dict[int, list[Override]]:
    found: dict[int, list[Override]] = defaultdict(list)
    rows: Any = store.query(
        f"SELECT photo_id, {', '.join(_OVERRIDE)} FROM overrides JOIN photos ON photos.id = photo_id"
        " WHERE run_id = ? ORDER BY overrides.id",
        (run_id,),
    )
    for photo_id, *told in rows:
        found[photo_id].append(Override(*told))
    return found


def _faces(store: Store, run_id: int) -> dict[int, list[FaceFacts]]:
    relied: dict[int, list[Reliance]] = defaultdict(list)
    of_run = "JOIN photos ON photos.id = photo_id WHERE run_id = ?"
    stands_on: Any = store.query(
        f"SELECT face_id, {', '.join('reliances.' + name for name in _RELIANCE)} FROM reliances"
        f" JOIN faces ON faces.id = face_id {of_run} ORDER BY reliances.source_row, reliances.rowid",
        (run_id,),
    )
    for face_id, *told in stands_on:
        relied[face_id].append(Reliance(*told))
    found: dict[int, list[FaceFacts]] = defaultdict(list)
    rows: Any = store.query(
        f"SELECT photo_id, faces.id, verdict, reason, clause, subject_id FROM faces {of_run} ORDER BY x1, faces.id",
        (run_id,),
    )
    for photo_id, face_id, verdict, reason, clause, subject_id in rows:
        found[photo_id].append(FaceFacts(verdict, reason, clause, subject_id, tuple(relied[face_id])))
    return found
