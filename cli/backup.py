"""`imgguard backup` and `imgguard restore`: copy the school file, and put a copy back."""

from __future__ import annotations

from pathlib import Path

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH, school_option
from cli.schools import opened


@click.command()
@click.argument("file", metavar="FILE", type=A_PATH)
@school_option
def backup(file: Path, school: Path | None) -> int:
    """Copy the school file to FILE, also while others write to it.

    The copy holds names and decisions as the school file does: keep it as carefully. The key of the templates is not in
    it.
    """
    from cli.shown import printable
    from consent.backup import back_up
    from consent.vault import kept_in

    with opened(school) as store:
        made = back_up(store, file)
        where = kept_in(store)
    click.echo(f"Wrote {printable(made.path)} ({made.size:,} bytes).\nSHA-256 {made.sha256}")
    if where == "keyring":
        click.echo("The key of its templates is in the keyring of this computer and is not copied.")
    return EXIT_OK


@click.command()
@click.argument("file", metavar="FILE", type=A_PATH)
@click.option("--yes", is_flag=True, help="Do not ask whether to replace the school file.")
@school_option
def restore(file: Path, yes: bool, school: Path | None) -> int:
    """Put a backup in the place of the school file, which is kept beside it.

    The backup is checked first. What was withdrawn since it was made holds, and whoever was forgotten since is
    forgotten again; if a newer roster was imported since, import it again: until then everybody is covered.
    """
    from cli.shown import printable
    from consent.backup import restore as put_back
    from imgguard.guard import default_school

    path = school or default_school()
    if path.exists() and not yes:
        click.confirm(f"Replace {printable(path)} (it is kept beside it)?", abort=True, err=True)
    done = put_back(file, path)
    click.echo(f"Restored {printable(done.path)}.")
    if done.kept is None:
        return EXIT_OK
    kept = printable(done.kept)
    click.echo(f"The file that it replaced is {kept}; delete it when it is not needed any more.")
    if done.carried is None:
        click.echo("It could not be read: import the newest roster, and withdraw and forget again what was since then.")
        return EXIT_INCOMPLETE
    click.echo(f"Carried over from it: withdrawals {done.carried.withdrawals}, forgotten {done.carried.forgotten}.")
    if done.carried.outdated:
        click.echo("The roster of the backup is outdated: everybody is covered until you import the newest one.")
    if done.carried.published:
        click.echo(
            f"Published since the backup, so known to the replaced file alone: {done.carried.published}. "
            f"To find them by who is shown, name that file: --school {kept}"
        )
    return EXIT_INCOMPLETE if done.carried.outdated or done.carried.published else EXIT_OK
