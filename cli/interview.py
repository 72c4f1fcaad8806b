"""The questions of `imgguard roster map`: what each column of an export is, and what its values mean.

A wrong answer is asked again at once, and at the end the same is given as options: nothing has to be typed twice.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import click

from cli.reading import meant
from cli.shown import cell
from consent.dates import DATES, is_ambiguous
from consent.layout import FIELDS, FLAGS, DateOrder, is_target
from consent.mapping import Declared
from consent.meanings import MOST_VALUES, field_of, options_of, question_of, stripped, values_of
from consent.model import ASKED_PURPOSES, Aspect, SignerRole
from consent.values import heading_key

if TYPE_CHECKING:
    from rich.console import Console

    from consent.layout import Layout, Meaning
    from consent.roster import Table

_SKIP, _ASKS, _KNOWN = "-", "asks", "="
_SIGNED = ("signed_by", "signed_on", "signer_role")
_ROLES = [role.value for role in SignerRole]


@dataclass(slots=True)
class _Told:
    columns: dict[str, str] = field(default_factory=dict)
    asks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    values: dict[str, dict[str, Meaning]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    multiple: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)


def interview(console: Console, table: Table, declared: Declared) -> tuple[Layout, Declared]:
    """Ask column by column what it is, and what its values mean.

    Returns:
        The layout without what was left out, and what was told.
    """
    told = _Told(constants=dict(declared.constants), multiple=list(declared.multiple))
    _explain(console)
    headings = list(filter(None, table.header))
    for number, heading in enumerate(headings, 1):
        shown = ", ".join(value or "(blank)" for value, _ in values_of(table, heading).most_common(MOST_VALUES))
        console.print()
        console.print(cell(f"Column {number} of {len(headings)}, {heading}: {shown[:200]}"), soft_wrap=True)
        _ask_column(table, heading, _guess(table.fit.layout, heading), told)
    _ask_missing(console, headings, told)
    done = replace(
        declared, columns=told.columns, asks=told.asks, values=told.values, constants=told.constants,
        multiple=tuple(told.multiple), date_order=declared.date_order or _order_asked(table, told.columns),
    )  # fmt: skip
    text = "\nThe same without questions, should something have to be changed: imgguard roster map with"
    console.print(text, soft_wrap=True)
    console.print(cell(f"  {shlex.join(_as_options(done))}"), soft_wrap=True)
    return _left(table, told), done


def _left(table: Table, told: _Told) -> Layout:
    """Give the layout with those questions alone that were to stay."""
    return stripped(table.fit.layout, table.header, told.known)


def _explain(console: Console) -> None:
    names = ", ".join(aspect.value for aspect in Aspect if aspect is not Aspect.PHOTO)
    for line in (
        f"For each column: a field ({', '.join(FIELDS)}),",
        f"{_ASKS!r} for one that asks for consent, or {_SKIP!r} to leave it out. Enter takes what stands in brackets;",
        f"{_KNOWN!r} there means that what it asks is known already, and stays so.",
        f"What it can ask about: {', '.join(ASKED_PURPOSES)}, or '*' for all of them;",
        f"the same with {names} behind a dot, such as school_website.work or *.first_name;",
        f"{', '.join(FLAGS)} (biometric_ok: may be recognised; who is not is always covered).",
    ):
        console.print(cell(line), soft_wrap=True)


def _guess(layout: Layout, heading: str) -> str:
    question = question_of(layout, heading)
    return _KNOWN if question and question.targets else field_of(layout, heading) or _SKIP


def _ask_column(table: Table, heading: str, guess: str, told: _Told) -> None:
    kind = _chosen("  is", [_SKIP, _ASKS, *([_KNOWN] if guess == _KNOWN else []), *FIELDS], guess)
    if kind == _ASKS:
        told.asks[heading] = click.prompt("  asks about (purposes, by commas)", value_proc=_targets)
        told.values[heading] = dict(_meanings(_options(table, heading, told), lambda text: meant("", text)))
    elif kind == _KNOWN:
        told.known.add(heading_key(heading))
    elif kind != _SKIP:
        told.columns[kind] = heading
    if kind == "signer_role":
        role = _one_of(_ROLES)
        unknown = [(value, count) for value, count in _filled(table, heading) if heading_key(value) not in _ROLES]
        told.values[kind] = dict(_meanings(unknown, role, "guardian, self, untold, ...", None))


def _ask_missing(console: Console, headings: list[str], told: _Told) -> None:
    """Ask for what every roster needs, where no column was said to hold it."""
    if "number" not in told.columns:
        console.print("\nNo column was said to hold the student number. If none does, stop (Ctrl-C), and use")
        console.print("imgguard roster match --column name=HEADING, which proposes numbers by name.")
        told.columns["number"] = _chosen("Which column holds it?", headings)
    if not {"signer_role"} & {*told.columns, *told.constants}:
        role = _chosen(
            "No column tells who signed: in every row it was (guardian, self, or -)", [_SKIP, *_ROLES], _SKIP
        )
        told.constants |= {"signer_role": role} if role != _SKIP else {}
    missing = [name for name in _SIGNED if name not in told.columns and name not in told.constants]
    if missing:
        text = f"No column holds {', '.join(missing)}: without it nobody has consented (or say --constant)."
        console.print(cell(text), soft_wrap=True, style="bold")


def _order_asked(table: Table, columns: Mapping[str, str]) -> DateOrder | None:
    """Ask which part of a date comes first, where one could be two days and the layout does not know."""
    if table.fit.layout.date_order:
        return None
    headings = [columns[name] for name in DATES if name in columns]
    unsure = next((text for heading in headings for text in values_of(table, heading) if is_ambiguous(text)), None)
    if unsure is None:
        return None
    return DateOrder(
        _chosen(f"{unsure} could be two days. What comes first (dmy or mdy)?", [order.value for order in DateOrder])
    )


def _chosen(text: str, choices: list[str], default: str | None = None) -> str:
    answer: str = click.prompt(text, type=click.Choice(choices), default=default, show_choices=False)
    return answer


def _filled(table: Table, heading: str) -> list[tuple[str, int]]:
    return [(value, count) for value, count in values_of(table, heading).most_common(MOST_VALUES) if value]


def _options(table: Table, heading: str, told: _Told) -> list[tuple[str, int]]:
    """Give the answers of a column: each cell, or what it holds where it holds several."""
    filled = _filled(table, heading)
    joined = [value for value, _ in filled if ";" in value]
    if not joined and heading not in told.multiple:
        return filled
    if heading not in told.multiple:
        if not click.confirm("  cells hold several answers, as 'A;B;'?", default=True):
            return filled
        told.multiple.append(heading)
    return options_of(dict(filled)).most_common(MOST_VALUES)


def _meanings(
    values: list[tuple[str, int]],
    read: Callable[[str], Meaning],
    can_be: str = "yes, no, blank, or purposes",
    default: str | None = "no",
) -> Iterator[tuple[str, Meaning]]:
    for value, count in values:
        yield value, click.prompt(f"  {value!r} ({count}) means ({can_be})", default=default, value_proc=read)


def _one_of(words: list[str]) -> Callable[[str], str]:
    choice = click.Choice(words)
    return lambda text: choice.convert(text, None, None)


def _targets(text: str) -> tuple[str, ...]:
    targets = tuple(filter(None, map(str.strip, text.split(","))))
    wrong = [target for target in targets if not is_target(target)]
    if wrong or not targets:
        raise click.UsageError(f"{', '.join(wrong)!r} is not one of {', '.join((*ASKED_PURPOSES, *FLAGS))}.")
    return targets


def _as_options(declared: Declared) -> Iterator[str]:
    """Give what was answered as options, which read the same."""
    for name, heading in declared.columns.items():
        yield from ("--column", f"{name}={heading}")
    for heading, targets in declared.asks.items():
        yield from ("--asks", f"{heading}={','.join(targets)}")
    for heading, values in declared.values.items():
        for value, meaning in values.items():
            told = meaning if isinstance(meaning, str) else ",".join(meaning)
            yield from ("--value", f"{heading}{'::' if ':' in heading + value else ':'}{value}={told}")
    for name, value in declared.constants.items():
        yield from ("--constant", f"{name}={value}")
    for heading in declared.multiple:
        yield from ("--multiple", heading)
    if declared.date_order:
        yield from ("--date-order", declared.date_order)
