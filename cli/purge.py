"""`imgguard purge`: delete the templates that are over."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import school_option
from cli.schools import give_receipt, opened, receipt_option


@click.command()
@receipt_option
@school_option
def purge(receipt: Path | None, school: Path | None) -> int:
    """Delete the templates whose last day is over or whose people may not be recognised any more.

    What is deleted is overwritten, and the school file is written anew without it. Gives a receipt, which names nobody.
    """
    from consent.forgetting import purge as purge_templates

    with opened(school) as store:
        done = purge_templates(store, date.today())
    give_receipt(done, receipt)
    return EXIT_OK if done.complete else EXIT_INCOMPLETE
