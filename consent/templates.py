"""Keep the templates of people who may be recognised, encrypted, each with an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from consent.errors import VaultError
from consent.model import Reference
from consent.roster import Finding
from consent.store import Store, now
from consent.vault import Sealed, Vault, require_current, template_context

# Who has taken consent back, and has no yes to a photo left that recognition would serve.
_NOTHING_LEFT = """
    SELECT subject_id FROM withdrawals AS gone WHERE lifted_on IS NULL AND NOT EXISTS (
        SELECT 1 FROM consents, json_each(answers) AS told WHERE consents.subject_id = gone.subject_id
            AND json_extract(told.value, '$[1]') = 'photo' AND json_extract(told.value, '$[2]') = 'yes'
            AND NOT EXISTS (SELECT 1 FROM withdrawals AS other WHERE other.subject_id = gone.subject_id
                AND other.lifted_on IS NULL AND ifnull(other.purpose, json_extract(told.value, '$[0]'))
                    = json_extract(told.value, '$[0]')))
"""
_ALLOWED = f"(subject_id IN (SELECT subject_id FROM recognisable) AND subject_id NOT IN ({_NOTHING_LEFT}))"


@dataclass(frozen=True, slots=True)
class StoredReference:
    """A template that was read.

    Attributes:
        reference: The template in clear, in memory.
        photo_sha256: Digest of the ID photo that it was made of, hexadecimal.
    """

    reference: Reference
    photo_sha256: str


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates that may be used on a day.

    Attributes:
        stored: With the photos that they were made of.
        findings: What could not be read, and what that means.
    """

    stored: tuple[StoredReference, ...]
    findings: tuple[Finding, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references alone."""
        return tuple(one.reference for one in self.stored)


def recognisable(store: Store) -> frozenset[str]:
    """Give the numbers of those who may have templates.

    They are present, allowed to be recognised, not do-not-publish, and have not taken back all that they agreed to.
    """
    rows = store.query(f"SELECT subject_id FROM recognisable WHERE {_ALLOWED}")
    return frozenset(str(number) for (number,) in rows)


def last_days(store: Store) -> dict[str, date]:
    """Give the last day of the newest template of everybody who has one."""
    rows: Any = store.query("SELECT subject_id, max(expires_on) FROM templates GROUP BY subject_id")
    return {number: date.fromisoformat(day) for number, day in rows}


def save_templates(store: Store, vault: Vault, references: Iterable[tuple[Reference, str]]) -> int:
    """Encrypt and keep templates, each with the digest of its photo; one of the same photo and model is replaced.

    Call it inside `Store.atomic()`, or it is a transaction of its own.

    Returns:
        How many were kept.

    Raises:
        RecordError: if one is of somebody who may not be recognised; nothing is kept then.
        VaultError: if the key was changed since it was opened; nothing is kept then.
    """
    count = 0
    with store.atomic():
        require_current(store, vault)
        for reference, photo_sha256 in references:
            _save(store, vault, reference, photo_sha256)
            count += 1
    return count


def _save(store: Store, vault: Vault, reference: Reference, photo_sha256: str) -> None:
    subject_id, model_id, expires_on = reference.subject_id, reference.model_id, reference.expires_on.isoformat()
    sealed = vault.seal(reference.template, template_context(subject_id, model_id, expires_on))
    key = (subject_id, model_id, photo_sha256)
    store.change("DELETE FROM templates WHERE subject_id = ? AND model_id = ? AND photo_sha256 = ?", key)
    row = {
        "subject_id": subject_id,
        "key_id": sealed.key_id,
        "model_id": model_id,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
        "photo_sha256": photo_sha256,
        "taken_on": reference.taken_on.isoformat() if reference.taken_on else None,
        "enrolled_on": now()[:10],
        "expires_on": expires_on,
    }
    store.insert_row("templates", row)


def read_templates(store: Store, vault: Vault, on: date, model_id: str | None = None) -> Templates:
    """Read the templates that may be used on a day, of people who are present and may be recognised.

    Whoever has a template that cannot be read is not given at all, so will be covered, and there is a finding.
    Whoever's templates are all over has a finding too.

    Args:
        store: The school file.
        vault: Its key.
        on: The day.
        model_id: The embedder in use, whose templates alone can be compared; None for any.
    """
    rows: Any = store.query(
        "SELECT subject_id, model_id, taken_on, expires_on, photo_sha256, key_id, nonce, ciphertext FROM templates"
        f" WHERE {_ALLOWED} ORDER BY subject_id, id"
    )
    read: list[StoredReference] = []
    unusable: dict[str, str] = {}
    useless: Counter[tuple[str, str]] = Counter()
    for subject_id, model, taken_on, expires_on, photo, *sealed in rows:
        if expires_on < on.isoformat():
            useless[subject_id, f"its template ended on {expires_on}"] += 1
        elif model_id is not None and model != model_id:
            useless[subject_id, "its template was made by another model"] += 1
        else:
            try:
                read.append(_open(vault, subject_id, model, taken_on, expires_on, photo, Sealed(*sealed)))
            except (VaultError, ValueError):
                unusable[subject_id] = "a template is damaged, or is not what it was stored as"
    usable = tuple(one for one in read if one.reference.subject_id not in unusable)
    given = {one.reference.subject_id for one in usable}
    for subject_id, why in useless:
        if subject_id not in given:
            unusable.setdefault(subject_id, why)
    return Templates(usable, tuple(_finding(store, *item) for item in sorted(unusable.items())))


def _open(
    vault: Vault, subject_id: str, model_id: str, taken_on: str | None, expires_on: str, photo: str, sealed: Sealed
) -> StoredReference:
    plain = vault.unseal(sealed, template_context(subject_id, model_id, expires_on))
    taken = date.fromisoformat(taken_on) if taken_on else None
    return StoredReference(Reference(subject_id, plain, model_id, taken, date.fromisoformat(expires_on)), photo)


def _finding(store: Store, subject_id: str, why: str) -> Finding:
    what = f"{subject_id} is not enrolled and will be covered: {why}. Enrol the ID photos again"
    return Finding(store.path.name, None, what)


def drop_templates(store: Store, subject_ids: Iterable[str]) -> int:
    """Delete every template of some people, inside `Store.atomic()`; give how many."""
    ids = [(subject_id,) for subject_id in subject_ids]
    return sum(store.change("DELETE FROM templates WHERE subject_id = ?", one) for one in ids)


def drop_disallowed(store: Store) -> int:
    """Delete the templates of whoever may not be recognised any more, inside `Store.atomic()`; give how many."""
    return store.change(f"DELETE FROM templates WHERE NOT {_ALLOWED}")


def drop_ended(store: Store, on: date) -> int:
    """Delete the templates whose last day is over, inside `Store.atomic()`; give how many."""
    return store.change("DELETE FROM templates WHERE expires_on < ?", (on.isoformat(),))
