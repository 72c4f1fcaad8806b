"""What the commands share that look something up in the school file, and write what they found for its people alone."""

from __future__ import annotations

from pathlib import Path

import click

from consent.existing import open_existing
from consent.store import Store

with_names_option = click.option(
    "--with-names", is_flag=True, help="Also tell names, as the school file has them; if not given, numbers alone."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Give JSON.")


def look_up(school: Path | None) -> Store:
    """Open the school file to look something up; it is never made by that.

    Raises:
        RecordError: if there is none, or it cannot be used.
    """
    from imgguard.guard import default_school

    return open_existing(school or default_school())


def save(content: str, path: Path) -> None:
    """Write a file that only the operator can read; one that is there already is never replaced.

    Raises:
        OutputError: if it cannot be written.
    """
    from imgguard.output import OutputFolder

    folder = path.resolve().parent
    OutputFolder(folder, overwrite=False, private=True).publish(content.encode(), folder / path.name)
