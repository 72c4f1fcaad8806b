"""What must hold of an output folder and its record at every moment, also right after a process was killed.

It is read from a copy, so that looking changes nothing: the log beside the record stays as the killed process left it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consent.audit import GENESIS, Entry

_CURRENT = """
    SELECT id, published_name, output_sha256, source_sha256 FROM photos WHERE status = 'published'
    AND id NOT IN (SELECT replaces FROM photos WHERE status = 'published' AND replaces IS NOT NULL)
    AND id NOT IN (SELECT photo_id FROM takedowns)
"""
_TRAIL = "SELECT seq, at, kind, body, prev, digest FROM audit ORDER BY seq"
_INTENTS = "SELECT output_sha256 FROM intents"
_FACES = "SELECT verdict, reason, subject_id, x1, y1 FROM faces WHERE photo_id = ? ORDER BY x1, y1"


@dataclass(frozen=True)
class Found:
    """What there is.

    Attributes:
        files: Digests of the files under final names, by name.
        parts: Unfinished files.
        current: Number, name, digest of the output and of the source of each current record of a publication.
        decided: What was recorded of faces, by the name of the file.
        intents: Digests of what a killed process may have been about to publish.
        trail: The audit trail.
        sound: What SQLite says of the file.
    """

    files: Mapping[str, str]
    parts: tuple[str, ...]
    current: tuple[tuple[int, str, str, str], ...]
    decided: Mapping[str, tuple[tuple[Any, ...], ...]]
    intents: frozenset[str]
    trail: tuple[Entry, ...]
    sound: str

    @property
    def published(self) -> dict[str, tuple[str, tuple[tuple[Any, ...], ...]]]:
        """What a run comes to: each file's digest, and what was decided about its faces."""
        return {name: (digest, self.decided.get(name, ())) for name, digest in self.files.items()}


def look(out: Path, school: Path) -> Found:
    """See what there is."""
    every = [path for path in out.rglob("*") if path.is_file()] if out.exists() else []
    named = [path for path in every if not path.name.startswith(".imgguard-")]
    files = {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in named}
    parts = tuple(sorted(path.name for path in every if path not in named))
    if not school.exists() or not school.stat().st_size:
        return Found(files, parts, (), {}, frozenset(), (), "ok")
    with tempfile.TemporaryDirectory() as copy:
        for end in ("", "-wal"):
            if Path(f"{school}{end}").exists():
                shutil.copyfile(f"{school}{end}", Path(copy) / f"record{end}")
        with closing(sqlite3.connect(Path(copy) / "record")) as db:
            return _read(db, files, parts)


def _read(db: sqlite3.Connection, files: Mapping[str, str], parts: tuple[str, ...]) -> Found:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    (sound,) = db.execute("PRAGMA integrity_check").fetchone()
    if "audit" not in tables:
        return Found(files, parts, (), {}, frozenset(), (), sound)
    current = tuple(db.execute(_CURRENT))
    decided = {name: tuple(db.execute(_FACES, (number,))) for number, name, _, _ in current}
    trail = tuple(Entry(*row) for row in db.execute("SELECT seq, at, kind, body, prev, digest FROM audit ORDER BY seq"))
    intents = (
        frozenset(one for (one,) in db.execute("SELECT output_sha256 FROM intents")) if "intents" in tables else ()
    )
    return Found(files, parts, current, decided, frozenset(intents), trail, sound)


def problems(found: Found, right: Mapping[str, Sequence[str]], *, recovered: bool, gone: bool = False) -> list[str]:
    """Say what does not hold.

    Args:
        found: What there is.
        right: The digests that a whole file may have, by name.
        recovered: Whether a later run has cleared up, so that nothing is left of what a killed one began.
        gone: Whether somebody took files away, so that records may be without theirs.
    """
    wrong = [
        f"{name}: half-written, or not what was cleaned" for name, sha in found.files.items() if sha not in right[name]
    ]
    records = Counter((name, output) for _, name, output, _ in found.current)
    for name, sha in found.files.items():
        count = records[name, sha]
        if count != 1 and not (count == 0 and sha in found.intents and not recovered):
            wrong.append(f"{name}: published with {count} records")
    wrong += [
        f"{name}: recorded, and its bytes are not there"
        for _, name, output, _ in found.current
        # A newer version may be there already, which is recorded next.
        if found.files.get(name) != output and not gone and (recovered or found.files.get(name) not in found.intents)
    ]
    if recovered:
        wrong += [f"{part}: left over" for part in found.parts]
        wrong += [f"intent for {sha[:8]} left over" for sha in found.intents]
    return wrong + _of_record(found)


def _of_record(found: Found) -> list[str]:
    wrong = [] if found.sound == "ok" else [f"the record: {found.sound}"]
    before = GENESIS
    for number, entry in enumerate(found.trail, 1):
        if (entry.seq, entry.prev, entry.digest) != (number, before, entry.computed()):
            wrong.append(f"audit trail: entry {number} does not fit")
        before = entry.digest
    told = Counter(json.loads(entry.body)["photo"] for entry in found.trail if entry.kind == "published")
    wrong += [
        f"{name}: {told[number]} entries of the trail" for number, name, _, _ in found.current if told[number] != 1
    ]
    return wrong
