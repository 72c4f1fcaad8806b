"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from consent.model import Purpose
from imgguard.types import Format, Style

_Command = TypeVar("_Command", bound=Callable[..., Any])

PURPOSES = click.Choice([purpose.value for purpose in Purpose])
STYLES = click.Choice([style.value for style in Style])
FORMATS = click.Choice(["auto", *(container.value for container in Format if container is not Format.HEIF)])
A_PATH = click.Path(path_type=Path)


def who_may_be_seen(command: _Command) -> _Command:
    """Add the options that say who is known and what for."""
    for option in reversed(
        [
            click.option("--roster", type=A_PATH, help="The consent roster (see: imgguard roster template)."),
            click.option("--id-photos", type=A_PATH, help="Folder of ID photos: 020411.jpg, 020411(2).jpg, ..."),
            click.option("--purpose", type=PURPOSES, help="What the photos are published for."),
        ]
    ):
        command = option(command)
    return command
