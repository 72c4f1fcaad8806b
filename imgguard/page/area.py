"""Where originals and pictures that are not released lie while they are looked at: encrypted, and gone afterwards."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BITS, _NONCE_BYTES = 256, 12


class Area:
    """A folder of encrypted files, whose key lives in this process alone (AES-256-GCM).

    Every file is bound to its name, so that none can be put in another's place.
    """

    def __init__(self, folder: Path) -> None:
        """Use a folder that is nobody else's."""
        self._folder = folder
        self._cipher = AESGCM(AESGCM.generate_key(_KEY_BITS))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, name: str, content: bytes) -> None:
        """Keep bytes under a name, which is hashed into a file name and may be anything."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        path = self._path(name)
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(nonce + self._cipher.encrypt(nonce, content, name.encode()))

    def get(self, name: str) -> bytes | None:
        """Give what was kept under a name; None where nothing was, or it is damaged."""
        try:
            sealed = self._path(name).read_bytes()
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (OSError, InvalidTag, ValueError):
            return None

    def drop(self, name: str) -> None:
        """Delete what was kept under a name."""
        self._path(name).unlink(missing_ok=True)

    def close(self) -> None:
        """Delete everything; without the key it is lost anyway."""
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)
        self._folder.rmdir()

    def _path(self, name: str) -> Path:
        import hashlib

        return self._folder / hashlib.sha256(json.dumps(name).encode()).hexdigest()
