"""Check the audit trail: against itself, against a head that was pinned elsewhere, and against what the file records.

The chain finds what was edited, removed, inserted or moved. Whoever writes all of it anew from some entry on leaves a
chain that fits together; only a pinned head tells that it is another one. An exported trail is checked in the same way
without the school file: the digest of an entry is the SHA-256 of the JSON list [seq, at, kind, body, prev].
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from consent.audit import GENESIS, Entry, Kind, entries
from consent.errors import RecordError
from consent.people import withdrawn
from consent.store import Store

# 128 bits: nobody finds another trail that has them in common.
LEAST_PIN = 32
_HEX = frozenset("0123456789abcdef")
_TRIGGERS = ("audit_is_not_edited", "audit_is_not_cut")
_TOLD = {"published": Kind.PUBLISHED, "refused": Kind.REFUSED}


@dataclass(frozen=True, slots=True)
class TrailCheck:
    """What a check of the trail found.

    Attributes:
        entries: How many entries there are.
        head: Digest of the newest; empty where there is none.
        pinned_at: The entry that the pinned head stands for; None where none was given or found.
        faults: What shows that somebody has changed the trail or the record; empty where all is well.
        remarks: What is no fault, but worth knowing.
    """

    entries: int
    head: str
    pinned_at: int | None
    faults: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


def checked_pin(text: str) -> str:
    """Give a pinned head as it is compared: without blanks, in lower case.

    Raises:
        RecordError: if it is no digest, or too short a part of one to prove anything.

    >>> checked_pin("AB12 " * 8)
    'ab12ab12ab12ab12ab12ab12ab12ab12'
    """
    pin = "".join(text.split()).lower()
    if LEAST_PIN <= len(pin) <= len(GENESIS) and _HEX.issuperset(pin):
        return pin
    raise RecordError(
        f"{text!r} is no head of an audit trail",
        f"Give the {len(GENESIS)} digits that `imgguard audit head` printed, or at least the first {LEAST_PIN}.",
    )


def check_school(store: Store, pinned: str | None = None) -> TrailCheck:
    """Check a school file's trail, and that the file records what it tells: photos, withdrawals and take-downs.

    Args:
        store: The school file.
        pinned: A head as `checked_pin` gives it; None for none.
    """
    # In one transaction, or a run that is writing meanwhile would look like a fault.
    with store.atomic():
        trail, photos, runs = entries(store), _photos(store), _runs(store)
        said = (*_lost_withdrawals(store, trail), *_untold_takedowns(store, trail))
        triggers = {str(name) for (name,) in store.query("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    found = check_trail(trail, pinned)
    unguarded = [f"the file's own guard {name} against changing the trail is gone" for name in _TRIGGERS]
    gone = tuple(said for said, name in zip(unguarded, _TRIGGERS, strict=True) if name not in triggers)
    faults = (*found.faults, *gone, *_differences(trail, photos), *_unannounced(trail, runs), *said)
    return TrailCheck(found.entries, found.head, found.pinned_at, faults, (*found.remarks, *_older(trail, runs)))


def check_trail(trail: Sequence[Entry], pinned: str | None = None) -> TrailCheck:
    """Check a trail by itself.

    Args:
        trail: Its entries in order.
        pinned: A head as `checked_pin` gives it; None for none.
    """
    at = next((entry.seq for entry in trail if pinned and entry.digest.startswith(pinned)), None)
    faults = [fault for n, entry in enumerate(trail, 1) for fault in _faults(n, entry, trail[n - 2] if n > 1 else None)]
    if pinned and at is None:
        faults.append(
            "the pinned head is not in the trail: its end was cut off, it was written anew, or an older backup is used"
        )
    return TrailCheck(len(trail), trail[-1].digest if trail else "", at, tuple(faults), tuple(_remarks(trail)))


def _faults(place: int, entry: Entry, before: Entry | None) -> Iterator[str]:
    if entry.computed() != entry.digest:
        yield f"entry {entry.seq} was edited: its digest is not that of what it says"
    if entry.seq != (before.seq + 1 if before else 1):
        yield f"entry {entry.seq} is where entry {before.seq + 1 if before else 1} belongs (place {place})"
    if entry.prev != (before.digest if before else GENESIS):
        after = f"entry {before.seq}" if before else "the beginning"
        yield f"entry {entry.seq} does not follow on {after}: something was removed, inserted, moved or edited there"


def _remarks(trail: Sequence[Entry]) -> Iterator[str]:
    for before, entry in pairwise(trail):
        if entry.at < before.at:
            yield f"entry {entry.seq} ({entry.at}) is dated before entry {before.seq} ({before.at}): the clock was set"
    for entry in trail:
        if entry.kind == Kind.RESTORED:
            yield f"entry {entry.seq} ({entry.at}): a backup was restored; what was done after it was made is not here"


def export_trail(trail: Sequence[Entry]) -> str:
    """Give the entries as JSON lines."""
    return "".join(json.dumps(asdict(entry)) + "\n" for entry in trail)


def read_trail(path: Path) -> tuple[Entry, ...]:
    """Read a file that holds what `export_trail` gave.

    Raises:
        RecordError: if it cannot be read, or a line is no entry.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise RecordError(f"{path}: cannot be read as an audit trail ({error})", "Name an exported trail.") from error
    return tuple(_entry(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip())


def _entry(number: int, line: str) -> Entry:
    types = {field.name: int if field.name == "seq" else str for field in fields(Entry)}
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or {name: type(value) for name, value in told.items()} != types:
        raise RecordError(
            f"line {number} is no entry of an audit trail", "Export it anew with `imgguard audit export`."
        )
    return Entry(**told)


@dataclass(frozen=True, slots=True)
class _Told:
    """What trail and record both tell of a photo."""

    kind: str
    source: str | None
    output: str | None
    keep: int
    cover: int
    overrides: int


def _differences(trail: Sequence[Entry], photos: Mapping[int, _Told]) -> Iterator[str]:
    """Where the record of the photos is not what the trail tells."""
    told = dict(_told(trail))
    for photo_id, said in told.items():
        if photo_id not in photos:
            yield f"the record of photo {photo_id} is gone, of which the trail tells that it was {said.kind}"
        elif photos[photo_id] != said:
            yield f"the record of photo {photo_id} is not what the trail tells of it"
    first = min(told, default=None)
    for photo_id in photos:
        if first is not None and photo_id > first and photo_id not in told:
            yield f"the trail does not tell of photo {photo_id}, which is recorded as {photos[photo_id].kind}"


def _told(trail: Sequence[Entry]) -> Iterator[tuple[int, _Told]]:
    for entry in trail:
        if (
            entry.kind in _TOLD.values()
            and isinstance(body := _body(entry), dict)
            and isinstance(body.get("photo"), int)
        ):
            said = body.get("overrides")
            told = said.values() if isinstance(said, dict) else ()
            overrides = sum(count for count in told if isinstance(count, int))
            counts = (body.get("keep", 0), body.get("cover", 0), overrides)
            yield body["photo"], _Told(entry.kind, body.get("source"), body.get("output"), *counts)


def _unannounced(trail: Sequence[Entry], runs: frozenset[int]) -> Iterator[str]:
    begun = _begun(trail)
    for run in sorted(begun - runs):
        yield f"the record of run {run} is gone, of which the trail tells"
    for run in sorted(runs - begun):
        if begun and run > min(begun):
            yield f"the trail does not tell of run {run}, which is recorded"


def _lost_withdrawals(store: Store, trail: Sequence[Entry]) -> Iterator[str]:
    """Where a withdrawal that the trail tells of does not hold any more, though nobody lifted it."""
    told: dict[str, tuple[int, frozenset[str]]] = {}
    for entry in trail:
        body = _body(entry)
        if entry.kind not in (Kind.WITHDRAWN, Kind.WITHDRAWAL_LIFTED) or not isinstance(body, dict):
            continue
        alias, purposes = str(body.get("subject")), frozenset(map(str, _list(body.get("purposes"))))
        held = told[alias][1] if alias in told else frozenset[str]()
        told[alias] = entry.seq, held | purposes if entry.kind == Kind.WITHDRAWN else held - purposes
    people = {str(alias): str(number) for number, alias in store.query("SELECT subject_id, alias FROM aliases")}
    holding = withdrawn(store)
    for alias, (seq, purposes) in told.items():
        # Of whoever was forgotten nothing is left to compare.
        if alias in people and purposes - holding.get(people[alias], frozenset()):
            yield f"a withdrawal that entry {seq} tells of is gone, or was changed, and nobody has lifted it"


def _untold_takedowns(store: Store, trail: Sequence[Entry]) -> Iterator[str]:
    bodies = [_body(entry) for entry in trail if entry.kind == Kind.TAKEN_DOWN]
    told = {str(photo) for body in bodies if isinstance(body, dict) for photo in _list(body.get("photos"))}
    for (photo_id,) in store.query("SELECT photo_id FROM takedowns ORDER BY photo_id"):
        if str(photo_id) not in told:
            yield f"the trail does not tell that photo {photo_id} was taken down, which is recorded"


def _older(trail: Sequence[Entry], runs: frozenset[int]) -> Iterator[str]:
    begun = _begun(trail)
    older = sum(run < min(begun, default=run + 1) for run in runs)
    if older:
        yield f"runs that are older than the trail, or of which it was emptied: {older}"


def _begun(trail: Sequence[Entry]) -> frozenset[int]:
    bodies = [_body(entry) for entry in trail if entry.kind == Kind.RUN_BEGUN]
    return frozenset(body["run"] for body in bodies if isinstance(body, dict) and isinstance(body.get("run"), int))


def _list(told: object) -> list[Any]:
    return told if isinstance(told, list) else []


def _body(entry: Entry) -> Any:
    """What an entry tells; None where somebody has made it something that cannot be read."""
    try:
        return json.loads(entry.body)
    except (ValueError, RecursionError):
        return None


def _photos(store: Store) -> dict[int, _Told]:
    verdicts: dict[int, Counter[str]] = {}
    faces: Any = store.query("SELECT photo_id, verdict, count(*) FROM faces GROUP BY photo_id, verdict")
    for photo_id, verdict, count in faces:
        verdicts.setdefault(photo_id, Counter())[verdict] = count
    rows: Any = store.query(
        "SELECT id, status, source_sha256, output_sha256,"
        " (SELECT count(*) FROM overrides WHERE photo_id = photos.id) FROM photos ORDER BY id"
    )
    none: Counter[str] = Counter()
    return {
        photo_id: _Told(_TOLD[status].value, source, output, counts["keep"], counts["cover"], overrides)
        for photo_id, status, source, output, overrides in rows
        for counts in [verdicts.get(photo_id, none)]
    }


def _runs(store: Store) -> frozenset[int]:
    rows: Any = store.query("SELECT id FROM runs")
    return frozenset(run for (run,) in rows)
