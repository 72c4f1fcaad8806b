"""Publish and record as one, also where the process is killed in between.

A photo is recorded in two steps. First an intent is committed: where the file will be, its digest, and the record to
come. Then, in one write transaction, the intent is deleted, consent is looked at once more, the record is added and the
file is moved under its name. Killed before the end of that, a process leaves its intent; whoever comes next looks
whether the file is there, and records it or forgets the intent.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from consent import audit
from consent.store import FaceRecord, NewName, Override, PhotoRecord, Reliance, Store
from consent.withdrawals import gone_since


class Files(Protocol):
    """Where published files are."""

    def digest(self, address: str) -> str | None:
        """Give a file's SHA-256; None where there is none.

        Raises:
            OSError: if that cannot be told.
        """

    def remove(self, address: str) -> None:
        """Take a file away.

        Raises:
            OSError: if it cannot be.
        """


class LocalFiles:
    """Files of this computer, by their file: addresses."""

    def digest(self, address: str) -> str | None:
        """See `Files`."""
        path = _path(address)
        if path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def remove(self, address: str) -> None:
        """See `Files`."""
        _path(address).unlink()


LOCAL: Mapping[str, Files] = {"file": LocalFiles()}


def address_of(path: Path) -> str:
    """Give a file's address, which is text whatever its name is."""
    return path.absolute().as_uri()


def _path(address: str) -> Path:
    return Path(_on_windows(address) if os.name == "nt" else os.fsdecode(unquote_to_bytes(urlsplit(address).path)))


def _on_windows(address: str) -> str:
    told = urlsplit(address)
    # Of a drive in the network the computer is a part of the place.
    return url2pathname(f"//{told.netloc}{told.path}" if told.netloc else told.path)


@dataclass(frozen=True, slots=True)
class Intent:
    """A photo that is about to be published.

    Attributes:
        run_id: In which run.
        address: Where the file will be; empty where nothing outlives the process.
        photo: Its record.
        read_at: The last entry of the audit trail when the run read its roster; None where that was not noted.
    """

    run_id: int
    address: str
    photo: PhotoRecord
    read_at: int | None = None

    @property
    def shown(self) -> frozenset[str]:
        """Who is to be seen in it."""
        return frozenset(f.subject_id for f in self.photo.faces if f.subject_id and f.verdict == "keep")

    @property
    def known(self) -> frozenset[str]:
        """Who was recognised in it, covered or not."""
        return frozenset(f.subject_id for f in self.photo.faces if f.subject_id)


def publish(store: Store, intent: Intent, put: Callable[[], None]) -> bool:
    """Publish a photo and record it, both or neither.

    Args:
        store: The school file.
        intent: What is published.
        put: Gives the file its final name; called once, shortly before the record is committed. What it raises leaves
            nothing recorded.

    Returns:
        Whether it was published: not if consent for somebody in it was taken back since the run read the roster.

    Raises:
        RecordError: if it cannot be recorded; whoever called takes the file back then.
    """
    while True:
        number = note(store, intent) if intent.address else None
        with store.atomic():
            # Another process that took this one for dead has forgotten the intent: then it is noted again.
            if number is not None and not _forget(store, number):
                continue
            if is_gone(store, intent):
                return False
            add_photo(store, intent.run_id, intent.photo, audit.Kind.PUBLISHED)
            put()
        return True


def is_gone(store: Store, intent: Intent) -> bool:
    """Tell whether a photo may not be published any more; see `consent.withdrawals.gone_since`."""
    return gone_since(store, intent.run_id, intent.shown, intent.known, intent.read_at)


def note(store: Store, intent: Intent) -> int:
    """Commit an intent, and give its number."""
    body = json.dumps({"photo": asdict(intent.photo), "read_at": intent.read_at}, ensure_ascii=False)
    row = {"run_id": intent.run_id, "target": intent.address, "output_sha256": intent.photo.output_sha256, "body": body}
    with store.atomic():
        return store.insert_row("intents", row)


def _forget(store: Store, number: int) -> bool:
    return store.change("DELETE FROM intents WHERE id = ?", (number,)) == 1


def add_photo(store: Store, run_id: int, photo: PhotoRecord, kind: audit.Kind) -> int:
    """Add a photo's record with its entry in the audit trail; call it inside `Store.atomic()`."""
    photo_id = store.add_photo(run_id, photo)
    told: dict[str, object] = {
        "run": run_id,
        "photo": photo_id,
        "source": photo.source_sha256,
        "output": photo.output_sha256,
    }
    # Only where there were any: most photos have none.
    said = Counter(override.kind for override in photo.overrides)
    told |= {"overrides": dict(said)} if said else {}
    audit.append(store, kind, {**told, **Counter(face.verdict for face in photo.faces), "refusal": photo.refusal})
    return photo_id


def recover(store: Store, places: Mapping[str, Files] = LOCAL) -> int:
    """Bring record and files together again after a process was killed while it published.

    A file that is under its name already is recorded, or taken away where consent for somebody in it was taken back
    meanwhile. Of a process that is still at work an intent may be forgotten, too: it notes it again.

    Args:
        store: The school file.
        places: Where files are, by the scheme of their addresses; intents of other schemes are left for later.

    Returns:
        How many photos were recorded.

    Raises:
        RecordError: if the school file cannot be written.
    """
    if not store.query("SELECT 1 FROM intents LIMIT 1"):
        return 0
    recorded = 0
    with store.atomic():
        rows: Any = store.query("SELECT id, run_id, target, body FROM intents ORDER BY id")
        for number, run_id, address, body in rows:
            files = places.get(urlsplit(address).scheme)
            if files is None:
                continue
            intent = _read(run_id, address, body)
            try:
                there = files.digest(address) == intent.photo.output_sha256
                if there and is_gone(store, intent):
                    files.remove(address)
                    there = False
            except OSError:
                # A drive that is not plugged in: the next one may be able to tell.
                continue
            if there:
                add_photo(store, run_id, intent.photo, audit.Kind.PUBLISHED)
                recorded += 1
            _forget(store, number)
    return recorded


def _read(run_id: int, address: str, body: str) -> Intent:
    told = json.loads(body)
    photo = told["photo"]
    faces = tuple(
        FaceRecord(**{**face, "relied": tuple(Reliance(**one) for one in face["relied"])}) for face in photo["faces"]
    )
    overrides = tuple(Override(**one) for one in photo["overrides"])
    new_name = NewName(**photo["new_name"]) if photo["new_name"] else None
    record = PhotoRecord(**{**photo, "faces": faces, "overrides": overrides, "new_name": new_name})
    return Intent(run_id, address, record, told["read_at"])
