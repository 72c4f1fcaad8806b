"""Passphrases come from a hidden prompt or a file that nobody else can read, never from the environment."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import click

from consent.errors import VaultError

_MOST_BYTES = 4096


def asked(file: Path | None) -> Callable[[], str]:
    """Give what gets the passphrase when it is needed: from the file, or from a prompt where there is none."""
    return (lambda: _read(file)) if file is not None else (lambda: _prompt("Passphrase of the school file"))


def asked_anew(file: Path | None) -> Callable[[], str]:
    """The same for a new passphrase, which a prompt asks for twice."""
    return (lambda: _read(file)) if file is not None else (lambda: _prompt("New passphrase", confirm=True))


def _prompt(text: str, *, confirm: bool = False) -> str:
    entered: str = click.prompt(text, hide_input=True, confirmation_prompt=confirm, err=True)
    return entered


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise VaultError(
            f"{file}: the passphrase file cannot be read ({error.strerror})",
            "Give the path of a file that you can read.",
        ) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise VaultError(f"{file}: others can read the passphrase file", f"Keep it to yourself: chmod 600 {file}")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(lines) != 1 or not lines[0] or len(content) > _MOST_BYTES:
        raise VaultError(
            f"{file}: is not one line of text", "Write the passphrase into it, and nothing else."
        ) from None
    return lines[0]
