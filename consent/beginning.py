"""Make a school file with its key, or nothing at all."""

from __future__ import annotations

from pathlib import Path

from consent.errors import RecordError
from consent.school import make_school, open_school
from consent.store import Store
from consent.vault import Passphrase, kept_in, make_key


def begin_school(path: Path, title: str, policy: str, passphrase: Passphrase | None = None) -> str:
    """Make the school file and the key of its templates, in one transaction; give where the key is kept.

    A file that only holds the record of earlier runs becomes the school's.

    Args:
        path: The school file, which need not be there.
        title: The name of the school.
        policy: The name of its procedure.
        passphrase: Gives the new passphrase; None to keep the key in the keyring.

    Raises:
        RecordError: if it is a school's already, or cannot be written; a file that was made for it is gone again.
        VaultError: if no key can be made; likewise.
    """
    new = not path.exists()
    try:
        with Store(path) as store, store.atomic():
            if open_school(store) is None or kept_in(store) is not None:
                make_school(store, title, policy)
            make_key(store, passphrase)
            return kept_in(store) or ""
    except BaseException:
        # A school file without a key would be in the way of the next attempt.
        if new and _is_empty(path):
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
        raise


def _is_empty(path: Path) -> bool:
    """Tell whether nobody else has made a school of the file, or recorded something in it, meanwhile."""
    try:
        with Store(path) as store:
            return not store.query("SELECT 1 FROM audit UNION ALL SELECT 1 FROM school UNION ALL SELECT 1 FROM runs")
    except RecordError:
        return False
