"""`imgguard watch`: clean what arrives in a folder, for as long as nobody ends it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.counting import DONE_BEFORE
from cli.exits import EXIT_OK
from cli.options import (
    A_PATH,
    Known,
    confirm_batch_option,
    how_to_cover,
    how_to_search,
    no_recognition_option,
    school_option,
    who_may_be_seen,
    workers_option,
)
from cli.writing import how_to_write

if TYPE_CHECKING:
    from imgguard.types import PhotoResult
    from imgguard.watching import Watch

_EXAMPLES = """\b
Examples:
  imgguard watch incoming/ -o cleaned/ --purpose school_website
  imgguard watch incoming/ -o cleaned/ --no-recognition --troubles ~/troubles.txt
"""
_SECONDS = click.FloatRange(min=0.1)


@click.command(epilog=_EXAMPLES)
@click.argument("folder", type=A_PATH)
@click.option("-o", "--out", required=True, type=A_PATH, help="Output folder, outside of the folder that is watched.")
@who_may_be_seen
@how_to_search
@no_recognition_option
@how_to_cover
@how_to_write
@confirm_batch_option
@click.option(
    "--troubles", type=A_PATH,
    help="Keep a list of the photos that could not be cleaned in this file, with names, reasons and what to do; "
    "only you can read it.",
)  # fmt: skip
@click.option("--json-lines", is_flag=True, help="Write the log as JSON, one object a line (docs/watch.md).")
@click.option("--every", type=_SECONDS, default=5.0, show_default=True, help="Seconds between two looks.")
@click.option(
    "--settle", type=_SECONDS, default=5.0, show_default=True,
    help="Seconds for which a file has to lie still before it is taken for complete.",
)  # fmt: skip
@click.option(
    "--heartbeat", type=_SECONDS, default=300.0, show_default=True, help="Seconds between two signs of life in the log."
)
@school_option
@workers_option
def watch(
    folder: Path,
    out: Path,
    known: Known,
    search: str,
    no_recognition: bool,
    covering: dict[str, Any],
    writing: dict[str, Any],
    confirm_batch: bool,
    troubles: Path | None,
    json_lines: bool,
    every: float,
    settle: float,
    heartbeat: float,
    school: Path | None,
    workers: int | None,
) -> int:
    """Clean the photos that arrive in a folder, until ended with Ctrl-C or SIGTERM.

    Files are taken when they are complete. What is done is known by the record, also after a restart. Roster and
    withdrawals are read anew whenever they change. The log has times, numbers and reasons, and no names.
    """
    from cli.clean import check_options
    from imgguard.arrivals import Timing
    from imgguard.guard import Guard, default_school
    from imgguard.watching import Order, Watch

    check_options(no_recognition, known)
    _check_troubles(troubles, out)
    known = replace(known, publication=replace(known.publication, confirm_batch=confirm_batch))
    arguments = {**known.for_guard, **covering, **writing, "search": search, "recognition": not no_recognition}
    arguments["passphrase"] = _asked_once(arguments["passphrase"], known.passphrase_file)
    read = tuple(path for path in (known.roster, known.id_photos) if path is not None)
    place = school or default_school()
    order = Order(folder, out, place, read, workers, Timing(settle), every, heartbeat)
    log = _log(json_lines)

    def tell(event: str, facts: Mapping[str, object]) -> None:
        log(event, facts)
        if troubles is not None:
            _write_troubles(troubles, watched)

    def finished(result: PhotoResult) -> None:
        from cli.json_lines import photo_facts

        if result.refusal is not None:
            log("refused", {"source_sha256": result.sha256, "reason": result.refusal.kind})
        elif json_lines and result.status.value != DONE_BEFORE:
            log("photo", photo_facts(result))

    watched = Watch(order, lambda: Guard(**arguments, school=place), tell, finished)
    try:
        watched.run()
    except KeyboardInterrupt:
        # Ended as it was told to: whoever runs services takes anything but 0 for a failure.
        tell("stopped", watched.facts())
    return EXIT_OK


def _asked_once(ask: Callable[[], str], file: Path | None) -> Callable[[], str]:
    """Keep what was typed, since it is needed whenever something changes; a file is read anew."""
    if file is not None:
        return ask

    @functools.cache
    def asked() -> str:
        from consent.errors import VaultError

        if not sys.stdin or not sys.stdin.isatty():
            raise VaultError(
                "The school file wants its passphrase, and there is nobody to ask",
                "Give --passphrase-file with a file that only this account can read, or keep the key in the keyring.",
            )
        return ask()

    return asked


def _check_troubles(troubles: Path | None, out: Path) -> None:
    if troubles is None:
        return
    if troubles.resolve().is_relative_to(out.resolve()):
        raise click.UsageError("--troubles: inside the output folder it would be published with the photos.")
    if not troubles.resolve().parent.is_dir():
        raise click.UsageError(f"--troubles: there is no folder {troubles.parent}.")


def _log(json_lines: bool) -> Callable[[str, Mapping[str, object]], None]:
    from cli.json_lines import Lines, utc_now

    if json_lines:
        lines = Lines()
        return lambda event, facts: lines.write(event, dict(facts))

    def write(event: str, facts: Mapping[str, object]) -> None:
        click.echo(" ".join([utc_now(), event, *(f"{name}={value}" for name, value in facts.items())]))
        sys.stdout.flush()

    return write


def _write_troubles(file: Path, watched: Watch) -> None:
    from imgguard.errors import OutputError
    from imgguard.output import OutputFolder

    told = [f"{watched.held_up}\n"] if watched.held_up else []
    told += [f"{path}: {why.what.removeprefix(f'{path}: ')}. {why.remedy}\n" for path, why in watched.troubles.items()]
    folder = file.resolve().parent
    try:
        content = "".join(told).encode(errors="backslashreplace")
        OutputFolder(folder, overwrite=True, private=True).publish(content, folder / file.name)
    except OutputError as error:
        click.echo(f"The list of troubles cannot be written: {error}", err=True)
