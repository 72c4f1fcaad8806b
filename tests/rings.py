"""Keyrings for tests: one that keeps secrets in a file that the environment names, and some to be refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend


class FileRing(KeyringBackend):
    """Stands for the keyring of an operating system; other processes find it by PYTHON_KEYRING_BACKEND."""

    priority = 5

    def secrets(self) -> dict[str, str]:
        path = Path(os.environ["TEST_RING"])
        return json.loads(path.read_text()) if path.exists() else {}

    def _keep(self, secrets: dict[str, str]) -> None:
        Path(os.environ["TEST_RING"]).write_text(json.dumps(secrets))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._keep({**self.secrets(), f"{service} {username}": password})

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets().get(f"{service} {username}")

    def delete_password(self, service: str, username: str) -> None:
        secrets = self.secrets()
        del secrets[f"{service} {username}"]
        self._keep(secrets)


class PlainRing(FileRing):
    priority = 0.5


class ForgetfulRing(FileRing):
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class TalkativeRing(FileRing):
    """One whose errors say what they were given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot keep {password}")


@contextmanager
def use(ring: KeyringBackend) -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(ring)
    try:
        yield
    finally:
        keyring.set_keyring(before)
