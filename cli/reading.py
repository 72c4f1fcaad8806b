"""The options that say how a roster is to be read, shared by the commands that read one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import A_PATH

if TYPE_CHECKING:
    from consent.layout import Layout, Meaning
    from consent.mapping import Declared
    from consent.roster import Roster


def how_to_read(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that declare what a roster does not say; the command gets them as one `declared`."""

    @functools.wraps(command)
    def packed(
        *, layout: str, mapping: Path | None, sheet: str, columns: tuple[str, ...], asks: tuple[str, ...],
        values: tuple[str, ...], constants: tuple[str, ...], date_order: str | None, opt_outs: tuple[str, ...],
        multiple: tuple[str, ...], permissions: str | None, **others: Any,
    ) -> Any:  # fmt: skip
        from consent.layout import DateOrder
        from consent.mapping import Declared

        declared = Declared(
            layout=layout,
            mapping=_mapping(mapping),
            sheet=sheet,
            columns=_pairs(columns, "--column", "FIELD=HEADING"),
            asks={heading: _targets(told) for heading, told in _at_end(asks, "--asks", "HEADING=PURPOSE,...")},
            values=_values(values),
            constants=_pairs(constants, "--constant", "FIELD=VALUE"),
            date_order=DateOrder(date_order) if date_order else None,
            opt_outs=opt_outs,
            multiple=multiple,
            permissions=_permissions(permissions),
        )
        return command(declared=declared, **others)

    for option in reversed(_OPTIONS):
        packed = option(packed)
    return packed


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--layout", default="", metavar="NAME", help="The layout, where two would fit."),
    click.option("--mapping", type=A_PATH, help="A mapping that `roster map` wrote; it has to fit."),
    click.option("--sheet", default="", metavar="NAME", help="The sheet of a workbook, where two have people."),
    click.option(
        "--column", "columns", multiple=True, metavar="FIELD=HEADING",
        help="Which column holds a field, such as number='Student No.'; can be given several times.",
    ),
    click.option(
        "--asks", multiple=True, metavar="HEADING=PURPOSE,...",
        help="What a column (or a permission in a list of them) is for: school_website, school_website.work, "
        "'*.first_name', biometric_ok, ...; can be given several times.",
    ),
    click.option(
        "--value", "values", multiple=True, metavar="HEADING:VALUE=MEANING",
        help="What a value means: yes, no, blank, or the purposes to which it says yes; can be given several times. "
        "Two colons where the heading has one itself.",
    ),
    click.option(
        "--constant", "constants", multiple=True, metavar="FIELD=VALUE",
        help="What holds in every row, such as signer_role=guardian; every report says so.",
    ),
    click.option(
        "--date-order", type=click.Choice(["dmy", "mdy"]),
        help="Which part of dates like 03/04/2026 comes first: dmy is 3 April.",
    ),
    click.option(
        "--opt-out", "opt_outs", multiple=True, metavar="HEADING",
        help="Blank means yes in this column, because the school asks for refusals; every report says so.",
    ),
    click.option(
        "--multiple", multiple=True, metavar="HEADING",
        help="Cells of this column may hold several answers, as 'A;B;' or 'A, B'.",
    ),
    click.option(
        "--permissions", metavar="HEADING=HEADING",
        help="For a row for each permission: the heading over their names, and the one over the answers.",
    ),
)  # fmt: skip


def read(file: Path, school: Path | None, declared: Declared | None = None) -> Roster:
    """Read a roster, also by the school's own mappings."""
    from consent.mapping import Declared
    from consent.roster import read_roster

    return read_roster(file, declared or Declared(), mappings=own_mappings(school))


def school_of(school: Path | None) -> Path:
    """Give the school file that was named, or the usual one."""
    from imgguard.guard import default_school

    return school or default_school()


def own_mappings(school: Path | None) -> tuple[Layout, ...]:
    """Give the mappings of the school file, where there is one."""
    from consent.imports import saved_mappings
    from consent.store import Store

    path = school_of(school)
    if not path.is_file():
        return ()
    with Store(path) as store:
        return saved_mappings(store)


def _mapping(path: Path | None) -> Layout | None:
    if path is None:
        return None
    from consent.layout import parse_layout
    from consent.tables import decode, read_bytes

    return parse_layout(decode(read_bytes(path)), str(path))


def _pairs(told: Iterable[str], option: str, form: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in told]
    if any(not name or not mark for name, mark, _ in pairs):
        raise click.UsageError(f"{option} is given as {form}.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _at_end(told: Iterable[str], option: str, form: str) -> list[tuple[str, str]]:
    """Headings may have an equals sign; what they mean has none."""
    pairs = [text.rpartition("=") for text in told]
    if any(not name or not mark for name, mark, _ in pairs):
        raise click.UsageError(f"{option} is given as {form}.")
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def _targets(told: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, told.split(","))))


def _values(told: Iterable[str]) -> dict[str, dict[str, Meaning]]:
    found: dict[str, dict[str, Meaning]] = {}
    for text, meaning in _at_end(told, "--value", "HEADING:VALUE=MEANING"):
        heading, mark, value = text.partition("::" if "::" in text else ":")
        if not mark:
            raise click.UsageError("--value is given as HEADING:VALUE=MEANING.")
        found.setdefault(heading.strip(), {})[value.strip()] = meant(heading.strip(), meaning)
    return found


def meant(heading: str, meaning: str) -> Meaning:
    """Give what a person wrote as the meaning of a value; a field's value is a word."""
    from consent.layout import FIELDS, WORDS, is_target

    if meaning in WORDS or heading in FIELDS:
        return meaning
    targets = _targets(meaning)
    wrong = [target for target in targets if not is_target(target)]
    if wrong or not targets:
        raise click.UsageError(f"{meaning!r} is neither yes, no, blank nor a list of purposes such as school_website.")
    return targets


def _permissions(told: str | None) -> tuple[str, str] | None:
    if told is None:
        return None
    (pair,) = _pairs([told], "--permissions", "HEADING=HEADING").items()
    return pair
