"""Encrypt what travels through a cluster, with a key of one run that workers are given one by one.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce each; the run and what a message is are bound to it, so that
none can take another's place. The key travels under a secret that client and worker agree on by X25519 (RFC 7748) and
HKDF (RFC 5869), with key pairs that both make for this alone.
"""

from __future__ import annotations

import pickle
import secrets
from typing import Any, Never

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from imgguard.errors import SetupError

_NONCE_BYTES = 12
_KEY_BITS = 256


class RunKey:
    """The key of one run. It cannot be shown, copied or pickled.

    Attributes:
        run: The run's own random name.
    """

    __slots__ = ("_cipher", "_key", "run")

    def __init__(self, run: str, key: bytes | None = None) -> None:
        """Make a new key, or hold the one that was given."""
        self.run = run
        self._key = key or AESGCM.generate_key(_KEY_BITS)
        self._cipher = AESGCM(self._key)

    def __repr__(self) -> str:
        """Tell nothing of the key."""
        return f"<RunKey of {self.run}>"

    def __reduce__(self) -> Never:
        """Refuse to be pickled."""
        raise TypeError("a key does not leave its process")

    def seal(self, value: object, what: str) -> bytes:
        """Encrypt a value and bind it to what it is."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, pickle.dumps(value, pickle.HIGHEST_PROTOCOL), self._bound(what))

    def unseal(self, sealed: bytes, what: str) -> Any:
        """Decrypt a value; only what was sealed with this key is ever unpickled.

        Raises:
            SetupError: if it is not what it should be.
        """
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = self._cipher.decrypt(nonce, text, self._bound(what))
        except (InvalidTag, ValueError):
            raise SetupError(
                "What came through the cluster was altered on its way, or is another run's",
                "Look for what else works on this cluster, and run again.",
            ) from None
        return pickle.loads(plain)

    def wrapped_for(self, public: bytes) -> tuple[bytes, bytes]:
        """Encrypt the key for one worker.

        Args:
            public: The worker's public key.

        Returns:
            A public key of our own and the encrypted key.
        """
        own = X25519PrivateKey.generate()
        told = own.public_key().public_bytes_raw()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        agreed = _agreed(own, public, told + public)
        return told, nonce + agreed.encrypt(nonce, self._key, self._bound("key"))

    @classmethod
    def unwrapped(cls, run: str, private: X25519PrivateKey, told: bytes, wrapped: bytes) -> RunKey:
        """Decrypt the key in a worker.

        Raises:
            SetupError: if it was not meant for this worker and run.
        """
        nonce, text = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        agreed = _agreed(private, told, told + private.public_key().public_bytes_raw())
        try:
            return cls(run, agreed.decrypt(nonce, text, _bound(run, "key")))
        except (InvalidTag, ValueError):
            raise SetupError("The key of the run was altered on its way", "Run again.") from None

    def _bound(self, what: str) -> bytes:
        return _bound(self.run, what)


def _bound(run: str, what: str) -> bytes:
    return f"imgguard {run} {what}".encode()


def _agreed(private: X25519PrivateKey, public: bytes, both: bytes) -> AESGCM:
    shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    return AESGCM(HKDF(hashes.SHA256(), 32, None, b"imgguard run key" + both).derive(shared))
