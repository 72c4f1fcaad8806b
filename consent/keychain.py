"""Keep keys in the keyring of the operating system, and refuse a keyring that does not protect them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from consent.errors import VaultError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "imgguard"
# Below, keyring's own authors do not recommend a backend: it keeps secrets in plain text, or nowhere.
_RECOMMENDED = 1
_REMEDY = (
    "Unlock the keyring of your computer (Keychain, Credential Manager, GNOME Keyring, KWallet), "
    "or use a passphrase instead (--passphrase-file, or imgguard init --passphrase)."
)


def keep(username: str, key: bytes) -> str:
    """Put a key into the keyring, and give the keyring's name.

    Raises:
        VaultError: if there is no keyring that protects it, or it does not keep it.
    """
    backend = _backend()
    try:
        backend.set_password(SERVICE, username, base64.b64encode(key).decode())
        kept = fetch(username)
    except VaultError:
        raise
    except Exception as error:
        # Without the cause: what a backend says may hold what it was given.
        raise VaultError(f"The keyring does not take the key ({type(error).__name__})", _REMEDY) from None
    if kept != key:
        raise VaultError("The keyring does not give back the key that it was given", _REMEDY)
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def fetch(username: str) -> bytes:
    """Give a key of the keyring.

    Raises:
        VaultError: if it has none, or cannot be asked.
    """
    try:
        kept = _backend().get_password(SERVICE, username)
        key = base64.b64decode(kept, validate=True) if kept else None
    except VaultError:
        raise
    except (binascii.Error, ValueError):
        raise VaultError("What the keyring keeps is not the key of this school file", _LOST) from None
    except Exception as error:
        raise VaultError(f"The keyring cannot be read ({type(error).__name__})", _REMEDY) from None
    if key is None:
        raise VaultError("The keyring of this computer and user has no key for this school file", _LOST)
    return key


_LOST = (
    "Use the computer and the user account on which it was made; if the key is lost, "
    "`imgguard key lost` makes a new one, and the ID photos are enrolled again."
)


def drop(username: str) -> None:
    """Delete a key, if the keyring has it and lets it go."""
    try:
        _backend().delete_password(SERVICE, username)
    except Exception:
        return


def usable_backend() -> str | None:
    """Give the name of the keyring that keys would be kept in; None where there is none that protects them."""
    try:
        return str(_backend().name)
    # Keyrings of third parties fail in ways of their own.
    except Exception:
        return None


def _backend() -> KeyringBackend:
    """Give the keyring in use; of a chain of several, the best one."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    found: KeyringBackend = keyring.get_keyring()
    several = list(found.backends) if isinstance(found, ChainerBackend) else [found]
    best = next((backend for backend in several if backend.priority >= _RECOMMENDED), None)
    if best is None:
        raise VaultError("This computer has no keyring that protects a key", _REMEDY)
    return best
