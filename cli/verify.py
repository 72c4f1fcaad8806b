"""`imgguard verify`: is a file clean, whoever made it?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.exits import EXIT_INCOMPLETE, EXIT_OK
from cli.options import A_PATH
from cli.reading import read

if TYPE_CHECKING:
    from rich.console import Console

    from imgguard.known_names import KnownNames
    from imgguard.leaks import FileCheck

_MOST_LEAKS = 12
_FACES = "This looks at files, not at pictures: whether every face is covered, only your eyes can tell."


@click.command()
@click.argument("files", metavar="FILE_OR_FOLDER...", nargs=-1, required=True, type=A_PATH)
@click.option("--roster", type=A_PATH, help="A roster; file names and credits are then searched for its people, too.")
@click.option("--json", "as_json", is_flag=True, help="Print everything that was found as JSON, for scripts.")
def verify(files: tuple[Path, ...], roster: Path | None, as_json: bool) -> int:
    """Hold files, made here or elsewhere, against the list of what a published file may contain.

    Lists everything else that they tell: where a photo was taken, names of people, camera and times, second pictures,
    bytes after the end, names of files and folders, attributes, and what lies beside the photos. A line of credit may
    stay, but not a phone number, an e-mail address, a place on the map or somebody of the roster in it. Ends with exit
    code 0 if everything is clean, and with 3 if not. Does not look at the pictures: it cannot say that faces are
    covered.
    """
    from rich.console import Console

    from imgguard.leaks import check_files

    checks = []
    console = Console()
    for check in check_files(files, _known(roster)):
        checks.append(check)
        if not as_json and not check.ok:
            _show(console, check)
    if as_json:
        click.echo(json.dumps([_facts(check) for check in checks], indent=2))
    else:
        _sum_up(console, checks)
    return EXIT_OK if checks and all(check.ok for check in checks) else EXIT_INCOMPLETE


def _known(roster: Path | None) -> KnownNames:
    from imgguard.known_names import KnownNames

    return KnownNames.of(read(roster, None).subjects.values()) if roster else KnownNames()


def _show(console: Console, check: FileCheck) -> None:
    from cli.shown import cell, show_told

    kind = f" ({check.container.value})" if check.container else ""
    console.print(cell(f"{check.path}{kind}"), style="bold", soft_wrap=True)
    if check.reason:
        console.print(cell(f"  {check.reason}"), soft_wrap=True)
    show_told(console, check.leaks[:_MOST_LEAKS], compact=True)
    if len(check.leaks) > _MOST_LEAKS:
        console.print(f"  and {len(check.leaks) - _MOST_LEAKS} more; imgguard inspect and --json list all")


def _sum_up(console: Console, checks: list[FileCheck]) -> None:
    from cli.shown import cell, counted

    clean = sum(check.ok for check in checks)
    if not checks:
        console.print("There is no file.", style="bold")
        return
    told = "Everything is clean" if clean == len(checks) else "Not everything is clean"
    console.print(f"{told}: {clean} of {len(checks)} files.", style="bold")
    for credit, count in Counter(check.credit for check in checks if check.credit).most_common(_MOST_LEAKS):
        console.print(cell(f"Credit in {counted(count, 'file', 'files')}: {credit}"), soft_wrap=True)
    console.print(_FACES, soft_wrap=True)


def _facts(check: FileCheck) -> dict[str, Any]:
    leaks = [{"place": leak.place, "what": leak.name, "says": leak.value} for leak in check.leaks]
    return {
        "path": str(check.path),
        "format": check.container.value if check.container else None,
        "clean": check.ok,
        "reason": check.reason,
        "credit": check.credit,
        "leaks": leaks,
    }
