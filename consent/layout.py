"""How a school's export is to be read, as data: which column says what, and what each of its values means.

The layouts that are known stand in `consent/layouts/*.toml`; a mapping that an operator makes is the same thing in the
same words. What a layout does not declare never becomes a yes.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from consent.errors import RosterError
from consent.model import ASKED_PURPOSES, Aspect, Hold, Purpose

# One answer of a question: "yes", "no" or "blank", or the targets to which it says yes, and no to the others.
Meaning = str | tuple[str, ...]
WORDS = ("yes", "no", "blank")
FLAGS = ("biometric_ok", "independent", *Hold)
FIELDS = (
    "number", "name", "first_name", "last_name", "role", "group", "birth_date", "guardians", "signed_by",
    "signer_role", "signed_on", "form_id", "valid_from", "valid_until", "school_year",
)  # fmt: skip
# What a school may say once for all rows. Who somebody is and what they agreed to cannot be said so.
CONSTANTS = ("role", "group", "signed_by", "signer_role", "signed_on", "form_id", "valid_from", "valid_until")
EVERY = "*"
# A question whose heading is the school's own, found by what stands below it.
BY_VALUES = "*"


class DateOrder(StrEnum):
    """In what order the parts of a date like 03/04/2026 stand."""

    DMY = "dmy"
    MDY = "mdy"


@dataclass(frozen=True, slots=True)
class Question:
    """A column that asks something; in a list of permissions, one of these.

    Attributes:
        column: Its heading, the name of the permission in a list, or `BY_VALUES`.
        targets: What it asks about: "school_website", "school_website.work", "*.first_name", "biometric_ok", ...
        values: What each value means, by the value as written.
        prefix: Whether a value only has to begin so.
        multiple: Whether a cell may hold several values.
        opt_out: Whether blank means yes; only an operator may say so.
        told: Whether an operator said what it asks about.
    """

    column: str
    targets: tuple[str, ...]
    values: Mapping[str, Meaning]
    prefix: bool = False
    multiple: bool = False
    opt_out: bool = False
    told: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which rosters are exported.

    Attributes:
        name: Its short name.
        title: Its full one.
        required: Headings that are all there wherever it is this layout.
        any_of: Headings of which at least one is there.
        fields: For each field the headings that may hold it, the first that is there counts.
        questions: What it asks.
        values: What values mean in questions that do not say so themselves.
        permission: In a list with a row for each permission, the heading over their names; else empty.
        answer: In such a list, the heading over the answers.
        constants: What holds in every row.
        words: For a field, what its values are in imgguard's words.
        date_order: The order of dates; None where it is not known.
        ordered: Whether an operator said so.
        own: Whether an operator made it.
    """

    name: str
    title: str
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    values: Mapping[str, Meaning] = field(default_factory=dict)
    permission: str = ""
    answer: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    date_order: DateOrder | None = None
    ordered: bool = False
    own: bool = False

    @property
    def declared(self) -> tuple[str, ...]:
        """What was said about the file that it does not say itself; every report tells so."""
        return tuple(self._declared())

    def _declared(self) -> Iterator[str]:
        for name, value in self.constants.items():
            yield f"{name} is {value!r} in every row"
        for question in self.questions:
            if question.opt_out:
                yield f"blank means yes in {question.column!r} (opt-out)"
            if question.told and question.targets:
                yield f"{question.column!r} answers for {', '.join(question.targets)}"
        if self.date_order and self.ordered:
            yield f"dates are {'day' if self.date_order is DateOrder.DMY else 'month'} first"


@cache
def known_layouts() -> tuple[Layout, ...]:
    """Give the layouts that imgguard knows, by name."""
    folder = files("consent").joinpath("layouts")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(parse_layout(folder.joinpath(name).read_text("utf-8"), name) for name in found)


def parse_layout(text: str, source: str) -> Layout:
    """Read a layout or mapping.

    Raises:
        RosterError: if it is no TOML, or says something that is not known.
    """
    try:
        told = tomllib.loads(text)
        layout = _layout(told)
    except (tomllib.TOMLDecodeError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise _unusable(source, str(error)) from error
    for what in _wrong(layout):
        raise _unusable(source, what)
    return layout


def _unusable(source: str, what: str) -> RosterError:
    return RosterError(f"{source}: not a usable mapping ({what})", "Make it again with `imgguard roster map`.")


def _layout(told: dict[str, Any]) -> Layout:
    questions = tuple(_question(column, about) for column, about in told.pop("questions", {}).items())
    fields = {name: _several(headings) for name, headings in told.pop("fields", {}).items()}
    order = DateOrder(order) if (order := told.pop("date_order", "")) else None
    values = _meanings(told.pop("values", {}))
    lists = {name: _several(told.pop(name, ())) for name in ("required", "any_of")}
    plain = {name: dict(told.pop(name, {})) for name in ("constants", "words")}
    rest: dict[str, Any] = {**told, **lists, **plain}
    return Layout(**rest, fields=fields, questions=questions, values=values, date_order=order)


def _question(column: str, about: dict[str, Any]) -> Question:
    about = dict(about)
    targets, values = _several(about.pop("targets", ())), _meanings(about.pop("values", {}))
    return Question(column, targets, values, **about)


def _several(told: object) -> tuple[str, ...]:
    if isinstance(told, str):
        return (told,)
    if not isinstance(told, list | tuple):
        raise TypeError(f"{told!r} is not a text or a list of texts")
    return tuple(map(str, told))


def _meanings(told: Mapping[str, object]) -> dict[str, Meaning]:
    return {value: meaning if isinstance(meaning, str) else _several(meaning) for value, meaning in told.items()}


def _wrong(layout: Layout) -> Iterator[str]:
    """What nothing could be made of."""
    yield from (f"{name!r} is not a field" for name in layout.fields if name not in FIELDS)
    yield from (f"{name!r} cannot be the same for everybody" for name in layout.constants if name not in CONSTANTS)
    meanings: list[Meaning] = list(layout.values.values())
    for question in layout.questions:
        meanings += question.values.values()
        yield from (f"{target!r} is not a purpose or mark" for target in question.targets if not is_target(target))
        if question.opt_out and set(question.targets) & set(FLAGS):
            yield f"{question.column!r} cannot mean yes where it is blank"
    for meaning in meanings:
        if isinstance(meaning, str) and meaning not in WORDS:
            yield f"{meaning!r} is neither yes, no, blank nor a list"
        yield from (f"{t!r} is not a purpose" for t in meaning if not isinstance(meaning, str) and not is_target(t))
    if bool(layout.permission) != bool(layout.answer):
        yield "a list of permissions needs a column for their names and one for the answers"


def is_target(target: str) -> bool:
    """Tell whether a question may ask about this."""
    if target in FLAGS:
        return True
    purpose, _, aspect = target.partition(".")
    return (purpose == EVERY or purpose in ASKED_PURPOSES) and (aspect or Aspect.PHOTO) in set(Aspect)


def spread(target: str, purposes: Iterable[Purpose]) -> tuple[tuple[Purpose, Aspect], ...]:
    """Give the purposes and the aspect that a target stands for; nothing for a mark such as biometric_ok."""
    if target in FLAGS:
        return ()
    name, _, told = target.partition(".")
    aspect = Aspect(told or Aspect.PHOTO)
    return tuple((p, aspect) for p in (purposes if name == EVERY else (Purpose(name),)))


def written_layout(layout: Layout) -> str:
    """Give a layout as TOML that `parse_layout` reads."""
    lines = [f"{name} = {_toml(getattr(layout, name))}" for name in ("name", "title")]
    for name in ("required", "any_of", "permission", "answer", "date_order", "ordered", "own"):
        if value := getattr(layout, name):
            lines.append(f"{name} = {_toml(value)}")
    for name in ("fields", "constants", "values"):
        lines += _section(name, getattr(layout, name))
    for name, words in layout.words.items():
        lines += _section(f"words.{_toml(name)}", words)
    for question in layout.questions:
        about = {name: value for name in _ABOUT if (value := getattr(question, name))}
        lines += ["", f"[questions.{_toml(question.column)}]"] + [f"{k} = {_toml(v)}" for k, v in about.items()]
        lines += _section(f"questions.{_toml(question.column)}.values", question.values)
    return "\n".join([*lines, ""])


_ABOUT = ("targets", "prefix", "multiple", "opt_out", "told")


def _section(name: str, entries: Mapping[str, object]) -> list[str]:
    return ["", f"[{name}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in entries.items())] if entries else []


def _toml(value: object) -> str:
    # A text of JSON is one of TOML but for DEL.
    plain = list(value) if isinstance(value, tuple) else value
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")
