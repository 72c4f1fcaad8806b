"""Open a school file that is there: who only looks something up must not make one."""

from __future__ import annotations

from pathlib import Path

from consent.errors import RecordError
from consent.publishing import recover
from consent.store import Store


def open_existing(path: Path) -> Store:
    """Open a school file; reading from it goes on while a run writes.

    What a process published and could not record, since it was killed, is recorded first.

    Raises:
        RecordError: if there is none, or it cannot be used.
    """
    if not path.is_file():
        raise RecordError(
            f"{path}: there is no school file here, so nothing was published or imported with it yet",
            "Name another one with --school, or make one with imgguard init; imgguard clean makes one too.",
        )
    store = Store(path)
    try:
        recover(store)
    except BaseException:
        store.close()
        raise
    return store
