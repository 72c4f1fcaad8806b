"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from consent.model import Purpose
from imgguard.types import Extent, Format, Names, Style, Treatment

if TYPE_CHECKING:
    from rich.status import Status

    from consent.procedures import SignOff
    from imgguard.publication import Publication

_Command = TypeVar("_Command", bound=Callable[..., Any])

PURPOSES = click.Choice([purpose.value for purpose in Purpose])
EXTENTS = click.Choice([extent.value for extent in Extent])
TREATMENTS = click.Choice([treatment.value for treatment in Treatment])
STYLES = "|".join([*(style.value for style in Style if style is not Style.IMAGE), f"{Style.IMAGE.value}:FILE"])
FORMATS = click.Choice(["auto", *(container.value for container in Format)])
NAMES = click.Choice([names.value for names in Names])
A_PATH = click.Path(path_type=Path)


class _Place(click.Path):
    """A path, or an address such as s3://photos/2024."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the path or the place that is meant."""
        if isinstance(value, str) and "://" in value:
            from imgguard.errors import SetupError
            from imgguard.places import place

            try:
                return place(value)
            except SetupError as error:
                self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)


A_PLACE = _Place(path_type=Path)


def _fpir(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    from imgguard.errors import SetupError
    from imgguard.rules import checked_fpir

    if value is None:
        return None
    try:
        return checked_fpir(value)
    except SetupError as error:
        raise click.BadParameter(str(error)) from error


ROSTER_HELP = "The consent roster (see: imgguard roster template)."
ID_PHOTOS_HELP = (
    "ID photos: a folder or a zip of files named by number (020411.jpg, 020411(2).jpg, ...), or with an index in it: "
    "INDEX.TXT and MASTER.TXT as photographers write them, IDLINK.TXT, or a list of numbers and files."
)
_OF_SCHOOL = "If not given, the one that was imported into the school file."
_ENROLLED = "If not given, the templates of the school file."
group_option = click.option(
    "--group",
    "groups",
    multiple=True,
    help="Enrol only the people of this group of the roster, such as 'Grade 4'; can be given several times.",
)
fpir_option = click.option(
    "--fpir",
    type=float,
    callback=_fpir,
    metavar="SHARE",
    help="Accepted share of strangers left visible by mistake, 0.000001 to 0.01. If not given 0.001: of 1,000 "
    "strangers' faces at most one is left visible by mistake (measured on adults, up to 400 enrolled).",
)
school_option = click.option(
    "--school", type=A_PATH, envvar="IMGGUARD_SCHOOL", show_envvar=True,
    help="The school file (school.imgguard), if not the one in your user data folder.",
)  # fmt: skip
no_recognition_option = click.option(
    "--no-recognition", is_flag=True, help="Cover everybody; nothing biometric is computed."
)
confirm_batch_option = click.option(
    "--confirm-batch", is_flag=True, help="Publish more photos at once than the procedure calls a large quantity."
)
workers_option = click.option(
    "--workers", type=click.IntRange(1),
    help="Processes to use; if not given one a core, fewer where memory is short. 1 is one process for everything.",
)  # fmt: skip
passphrase_option = click.option(
    "--passphrase-file", type=A_PATH,
    help="A file that only you can read, with the passphrase of the school file's key; asked for if not given. For "
    "keys that are kept in the keyring it is not needed.",
)  # fmt: skip
old_id_photos_option = click.option(
    "--old-id-photos", is_flag=True, help="Also use ID photos that are older than 36 months."
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the options say about who is known, what for, and under which procedure."""

    roster: Path | None
    id_photos: Path | None
    purpose: str | None
    groups: tuple[str, ...]
    fpir: float | None
    old_id_photos: bool
    passphrase_file: Path | None
    publication: Publication

    @property
    def is_told(self) -> bool:
        """Whether it is told what the photos are published for."""
        return self.purpose is not None or self.publication.to is not None

    @property
    def given(self) -> list[str]:
        """The options about people that were given."""
        needed = {"--roster": self.roster, "--id-photos": self.id_photos, "--purpose": self.purpose}
        more = {"--group": self.groups or None, "--fpir": self.fpir, "--old-id-photos": self.old_id_photos or None}
        return [name for name, value in {**needed, **more}.items() if value is not None]

    @property
    def for_guard(self) -> dict[str, Any]:
        """The same as arguments of a `Guard`."""
        from cli.passphrases import asked

        values = {"roster": self.roster, "id_photos": self.id_photos, "purpose": self.purpose, "groups": self.groups}
        told = {"passphrase": asked(self.passphrase_file), "publication": self.publication}
        return {**values, **told, "old_id_photos": self.old_id_photos, **share(self.fpir)}

    def for_guard_while(self, status: Status) -> dict[str, Any]:
        """The same while something turns on the screen, which stops for a question."""
        values = self.for_guard
        ask = values["passphrase"]

        def asked() -> str:
            status.stop()
            entered: str = ask()
            status.start()
            return entered

        return {**values, "passphrase": asked}


def share(fpir: float | None) -> dict[str, float]:
    """Give the accepted share as an argument, if it was given."""
    return {} if fpir is None else {"fpir": fpir}


def who_may_be_seen(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say who is known and what for; the command gets them as one `known`."""

    @functools.wraps(command)
    def packed(
        *,
        roster: Path | None,
        id_photos: Path | None,
        purpose: str | None,
        groups: tuple[str, ...],
        fpir: float | None,
        old_id_photos: bool,
        passphrase_file: Path | None,
        publication: Publication,
        **others: Any,
    ) -> Any:
        told = Known(roster, id_photos, purpose, groups, fpir, old_id_photos, passphrase_file, publication)
        return command(known=told, **others)

    return with_options(
        under_which_procedure(packed),
        click.option("--roster", type=A_PATH, help=f"{ROSTER_HELP} {_OF_SCHOOL}"),
        click.option("--id-photos", type=A_PATH, help=f"{ID_PHOTOS_HELP} {_ENROLLED}"),
        click.option("--purpose", type=PURPOSES, help="What the photos are published for."),
        group_option,
        fpir_option,
        old_id_photos_option,
        passphrase_option,
    )


def under_which_procedure(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --policy, --to and who agreed; the command gets them as one `publication`."""

    @functools.wraps(command)
    def packed(
        *,
        policy: str | None,
        to: str | None,
        operator: str,
        sign_offs: tuple[SignOff, ...],
        attest: bool,
        **others: Any,
    ) -> Any:
        from imgguard.publication import Publication

        return command(publication=Publication(policy, to, operator, sign_offs, attest), **others)

    return with_options(
        packed,
        click.option(
            "--policy", metavar="NAME",
            help="The procedure to keep (imgguard policy list). If not given, the school's own; without one, strict.",
        ),
        click.option(
            "--to", metavar="NAME",
            help="Where the photos go, as the registry has it (imgguard destination list); it tells the purpose.",
        ),
        click.option(
            "--operator", metavar="NAME", default="", envvar="IMGGUARD_OPERATOR", show_envvar=True,
            help="Your name, for the record.",
        ),
        click.option(
            "--sign-off", "sign_offs", multiple=True, metavar="ROLE:NAME", callback=_sign_offs,
            help="Who else agreed to this publication, somebody else than you: principal, supervisor or "
            "second_administrator, and the name; can be given several times.",
        ),
        click.option("--attest", is_flag=True, help="Attest what the procedure asks of you (imgguard policy show)."),
    )  # fmt: skip


def _sign_offs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[SignOff, ...]:
    from imgguard.errors import SetupError
    from imgguard.publication import sign_off

    try:
        return tuple(sign_off(value) for value in values)
    except SetupError as error:
        raise click.BadParameter(str(error)) from error


def how_to_search(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --fast and --thorough; the command gets one `search`."""

    @functools.wraps(command)
    def packed(*, fast: bool, thorough: bool, **others: Any) -> Any:
        if fast and thorough:
            raise click.UsageError("--fast and --thorough do not go together.")
        return command(search="fast" if fast else "thorough" if thorough else "normal", **others)

    return with_options(
        packed,
        click.option("--fast", is_flag=True, help="Take about half the time; finds somewhat fewer small faces."),
        click.option("--thorough", is_flag=True, help="Search more closely; takes about three times as long."),
    )


def _style(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if value.startswith(f"{Style.IMAGE.value}:") or value in set(Style) - {Style.IMAGE}:
        return value
    raise click.BadParameter(f"{value!r} is not one of {STYLES.replace('|', ', ')}.")


def how_to_cover(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --style, --cover and --covered; the command gets them as one `covering`, arguments of a `Guard`."""

    @functools.wraps(command)
    def packed(*, style: str, cover: str, covered: str, **others: Any) -> Any:
        return command(covering={"style": style, "cover": cover, "covered": covered}, **others)

    return with_options(
        packed,
        click.option(
            "--style", metavar=f"[{STYLES}]", callback=_style, default="blur", show_default=True,
            help="How covers look; image:FILE lays a picture of your own over faces, such as image:logo.png.",
        ),
        click.option(
            "--cover", type=EXTENTS, default="face", show_default=True,
            help="How much a cover takes: the face with hair, ears and chin; the head and neck; or the person: a "
            "generous box around the body, guessed from the head (people's outlines are not looked for).",
        ),
        click.option(
            "--covered", type=TREATMENTS, default="cover", show_default=True,
            help="What is done where somebody must not be seen: cover them; crop them out where that keeps 60 % of "
            "the photo and everybody who may be seen, and cover them elsewhere; or drop the photo.",
        ),
    )  # fmt: skip


def with_options(command: _Command, *options: Callable[[_Command], _Command]) -> _Command:
    """Add options to a command, which shows them in this order."""
    for option in reversed(options):
        command = option(command)
    return command
