"""`imgguard key`: change the key of the templates, or give up one that is lost."""

from __future__ import annotations

from pathlib import Path

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.init import new_key
from cli.options import A_PATH, passphrase_option, school_option

_to = (
    click.option("--to-keyring", is_flag=True, help="Keep the new key in the keyring."),
    click.option("--new-passphrase", is_flag=True, help="Make the new key of a passphrase, which is asked for."),
    click.option(
        "--new-passphrase-file", type=A_PATH,
        help="Make the new key of the passphrase in this file, which only you can read.",
    ),
)  # fmt: skip


def _where(to_keyring: bool, passphrase: bool, file: Path | None, now: str | None) -> tuple[bool, Path | None]:
    """Say whether the new key is made of a passphrase; if nothing is said, it is kept where the old one is."""
    if to_keyring and (passphrase or file is not None):
        raise click.UsageError("--to-keyring does not go with a new passphrase.")
    said = to_keyring or passphrase or file is not None
    return (passphrase if said else now == "passphrase"), file


@click.group()
def key() -> None:
    """Change the key of the templates, or give up one that is lost."""


@key.command()
@passphrase_option
@_to[0]
@_to[1]
@_to[2]
@school_option
def rotate(
    passphrase_file: Path | None,
    to_keyring: bool,
    new_passphrase: bool,
    new_passphrase_file: Path | None,
    school: Path | None,
) -> int:
    """Encrypt every template with a new key, and delete the old one.

    If nothing is said, the new key is kept where the old one is.
    """
    from cli.passphrases import asked
    from cli.schools import opened
    from cli.shown import counted
    from consent.vault import kept_in, open_vault
    from consent.vault import rotate as rotate_key

    with opened(school) as store:
        anew, file = _where(to_keyring, new_passphrase, new_passphrase_file, kept_in(store))
        old = open_vault(store, asked(passphrase_file))
        moved, unreadable = rotate_key(store, old, new_key(anew, file))
    click.echo(f"{counted(moved, 'template', 'templates')} encrypted with the new key. The old one is deleted.")
    if unreadable:
        click.echo(f"{unreadable} could not be read and are gone: enrol the ID photos again.")
    return EXIT_INCOMPLETE if unreadable else EXIT_OK


@key.command()
@click.option("--yes", is_flag=True, help="Do not ask whether to delete the templates.")
@_to[0]
@_to[1]
@_to[2]
@school_option
def lost(
    yes: bool, to_keyring: bool, new_passphrase: bool, new_passphrase_file: Path | None, school: Path | None
) -> int:
    """Delete the templates, which nobody can read without their key, and make a new key.

    Nothing else is lost: enrol the ID photos again.
    """
    from cli.schools import opened
    from cli.shown import counted
    from consent.vault import kept_in, replace_lost

    with opened(school) as store:
        anew, file = _where(to_keyring, new_passphrase, new_passphrase_file, kept_in(store))
        if not yes:
            click.confirm("Delete every template and make a new key?", abort=True, err=True)
        deleted = replace_lost(store, new_key(anew, file))
        store.compact()
    click.echo(f"{counted(deleted, 'template', 'templates')} deleted. Enrol the ID photos again: imgguard enroll")
    return EXIT_OK
