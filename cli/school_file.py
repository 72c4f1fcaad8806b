"""What the commands share that tell something of the school file: how it is told, and written for its people alone."""

from __future__ import annotations

from pathlib import Path

import click

with_names_option = click.option(
    "--with-names", is_flag=True, help="Also tell names, as the school file has them; if not given, numbers alone."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Give JSON.")


def save(content: str, path: Path) -> None:
    """Write a file that only the operator can read; one that is there already is never replaced.

    Raises:
        OutputError: if there is a file already, or it cannot be written.
    """
    from imgguard.errors import OutputError
    from imgguard.output import OutputFolder

    if path.exists():
        raise OutputError(f"{path}: there is a file already", "Delete it, or choose another name with -o.")
    folder = path.resolve().parent
    OutputFolder(folder, overwrite=False, private=True).publish(content.encode(), folder / path.name)
