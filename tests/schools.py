"""A school file for tests, with the sample roster, a key and made-up templates."""

from __future__ import annotations

import hashlib
import struct
from datetime import date
from pathlib import Path

from consent import Reference, Store, read_roster
from consent.people import import_roster, stored_roster
from consent.school import make_school
from consent.store import RunRecord
from consent.templates import save_templates
from consent.vault import Vault, make_key
from imgguard.backends import default_backends
from imgguard.recall import enroll_into
from tests.conftest import SAMPLES, TODAY

END = date(2027, 6, 30)
PASSPHRASE = "maple otter lantern"


def vector(seed: str) -> bytes:
    """128 little-endian float32 of unit length."""
    raw = b"".join(hashlib.sha256(f"{seed}{n}".encode()).digest() for n in range(16))
    values = [byte - 127.5 for byte in raw[:128]]
    length = sum(value * value for value in values) ** 0.5
    return struct.pack("<128f", *(value / length for value in values))


def reference(number: str, photo: str = "1", expires_on: date = END, model: str = "model") -> tuple[Reference, str]:
    digest = hashlib.sha256(f"{number} {photo}".encode()).hexdigest()
    return Reference(number, vector(f"{number} {photo}"), model, None, expires_on), digest


def sample_school(path: Path, *numbers: str, passphrase: str | None = None) -> tuple[Store, Vault]:
    """Make a school file with the sample roster, and templates of some of its people."""
    store = Store(path)
    make_school(store, "Cedar Ridge School", "strict")
    vault = make_key(store, (lambda: passphrase) if passphrase else None)
    import_roster(store, read_roster(SAMPLES / "roster.csv"))
    save_templates(store, vault, [reference(number) for number in numbers])
    return store, vault


def begin_run(store: Store, run: RunRecord) -> int:
    with store.atomic():
        return store.add_run(run)


def every_byte(path: Path) -> bytes:
    """Give the file and what SQLite keeps beside it."""
    return b"".join(
        own.read_bytes() for end in ("", "-wal", "-shm", "-journal") if (own := Path(f"{path}{end}")).exists()
    )


def enrolled_school(path: Path) -> Path:
    """Make a school file with the sample roster and the templates of its ID photos, which takes some seconds."""
    with Store(path) as store:
        make_school(store, "Cedar Ridge School", "strict")
        vault = make_key(store, lambda: PASSPHRASE)
        import_roster(store, read_roster(SAMPLES / "roster.csv"), on=TODAY)
        roster = stored_roster(store)
        assert roster is not None
        enroll_into(store, vault, SAMPLES / "id_photos", roster.subjects, roster, default_backends(), TODAY, END)
        store.compact()
    return path
