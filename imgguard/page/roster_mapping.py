"""The form that says what the columns of an export mean: what it shows, and what was said on it.

Nothing of the form is a heading or a value: fields are named by the places of columns and values in the file itself, so
that nobody can say something about a column that is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from starlette.datastructures import FormData

from consent.layout import EVERY, FIELDS, FLAGS, DateOrder, Layout, Meaning, Question
from consent.mapping import NOTHING, Declared
from consent.meanings import MOST_VALUES, field_of, meaning_of, options_of, question_of, values_of
from consent.model import ASKED_PURPOSES, Answer, Aspect, SignerRole
from consent.roster import ADDED_FIELDS, Table, own_layout
from consent.values import heading_key, matching_prefix, value_key
from imgguard.page.office import FormError, all_told, told
from imgguard.page.roster_uploads import Said
from imgguard.page.texts import Text

SKIP, KNOWN, ASKS = "-", "known", "asks"
NAMES = "names"
ABOUT = (*(aspect.value for aspect in Aspect), NAMES, *FLAGS)
WORDS = ("yes", "no", "blank")
ROLES = tuple(role.value for role in SignerRole)
CONSTANTS = ("signer_role", "signed_by", "signed_on", "valid_until")
MOST_COLUMNS, MOST_PERMISSIONS = 100, 60
_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Value:
    """One value that stands in a column.

    Attributes:
        text: As it is written; empty for cells with nothing in them.
        count: How often.
        chosen: What it is said to mean on the form: a word, a purpose or a role.
        means: What it means by the layout; None where nobody said what its column is for.
    """

    text: str
    count: int
    chosen: str
    means: Answer | tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A column, or in a list of permissions one of these, as the form shows it.

    Attributes:
        key: What its fields are called.
        heading: Its heading, or the permission's name.
        samples: Some of its values.
        distinct: How many different ones there are.
        kind: What it is taken for: a field, `ASKS`, `KNOWN` or `SKIP`.
        knows: What it asks about by the layout; empty where the layout does not say.
        about: What it is said to ask about.
        purposes: For which purposes, `EVERY` among them.
        values: Its values, if it asks for consent.
        roles: Its values, if it tells who signed.
        multiple: Whether cells hold several values.
        opt_out: Whether blank means yes.
        own: Whether it is one of imgguard's own columns, which count in any file.
    """

    key: str
    heading: str
    samples: tuple[str, ...]
    distinct: int
    kind: str
    knows: tuple[str, ...]
    about: str
    purposes: frozenset[str]
    values: tuple[Value, ...]
    roles: tuple[Value, ...]
    multiple: bool
    opt_out: bool
    own: bool


def columns_of(table: Table, said: Said | None) -> tuple[Item, ...]:
    """Give the columns of a table as the form shows them."""
    headings = list(table.header)[:MOST_COLUMNS]
    return tuple(
        _item(f"c{place}", heading, values_of(table, heading), table.fit.layout, said)
        for place, heading in enumerate(headings)
        if heading
    )


def permissions_of(table: Table, said: Said | None) -> tuple[Item, ...]:
    """Give the permissions of a list that has a row for each; nothing for other tables."""
    pair = listing_of(table, said)
    if pair is None:
        return ()
    there = set(map(heading_key, table.header))
    if not set(map(heading_key, pair)) <= there:
        return ()
    answers = values_of(table, pair[1])
    names = [name for name, _ in values_of(table, pair[0]).most_common(MOST_PERMISSIONS) if name]
    return tuple(_item(f"p{place}", name, answers, table.fit.layout, said) for place, name in enumerate(names))


def listing_of(table: Table, said: Said | None) -> tuple[str, str] | None:
    """Give the headings of permissions and answers, where there is a row for each permission."""
    layout = table.fit.layout
    if said is not None and said.declared.permissions:
        return said.declared.permissions
    return (layout.permission, layout.answer) if layout.permission else None


def _item(key: str, heading: str, counted: Counter[str], layout: Layout, said: Said | None) -> Item:
    declared = said.declared if said else NOTHING
    own = own_layout()
    question = question_of(layout, heading) or _always(own, heading)
    asks = declared.asks.get(heading, ())
    about, purposes = _shown(asks or (question.targets if question else ()))
    multiple = heading in declared.multiple or bool(question and question.multiple)
    options = _options(counted, declared.values.get(heading, {}), multiple=multiple)
    return Item(
        key=key,
        heading=heading,
        samples=tuple(value for value, _ in counted.most_common(_SAMPLES + 1) if value)[:_SAMPLES],
        distinct=len(counted),
        kind=_kind(heading, layout, question, said),
        knows=question.targets if question else (),
        about=about,
        purposes=purposes,
        values=tuple(_values(heading, options, counted, layout, question, declared)),
        roles=tuple(_roles(options, declared)),
        multiple=multiple,
        opt_out=heading in declared.opt_outs or bool(question and question.opt_out),
        own=_always(own, heading) is not None or field_of(own, heading) in ADDED_FIELDS,
    )


def _always(own: Layout, heading: str) -> Question | None:
    """Give what one of imgguard's own columns asks, which counts in any file that has it."""
    found = question_of(own, heading)
    return replace(found, values=found.values or own.values) if found else None


def _kind(heading: str, layout: Layout, question: Question | None, said: Said | None) -> str:
    if said is None:
        if question is not None:
            return KNOWN if question.targets else ASKS
        return field_of(layout, heading) or _own_field(heading)
    fields = {told: name for name, told in said.declared.columns.items()}
    if heading in said.declared.asks:
        return ASKS
    return KNOWN if heading in said.known else fields.get(heading) or _own_field(heading)


def _own_field(heading: str) -> str:
    name = field_of(own_layout(), heading)
    return name if name in ADDED_FIELDS else SKIP


def _options(counted: Counter[str], told: Iterable[str], *, multiple: bool) -> list[tuple[str, int]]:
    """Give what stands in a column, and what was told of it, in an order that is the same whenever the form is made."""
    filled = Counter({value: count for value, count in counted.items() if value})
    options = options_of(filled) if multiple else filled
    # An answer that was told may hold a comma itself: what it falls into is none.
    whole = set(told)
    for piece in options_of(dict.fromkeys(whole, 1)).keys() - whole if multiple else ():
        options.pop(piece, None)
    for text in whole:
        options.setdefault(text, 0)
    return sorted(options.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]


def _values(
    heading: str, options: list[tuple[str, int]], counted: Counter[str], layout: Layout, question: Question | None,
    declared: Declared,
) -> Iterator[Value]:  # fmt: skip
    known: Mapping[str, Meaning] = (question.values if question else {}) or layout.values
    mine = {value_key(value): meaning for value, meaning in {**known, **declared.values.get(heading, {})}.items()}
    for text, count in [*options, ("", counted[""])]:
        key = value_key(text)
        begins = matching_prefix(key, mine) if question and question.prefix else None
        meaning = mine.get(key) or mine.get(begins or "", "no")
        chosen = meaning if isinstance(meaning, str) else meaning[0] if len(meaning) == 1 else "no"
        yield Value(text, count, chosen, meaning_of(text, known, question) if question else None)


def _roles(options: list[tuple[str, int]], declared: Declared) -> Iterator[Value]:
    mine = declared.values.get("signer_role", {})
    for text, count in options:
        told = mine.get(text, heading_key(text))
        yield Value(text, count, told if told in ROLES else SignerRole.UNTOLD.value)


def _shown(targets: tuple[str, ...]) -> tuple[str, frozenset[str]]:
    """Give targets as the form has them; what it has no way to show is about nothing."""
    flags = [target for target in targets if target in FLAGS]
    if flags:
        return flags[0], frozenset()
    parts = [target.partition(".") for target in targets]
    aspects = {aspect or Aspect.PHOTO.value for _, _, aspect in parts}
    about = NAMES if aspects == {Aspect.FIRST_NAME.value, Aspect.FULL_NAME.value} else next(iter(sorted(aspects)), "")
    return about or Aspect.PHOTO.value, frozenset(purpose for purpose, _, _ in parts)


def target_words(target: str, t: Text) -> str:
    """Say what a question asks about."""
    if target in FLAGS:
        return t(f"roster.flag_{target}")
    purpose, _, aspect = target.partition(".")
    name = t("roster.every_purpose") if purpose == EVERY else t(f"purpose.{purpose}")
    return f"{name} ({t(f'aspect.{aspect}')})" if aspect and aspect != Aspect.PHOTO else name


def said_on(form: FormData, table: Table, said: Said | None, t: Text) -> Said:
    """Read the form.

    Raises:
        FormError: if something is missing or cannot be.
    """
    columns: dict[str, str] = {}
    asks: dict[str, tuple[str, ...]] = {}
    values: dict[str, dict[str, Meaning]] = {}
    known: set[str] = set()
    pair = _pair(form, table)
    items = (*columns_of(table, said), *_listed(table, said, pair))
    for item in items:
        kind = told(form, f"{item.key}.kind") or SKIP
        if kind == KNOWN and item.knows:
            known.add(item.heading)
        elif kind == ASKS:
            asks[item.heading] = _targets(form, item, t)
            values[item.heading] = _meant(form, item)
        elif kind in FIELDS:
            if kind in columns:
                raise FormError(
                    t("roster.two_columns", field=t(f"roster.field_{kind}")), t("roster.two_columns_remedy")
                )
            columns[kind] = item.heading
    if "signer_role" in columns:
        values["signer_role"] = _roles_told(form, items, columns["signer_role"])
    order = told(form, "date_order")
    declared = Declared(
        columns=columns,
        asks=asks,
        values={heading: meanings for heading, meanings in values.items() if meanings},
        constants={n: v for n in CONSTANTS if n not in columns and (v := told(form, f"constant.{n}"))},
        date_order=DateOrder(order) if order in set(DateOrder) else None,
        opt_outs=tuple(i.heading for i in items if i.heading in asks and told(form, f"{i.key}.opt_out")),
        multiple=tuple(i.heading for i in items if i.heading in asks and told(form, f"{i.key}.multiple")),
        permissions=pair if pair is not None and pair != listing_of(table, None) else None,
    )
    return Said(told(form, "name"), declared, frozenset(known))


def _pair(form: FormData, table: Table) -> tuple[str, str] | None:
    names, answers = told(form, "permission"), told(form, "answer")
    if names in table.header and answers in table.header and names and answers:
        return names, answers
    return None


def _listed(table: Table, said: Said | None, pair: tuple[str, str] | None) -> tuple[Item, ...]:
    """Give the permissions of the form as it was shown; those of other columns were not on it."""
    return permissions_of(table, said) if pair is not None and pair == listing_of(table, said) else ()


def _targets(form: FormData, item: Item, t: Text) -> tuple[str, ...]:
    about = told(form, f"{item.key}.about")
    if about in FLAGS:
        return (about,)
    asked = set(all_told(form, f"{item.key}.purpose"))
    purposes = [EVERY] if EVERY in asked else [purpose.value for purpose in ASKED_PURPOSES if purpose in asked]
    aspects = [Aspect.FIRST_NAME, Aspect.FULL_NAME] if about == NAMES else [Aspect(about)] if about in ABOUT else []
    found = [p if a is Aspect.PHOTO else f"{p}.{a}" for p in purposes for a in aspects]
    if not found:
        raise FormError(t("roster.no_purpose", column=item.heading), t("roster.no_purpose_remedy"))
    return tuple(found)


def _meant(form: FormData, item: Item) -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for place, value in enumerate(item.values):
        meaning = told(form, f"{item.key}.v{place}")
        if value.text and meaning in WORDS:
            found[value.text] = meaning
        elif value.text and meaning in ASKED_PURPOSES:
            found[value.text] = (meaning,)
    return found


def _roles_told(form: FormData, items: tuple[Item, ...], heading: str) -> dict[str, Meaning]:
    item = next(item for item in items if item.heading == heading)
    roles = {value.text: told(form, f"{item.key}.r{place}") for place, value in enumerate(item.roles)}
    return {text: role for text, role in roles.items() if role in ROLES and heading_key(text) != role}
