"""`imgguard page`: the local web page."""

from __future__ import annotations

from pathlib import Path

import click

from cli.exits import EXIT_OK
from cli.options import A_PATH, school_option


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; a free one if not given.")
@click.option("--no-browser", is_flag=True, help="Only show the address; do not open it.")
@click.option("--passphrase-file", type=A_PATH, help="The passphrase of the templates' key; asked for if not given.")
@school_option
@click.option("--workers", type=click.IntRange(1), help="Processes to use; one a core if not given.")
def page(port: int, no_browser: bool, passphrase_file: Path | None, school: Path | None, workers: int | None) -> int:
    """Open the local web page: look at photos, decide, publish. Nothing leaves this computer."""
    from imgguard.guard import default_school
    from imgguard.page.server import Serving, serve

    def opened(address: str) -> None:
        click.echo(f"The page is at {address}")
        if not no_browser:
            click.launch(address)

    serve(Serving(school or default_school(), port=port, workers=workers), opened)
    return EXIT_OK
