"""Open the school file for the commands that need one that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.options import A_PATH

if TYPE_CHECKING:
    from consent.forgetting import Receipt
    from consent.store import Store


receipt_option = click.option("--receipt", type=A_PATH, help="Also write the receipt to this file.")


def opened(school: Path | None) -> Store:
    """Open the school file; unlike a run, which makes one for its record, this needs one that is there.

    Raises:
        RecordError: if there is none, or it cannot be used.
    """
    from consent.existing import open_existing
    from imgguard.guard import default_school

    return open_existing(school or default_school())


def give_receipt(receipt: Receipt, file: Path | None) -> None:
    """Show a receipt, and write it to a file."""
    from imgguard.output import OutputFolder

    click.echo(str(receipt), nl=False)
    if file is not None:
        folder = file.resolve().parent
        OutputFolder(folder, overwrite=False, private=True).publish(str(receipt).encode(), folder / file.name)
