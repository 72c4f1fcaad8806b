"""`imgguard doctor`: is everything there, and does it work on this computer?"""

from __future__ import annotations

import click

from cli.exits import EXIT_IMPOSSIBLE, EXIT_OK


@click.command()
def doctor() -> int:
    """Show versions, model files and this computer, and clean a built-in sample picture as a test.

    The output is meant to be sent along with a question; it names no person and no photo.
    """
    from imgguard.selfcheck import run_checks

    good = True
    for check in run_checks():
        good &= check.ok
        click.echo(f"{'ok' if check.ok else 'FAILED':<7} {check.name}: {check.told}")
    return EXIT_OK if good else EXIT_IMPOSSIBLE
