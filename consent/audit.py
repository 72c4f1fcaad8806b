"""The audit trail: append-only, each entry holding the digest of the one before. It holds ids, never names.

Whoever edits, removes or reorders an entry breaks the chain from there on. Whoever writes the whole chain anew, or cuts
off its end, is found by a head that was pinned elsewhere: on paper, or in a letter to the privacy officer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from consent.store import Store, now

# What the first entry has before it.
GENESIS = "0" * 64


class Kind(StrEnum):
    """What was done."""

    SCHOOL_MADE = "school_made"
    POLICY_SET = "policy_set"
    ROSTER_IMPORTED = "roster_imported"
    MAPPING_SAVED = "mapping_saved"
    DESTINATION_REGISTERED = "destination_registered"
    DESTINATION_CLOSED = "destination_closed"
    KEY_MADE = "key_made"
    KEY_ROTATED = "key_rotated"
    KEY_LOST = "key_lost"
    ENROLLED = "enrolled"
    PURGED = "purged"
    FORGOTTEN = "forgotten"
    RUN_BEGUN = "run_begun"
    RUN_FINISHED = "run_finished"
    PUBLISHED = "published"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    WITHDRAWAL_LIFTED = "withdrawal_lifted"
    TAKEN_DOWN = "taken_down"
    BACKED_UP = "backed_up"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the trail.

    Attributes:
        seq: Its place, from 1.
        at: When, UTC, ISO 8601.
        kind: What was done.
        body: Ids, digests and counts, as canonical JSON.
        prev: Digest of the entry before it.
        digest: SHA-256 over all of these, hexadecimal.
    """

    seq: int
    at: str
    kind: str
    body: str
    prev: str
    digest: str

    def computed(self) -> str:
        """Give the digest that the entry ought to have."""
        return _digest(self.seq, self.at, self.kind, self.body, self.prev)


def append(store: Store, kind: Kind, body: Mapping[str, object]) -> Entry:
    """Add an entry; call it inside `Store.atomic()`, together with what it tells of.

    Args:
        store: The school file.
        kind: What was done.
        body: Ids, digests and counts; never a name.
    """
    last = head(store)
    seq, at, prev = (last.seq if last else 0) + 1, now(), last.digest if last else GENESIS
    text = json.dumps(dict(body), sort_keys=True, separators=(",", ":"))
    entry = Entry(seq, at, kind.value, text, prev, _digest(seq, at, kind.value, text, prev))
    store.insert_row("audit", {name: getattr(entry, name) for name in Entry.__slots__})
    return entry


def head(store: Store) -> Entry | None:
    """Give the newest entry, whose digest stands for the whole trail; None where there is none."""
    rows = store.query("SELECT seq, at, kind, body, prev, digest FROM audit ORDER BY seq DESC LIMIT 1")
    return Entry(*rows[0]) if rows else None  # type: ignore[arg-type]


def entries(store: Store) -> tuple[Entry, ...]:
    """Give the whole trail, oldest first."""
    rows = store.query("SELECT seq, at, kind, body, prev, digest FROM audit ORDER BY seq")
    return tuple(Entry(*row) for row in rows)  # type: ignore[arg-type]


def _digest(seq: int, at: str, kind: str, body: str, prev: str) -> str:
    return hashlib.sha256(json.dumps([seq, at, kind, body, prev]).encode()).hexdigest()
