"""`imgguard page`: the local web page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exits import EXIT_OK
from cli.options import A_PATH, school_option

if TYPE_CHECKING:
    from consent.vault import Passphrase

_EXTRA = {"starlette", "uvicorn", "jinja2", "python_multipart", "h11"}
_TRIES = 3


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; a free one if not given.")
@click.option("--no-browser", is_flag=True, help="Only show the address; do not open it.")
@click.option("--passphrase-file", type=A_PATH, help="The passphrase of the templates' key; asked for if not given.")
@click.option("--language", type=click.Choice(["en", "fr"]), help="If not given, what the browser prefers.")
@click.option(
    "--lock-after",
    type=click.FloatRange(0, min_open=True),
    default=10,
    show_default=True,
    metavar="MINUTES",
    help="Minutes without anybody until the page is locked, or the session ends if its operator gave no PIN.",
)
@school_option
@click.option("--workers", type=click.IntRange(1), help="Processes to use; one a core if not given.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--i-know", is_flag=True, help="I know that others on the network can reach the page at --host.")
@click.option("--tls-cert", type=A_PATH, help="Certificate for --host, PEM.")
@click.option("--tls-key", type=A_PATH, help="Key of the certificate, PEM.")
def page(
    port: int, no_browser: bool, passphrase_file: Path | None, language: str | None, lock_after: float,
    school: Path | None, workers: int | None, host: str, i_know: bool, tls_cert: Path | None, tls_key: Path | None,
) -> int:  # fmt: skip
    """Open the local web page: look at photos, decide, publish. Nothing leaves this computer.

    Ctrl-C ends it; pictures that were not released are gone then.
    """
    _need_extra()
    from imgguard.guard import default_school
    from imgguard.page.server import Serving, is_this_computer, serve

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together.")
    certificate = (tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None
    if not is_this_computer(host) and not (i_know and certificate):
        raise click.UsageError(
            f"With --host {host} others on the network can reach the page. That needs --i-know, and --tls-cert and "
            "--tls-key, so that nobody reads along. Leave --host out to use the page on this computer."
        )
    file = school or default_school()
    serving = Serving(
        file, host=host, port=port, workers=workers, passphrase=_passphrase(file, passphrase_file), language=language,
        lock_after=lock_after * 60, certificate=certificate,
    )  # fmt: skip

    def opened(address: str) -> None:
        click.echo(f"The page is at {address}\nThis address is good once, for one browser. Ctrl-C ends the page.")
        if not file.is_file():
            click.echo("There is no school file yet, so everybody is covered; `imgguard init` makes one.")
        if not no_browser:
            click.launch(address)

    serve(serving, opened, lambda address: click.echo(f"Nobody is at the page any more. To go on: {address}"))
    return EXIT_OK


def _need_extra() -> None:
    """Tell how to install what only the page needs.

    Raises:
        SetupError: if it is not there.
    """
    from imgguard.errors import SetupError

    try:
        import jinja2, python_multipart, starlette, uvicorn  # noqa: E401, F401, I001
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise SetupError(
            f"The page needs more packages ({error.name} is missing)",
            'Install them: pip install "imgguard[page]"',
        ) from error


def _passphrase(school: Path, file: Path | None) -> Passphrase | None:
    """Get the passphrase once, where the key is made of one, and make sure that it is right.

    Raises:
        VaultError: if it is wrong, or cannot be asked for.
    """
    from cli.passphrases import asked as ask
    from consent.errors import VaultError
    from consent.existing import open_existing
    from consent.vault import kept_in, open_vault

    if not school.is_file():
        return None
    with open_existing(school) as store:
        if kept_in(store) != "passphrase":
            return None
        if file is None and not sys.stdin.isatty():
            raise VaultError("The templates' key is made of a passphrase", "Give it: --passphrase-file FILE.")
        for left in range(_TRIES, 0, -1):
            given = _keeping(ask(file)())
            try:
                open_vault(store, given)
            except VaultError as error:
                if file is not None or left == 1:
                    raise
                click.echo(error.what, err=True)
            else:
                return given
    return None


def _keeping(passphrase: str) -> Passphrase:
    return lambda: passphrase
