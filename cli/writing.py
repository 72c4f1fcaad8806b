"""Options that say how files are written, for the commands that write them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from cli.options import FORMATS, NAMES, with_options


def how_to_write(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --format, --names, --keep-orientation-tag and --credit; the command gets them as `writing` for a `Guard`."""

    @functools.wraps(command)
    def packed(*, container: str, names: str, keep_orientation_tag: bool, credit: str | None, **others: Any) -> Any:
        wanted = None if container == "auto" else container
        told = {"format": wanted, "names": names, "keep_orientation_tag": keep_orientation_tag, "credit": credit}
        return command(writing=told, **others)

    return with_options(
        packed,
        click.option(
            "--format", "container", type=FORMATS, default="auto", show_default=True,
            help="File format to write; auto keeps the photo's own (HEIC becomes JPEG).",
        ),
        click.option(
            "--names", type=NAMES, default="auto", show_default=True,
            help="Names of files and folders: auto replaces those that tell who, where or when by neutral ones "
            "(photo-0001.jpg), neutral all, keep none. Only the record knows which is which.",
        ),
        click.option(
            "--keep-orientation-tag", is_flag=True,
            help="Leave JPEGs that lie on their side as they are stored, with a tag that says how to turn them. If "
            "not given they are turned, without loss wherever their size allows.",
        ),
        click.option(
            "--credit", metavar="TEXT",
            help="A line of credit to put into each file, such as 'Photo: North School'.",
        ),
    )  # fmt: skip
