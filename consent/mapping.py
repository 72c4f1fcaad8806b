"""What an operator says about a file that no layout says: which column is what, and what its values mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from consent.errors import RosterError
from consent.layout import CONSTANTS, FIELDS, FLAGS, DateOrder, Layout, Meaning, Question, is_target
from consent.values import heading_key, value_key

EMPTY = Layout("mapping", "a mapping of the school's own", own=True)
_REMEDY = "See `imgguard roster map --help`."


@dataclass(frozen=True, slots=True)
class Declared:
    """What an operator declares, beyond the layout or instead of one.

    Attributes:
        layout: The name of the layout; empty to recognise it.
        mapping: The operator's own mapping, to be used and no other; None for none.
        sheet: The sheet of a workbook; empty to find it.
        columns: For fields, the heading.
        asks: For headings or permissions, what they ask about.
        values: For headings or fields, what a value means: "yes", "no", "blank", or what it says yes to.
        constants: For fields, what holds in every row.
        date_order: The order of dates; None where it was not said.
        opt_outs: Headings where blank means yes.
        multiple: Headings whose cells may hold several values.
        permissions: The headings of permissions and their answers, in a list with a row for each; None elsewhere.
    """

    layout: str = ""
    mapping: Layout | None = None
    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Meaning]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    date_order: DateOrder | None = None
    opt_outs: tuple[str, ...] = ()
    multiple: tuple[str, ...] = ()
    permissions: tuple[str, str] | None = None

    @property
    def says_columns(self) -> bool:
        """Whether a file without a known layout can be read by it."""
        return bool(self.columns)

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings that it names; in a list of permissions the questions are not headings."""
        asked = self.permissions or (*self.asks, *(name for name in self.values if name not in FIELDS))
        return tuple(dict.fromkeys((*self.columns.values(), *asked)))


NOTHING = Declared()


def applied(layout: Layout, declared: Declared) -> Layout:
    """Give a layout with what the operator declares added.

    Raises:
        RosterError: if something is declared that cannot be.
    """
    _check(declared)
    questions = {heading_key(q.column): q for q in layout.questions}
    named = (*declared.asks, *(n for n in declared.values if n not in FIELDS), *declared.opt_outs, *declared.multiple)
    for name in dict.fromkeys(named):
        key = heading_key(name)
        questions[key] = _asked(questions.get(key) or Question(name, (), {}), name, layout, declared)
    fields = {name: told for name, told in layout.fields.items() if name not in declared.constants}
    # Compared by what each question asks in the end, however its heading is written and whoever said what it is for.
    for question in questions.values():
        if question.opt_out and set(question.targets) & set(FLAGS):
            raise RosterError(
                f"{question.column!r} cannot mean yes where it is blank: it asks about more than photos", _REMEDY
            )
    permission, answer = declared.permissions or (layout.permission, layout.answer)
    return replace(
        layout,
        fields={**fields, **{name: (heading,) for name, heading in declared.columns.items()}},
        questions=tuple(questions.values()),
        permission=permission,
        answer=answer,
        constants={**layout.constants, **declared.constants},
        words={**layout.words, **{name: _words(told) for name, told in declared.values.items() if name in FIELDS}},
        date_order=declared.date_order or layout.date_order,
        ordered=layout.ordered or declared.date_order is not None,
    )


def _asked(question: Question, name: str, layout: Layout, declared: Declared) -> Question:
    def mine(told: Iterable[str]) -> bool:
        return heading_key(name) in set(map(heading_key, told))

    targets = next((t for n, t in declared.asks.items() if heading_key(n) == heading_key(name)), question.targets)
    values = {n: v for n, v in declared.values.items() if heading_key(n) == heading_key(name)}
    known: Mapping[str, Meaning] = question.values or layout.values
    changed = {k: v for k, v in known.items() if value_key(k) not in {value_key(w) for t in values.values() for w in t}}
    return replace(
        question,
        targets=targets,
        values={**changed, **{value: m for told in values.values() for value, m in told.items()}},
        multiple=question.multiple or mine(declared.multiple),
        opt_out=question.opt_out or mine(declared.opt_outs),
        told=question.told or mine(declared.asks),
    )


def _words(told: Mapping[str, Meaning]) -> dict[str, str]:
    return {value: meaning if isinstance(meaning, str) else ",".join(meaning) for value, meaning in told.items()}


def _check(declared: Declared) -> None:
    for what in _wrong(declared):
        raise RosterError(what, _REMEDY)


def _wrong(declared: Declared) -> Iterator[str]:
    yield from (f"{name!r} is not a field: {', '.join(FIELDS)}" for name in declared.columns if name not in FIELDS)
    for name in declared.constants:
        if name == "biometric_ok":
            yield "biometric_ok needs a column of its own: to agree to photos is not to agree to be recognised"
        elif name not in CONSTANTS:
            yield f"{name!r} cannot be the same for everybody; what can: {', '.join(CONSTANTS)}"
    for heading, targets in declared.asks.items():
        yield from (f"{heading}: {t!r} is not a purpose such as school_website" for t in targets if not is_target(t))


def saved_mapping(name: str, layout: Layout, header: Sequence[str]) -> Layout:
    """Give a layout as a mapping of the school's own, recognised by the headings that it uses in this file."""
    there = {heading_key(heading): heading for heading in header if heading}
    fields = {
        field_name: (found,)
        for field_name, told in layout.fields.items()
        if (found := next((there[heading_key(h)] for h in told if heading_key(h) in there), None))
    }
    used = [heading for (heading,) in fields.values()]
    if layout.permission:
        used += [layout.permission, layout.answer]
        questions = layout.questions
    else:
        questions = tuple(q for q in layout.questions if heading_key(q.column) in there)
        used += [q.column for q in questions]
    required = tuple(dict.fromkeys((*layout.required, *used)))
    return replace(
        layout, name=name, title=f"{name} ({layout.title})", required=required, any_of=(), fields=fields,
        questions=questions, own=True,
    )  # fmt: skip
