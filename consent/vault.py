"""Encrypt templates with a key that is not in the school file: in the keyring, or made of a passphrase.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce each; what a ciphertext is bound to is its associated data, so
that nobody's template can be put in another's place. Passphrases become keys by scrypt (RFC 7914).
"""

from __future__ import annotations

import json
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Never

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from consent import audit, keychain
from consent.errors import VaultError
from consent.school import open_school
from consent.store import Store, now

ALGORITHM = "AES-256-GCM"
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
LEAST_PASSPHRASE = 12
_KEY_BYTES, _NONCE_BYTES, _SALT_BYTES = 32, 12, 16
# More than this is no setting of ours but somebody's attempt to fill the memory.
_MOST_MEMORY = 2**30
_PROOF = b"imgguard knows this key"

Passphrase = Callable[[], str]


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """What was encrypted.

    Attributes:
        key_id: The key.
        nonce: 12 random bytes, never used twice.
        ciphertext: As long as the plain text and 16 bytes for the tag.
    """

    key_id: int
    nonce: bytes
    ciphertext: bytes

    def __repr__(self) -> str:
        """Tell nothing of the bytes."""
        return f"<Sealed, key {self.key_id}>"


class Vault:
    """A key that is open. It cannot be shown, copied or sent to another process.

    Attributes:
        key_id: The number of the key.
    """

    __slots__ = ("_cipher", "_school_id", "key_id")

    def __init__(self, key: bytes, key_id: int, school_id: str) -> None:
        """Hold a key of 32 bytes; use `open_vault` or `make_key`."""
        self._cipher, self.key_id, self._school_id = AESGCM(key), key_id, school_id

    def __repr__(self) -> str:
        """Tell nothing of the key."""
        return f"<Vault, key {self.key_id}>"

    def __reduce__(self) -> Never:
        """Refuse to be pickled."""
        raise TypeError("a key does not leave its process")

    def seal(self, plain: bytes, context: bytes) -> Sealed:
        """Encrypt bytes and bind them to a context; see `template_context`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return Sealed(self.key_id, nonce, self._cipher.encrypt(nonce, plain, self._bound(context)))

    def unseal(self, sealed: Sealed, context: bytes) -> bytes:
        """Decrypt what was sealed in the same school, under this key and for this context.

        Raises:
            VaultError: if it was not, or is damaged.
        """
        try:
            if sealed.key_id == self.key_id:
                return self._cipher.decrypt(sealed.nonce, sealed.ciphertext, self._bound(context))
        except (InvalidTag, ValueError):
            pass
        raise VaultError("A template is damaged, or is not what it was stored as", "Enrol the person again.") from None

    def _bound(self, context: bytes) -> bytes:
        return json.dumps([self._school_id, self.key_id]).encode() + context


def template_context(subject_id: str, model_id: str, expires_on: date | str) -> bytes:
    """Give what a template is bound to besides school and key: its person, its model and its last day."""
    return json.dumps([subject_id, model_id, str(expires_on)]).encode()


def make_key(store: Store, passphrase: Passphrase | None = None) -> Vault:
    """Make the key of a school file that has none, and open it.

    Args:
        store: The school file.
        passphrase: Gives a new passphrase; None to keep a random key in the keyring.

    Raises:
        VaultError: if it has a key, the passphrase is too short, or no keyring can be used.
        RecordError: if the school file cannot be written.
    """
    with store.atomic():
        if kept_in(store) is not None:
            raise VaultError(f"{store.path}: has a key already", "Use it; `imgguard key rotate` makes a new one.")
        vault = _new_key(store, passphrase)
        audit.append(store, audit.Kind.KEY_MADE, {"key": vault.key_id, "kept_in": kept_in(store)})
    return vault


def kept_in(store: Store) -> str | None:
    """Tell where the key in use is kept, "keyring" or "passphrase"; None where there is none."""
    rows = store.query("SELECT kept_in FROM keys WHERE retired_at IS NULL")
    return str(rows[0][0]) if rows else None


def open_vault(store: Store, passphrase: Passphrase | None = None) -> Vault:
    """Open the key in use.

    Args:
        store: The school file.
        passphrase: Gives the passphrase; called only where the key is made of one.

    Raises:
        VaultError: if there is no key, it cannot be had, or the passphrase is wrong.
    """
    rows: Any = store.query("SELECT id, kept_in, parameters, nonce, proof FROM keys WHERE retired_at IS NULL")
    school = open_school(store)
    if not rows or school is None:
        raise VaultError(f"{store.path}: has no key for templates", "Make one with `imgguard init`.")
    ((key_id, where, parameters, nonce, proof),) = rows
    if where == "keyring":
        key = keychain.fetch(f"{school.school_id}/{key_id}")
    elif passphrase is None:
        raise VaultError(f"{store.path}: its key is made of a passphrase", "Give it (--passphrase-file FILE).")
    else:
        key = _derive(passphrase(), parameters)
    try:
        vault = Vault(key, key_id, school.school_id)
        vault.unseal(Sealed(key_id, nonce, proof), _PROOF)
    except (VaultError, ValueError):
        raise _wrong(store, where) from None
    return vault


def require_current(store: Store, vault: Vault) -> None:
    """Make sure, inside `Store.atomic()`, that an open key is still the one in use.

    Raises:
        VaultError: if another process has changed the key since.
    """
    if store.query("SELECT id FROM keys WHERE retired_at IS NULL") != [(vault.key_id,)]:
        raise VaultError(f"{store.path}: the key was changed by another process meanwhile", "Do it again.")


def rotate(store: Store, old: Vault, passphrase: Passphrase | None = None) -> tuple[int, int]:
    """Encrypt every template with a new key, in one transaction, and delete the old key.

    Args:
        store: The school file.
        old: The key in use.
        passphrase: Gives the new passphrase; None to keep the new key in the keyring.

    Returns:
        How many templates were encrypted anew, and how many could not be read and are gone.

    Raises:
        VaultError: if no new key can be made; everything is as it was then.
    """
    with store.atomic():
        require_current(store, old)
        _retire(store)
        new = _new_key(store, passphrase)
        rows: Any = store.query("SELECT id, subject_id, model_id, expires_on, key_id, nonce, ciphertext FROM templates")
        moved = sum(_moved(store, old, new, *row) for row in rows)
        told = {"key": new.key_id, "templates": moved, "unreadable": len(rows) - moved}
        audit.append(store, audit.Kind.KEY_ROTATED, told)
    _drop_retired(store)
    return moved, len(rows) - moved


def replace_lost(store: Store, passphrase: Passphrase | None = None) -> int:
    """Give up a key that is lost: delete every template, which nobody can read any more, and make a new key.

    Returns:
        How many templates were deleted; their people have to be enrolled again. Nothing else is lost.

    Raises:
        VaultError: if there never was a key, or no new one can be made; everything is as it was then.
    """
    with store.atomic():
        if kept_in(store) is None:
            raise VaultError(f"{store.path}: has no key that could be lost", "Make one with `imgguard init`.")
        deleted = store.change("DELETE FROM templates")
        _retire(store)
        new = _new_key(store, passphrase)
        audit.append(store, audit.Kind.KEY_LOST, {"key": new.key_id, "templates": deleted})
    _drop_retired(store)
    return deleted


def _moved(
    store: Store, old: Vault, new: Vault, row: int, subject_id: str, model_id: str, expires_on: str, key_id: int,
    nonce: bytes, ciphertext: bytes,
) -> bool:  # fmt: skip
    context = template_context(subject_id, model_id, expires_on)
    try:
        sealed = new.seal(old.unseal(Sealed(key_id, nonce, ciphertext), context), context)
    except VaultError:
        store.change("DELETE FROM templates WHERE id = ?", (row,))
        return False
    told = (sealed.key_id, sealed.nonce, sealed.ciphertext, row)
    store.change("UPDATE templates SET key_id = ?, nonce = ?, ciphertext = ? WHERE id = ?", told)
    return True


def _new_key(store: Store, passphrase: Passphrase | None) -> Vault:
    school = open_school(store)
    if school is None:
        raise VaultError(f"{store.path}: is not a school's yet", "Make it one with `imgguard init`.")
    ((key_id,),) = store.query("SELECT ifnull(max(id), 0) + 1 FROM keys")
    assert isinstance(key_id, int)
    if passphrase is None:
        key = secrets.token_bytes(_KEY_BYTES)
        parameters = json.dumps({"backend": keychain.keep(f"{school.school_id}/{key_id}", key)})
    else:
        parameters = _fresh_parameters()
        key = _derive(_long_enough(passphrase()), parameters)
    vault = Vault(key, key_id, school.school_id)
    proof = vault.seal(b"", _PROOF)
    where = "keyring" if passphrase is None else "passphrase"
    facts = {"id": key_id, "made_at": now(), "kept_in": where, "parameters": parameters}
    store.insert_row("keys", {**facts, "nonce": proof.nonce, "proof": proof.ciphertext})
    return vault


def _retire(store: Store) -> None:
    """Keep that there was a key, and nothing by which its passphrase could be tried."""
    sql = "UPDATE keys SET retired_at = ?, parameters = '{}', nonce = x'', proof = x'' WHERE retired_at IS NULL"
    store.change(sql, (now(),))


def _drop_retired(store: Store) -> None:
    """Delete old keys only after the new one is committed: a crash in between must not lose both."""
    school = open_school(store)
    rows = store.query("SELECT id FROM keys WHERE retired_at IS NOT NULL AND kept_in = 'keyring'")
    for (key_id,) in rows if school else ():
        keychain.drop(f"{school.school_id}/{key_id}" if school else "")


def _fresh_parameters() -> str:
    salt = secrets.token_bytes(_SALT_BYTES).hex()
    return json.dumps({"kdf": "scrypt", "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P, "salt": salt})


def _derive(passphrase: str, parameters: str) -> bytes:
    try:
        told = json.loads(parameters)
        n, r, p, salt = told["n"], told["r"], told["p"], bytes.fromhex(told["salt"])
        if told["kdf"] != "scrypt" or n < SCRYPT_N or min(r, p) < 1 or 128 * n * r * p > _MOST_MEMORY:
            raise ValueError
        kdf = Scrypt(salt=salt, length=_KEY_BYTES, n=n, r=r, p=p)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise VaultError("What the school file says of its key is damaged", "Restore a backup of the file.") from None
    return kdf.derive(unicodedata.normalize("NFC", passphrase).encode())


def _long_enough(passphrase: str) -> str:
    if len(passphrase) >= LEAST_PASSPHRASE:
        return passphrase
    raise VaultError(
        f"The passphrase is shorter than {LEAST_PASSPHRASE} characters", "Take a longer one, such as five random words."
    )


def _wrong(store: Store, where: str) -> VaultError:
    lost = "if it is lost, `imgguard key lost` makes a new key, and the ID photos are enrolled again."
    if where == "passphrase":
        return VaultError(f"{store.path}: the passphrase is wrong", f"Try again; {lost}")
    return VaultError(f"{store.path}: the keyring has another key", f"Use the account that made it; {lost}")
