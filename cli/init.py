"""`imgguard init`: make the school file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_OK
from cli.options import A_PATH, school_option

if TYPE_CHECKING:
    from consent.vault import Passphrase

new_passphrase_option = click.option(
    "--passphrase", is_flag=True, help="Make the key of a passphrase, which is asked for, instead of the keyring."
)
new_passphrase_file_option = click.option(
    "--passphrase-file", type=A_PATH,
    help="Make the key of the passphrase in this file, which only you can read, instead of the keyring.",
)  # fmt: skip


def new_key(passphrase: bool, file: Path | None) -> Passphrase | None:
    """Say where a new key comes from: None for the keyring. Asks at once: nobody may wait for an open school file."""
    from cli.passphrases import asked_anew

    if not passphrase and file is None:
        return None
    entered = asked_anew(file)()
    return lambda: entered


def _policy(context: click.Context, parameter: click.Parameter, value: str) -> str:
    from consent.policy_files import policy_names

    if value in policy_names():
        return value
    raise click.BadParameter(f"{value!r} is not one of {', '.join(policy_names())}.")


@click.command()
@click.option("--title", required=True, help="The name of the school.")
@click.option(
    "--policy", default="strict", show_default=True, metavar="NAME", callback=_policy,
    help="The division's procedure that the school follows.",
)  # fmt: skip
@new_passphrase_option
@new_passphrase_file_option
@school_option
def init(title: str, policy: str, passphrase: bool, passphrase_file: Path | None, school: Path | None) -> int:
    """Make the school file, and the key of the templates that it will hold.

    The key is kept in your keyring, or made of a passphrase; never in the file. A file that only holds the record of
    earlier runs becomes the school's; one that is a school's already is left alone.
    """
    from cli.shown import printable
    from consent.beginning import begin_school
    from imgguard.guard import default_school

    path = school or default_school()
    made_of = new_key(passphrase, passphrase_file)
    where = begin_school(path, title, policy, made_of)
    told = "is in your keyring" if where == "keyring" else "is made of your passphrase, which is written nowhere"
    click.echo(
        f"Made {printable(path)}.\nThe key of the templates {told}. If it is lost, ID photos are enrolled again."
    )
    return EXIT_OK
