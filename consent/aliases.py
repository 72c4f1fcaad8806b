"""The name under which the audit trail knows somebody: random, and gone when the person is forgotten."""

from __future__ import annotations

import secrets

from consent.store import Store


def alias_of(store: Store, subject_id: str) -> str:
    """Give a person's alias, making it where there is none yet; call it inside `Store.atomic()`."""
    store.change(
        "INSERT INTO aliases (subject_id, alias) VALUES (?, ?) ON CONFLICT (subject_id) DO NOTHING",
        (subject_id, secrets.token_hex(16)),
    )
    ((alias,),) = store.query("SELECT alias FROM aliases WHERE subject_id = ?", (subject_id,))
    return str(alias)


def give_aliases(store: Store) -> None:
    """Give everybody who has none an alias, so that every backup knows them by it; call it inside `atomic()`."""
    for (subject_id,) in store.query("SELECT subject_id FROM subjects EXCEPT SELECT subject_id FROM aliases"):
        alias_of(store, str(subject_id))
