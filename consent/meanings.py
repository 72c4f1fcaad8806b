"""What the columns of a table hold and what is known of them: shown to whoever says what they mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from consent.asking import asked_of
from consent.layout import Layout, Meaning, Question
from consent.mapping import EMPTY
from consent.model import ASKED_PURPOSES, Answer, Aspect
from consent.roster import Table
from consent.values import heading_key

# Of a column with more different values, the most frequent are shown; what nobody gave a meaning is no.
MOST_VALUES = 40


def values_of(table: Table, heading: str) -> Counter[str]:
    """Count the values of a column."""
    keys = [heading_key(told) for told in table.header]
    place = keys.index(heading_key(heading))
    return Counter(cells[place] for _, cells in table.rows if place < len(cells))


def options_of(counted: Mapping[str, int]) -> Counter[str]:
    """Count the single answers of cells that hold several, as "A;B;" or "A, B"."""
    mark = ";" if any(";" in value for value in counted) else ","
    found = Counter[str]()
    for value, count in counted.items():
        found.update({one: count for one in map(str.strip, re.split(mark, value)) if one})
    return found


def question_of(layout: Layout, heading: str) -> Question | None:
    """Give what a layout asks in a column, or with a permission of that name."""
    key = heading_key(heading)
    return next((question for question in layout.questions if heading_key(question.column) == key), None)


def field_of(layout: Layout, heading: str) -> str | None:
    """Give the field that a layout takes a column for."""
    key = heading_key(heading)
    found = (name for name, headings in layout.fields.items() if key in map(heading_key, headings))
    return next(found, None)


def stripped(layout: Layout, header: Iterable[str], known: Collection[str]) -> Layout:
    """Give a layout without its fields, and with those questions alone that were to stay.

    An older mapping of the school's own leaves nothing else behind.

    Args:
        layout: The layout.
        header: The headings of the table.
        known: The headings whose questions stay as they are.
    """
    asked, stays = set(map(heading_key, header)), set(map(heading_key, known))
    old = replace(EMPTY, values=layout.values, permission=layout.permission, answer=layout.answer)
    old = replace(old, date_order=layout.date_order, ordered=layout.ordered)
    stay = (q for q in layout.questions if (key := heading_key(q.column)) not in asked or key in stays)
    return replace(old if layout.own else layout, fields={}, questions=tuple(stay))


def meaning_of(value: str, known: Mapping[str, Meaning], question: Question) -> Answer | tuple[str, ...] | None:
    """Give what a value of a question means.

    Args:
        value: As it stands in a cell.
        known: What values mean, as the question or its layout has it.
        question: The question.

    Returns:
        One answer to all that it asks about, or to what of it the value says yes, as `--asks` names it; None where
        nobody has said what the question is for.
    """
    if not question.targets:
        return None
    # Which purposes "*" stands for is seen when a roster is read; here it stands for itself.
    asked = asked_of(question, known, dict.fromkeys(Aspect, ASKED_PURPOSES), ())
    answers = dict(zip(asked.slots, asked.answers(value), strict=True))
    if len(set(answers.values())) == 1:
        return next(iter(answers.values()))
    return tuple(_slots(slot for slot, answer in answers.items() if answer is Answer.YES))


def _slots(agreed: Iterable[object]) -> Iterator[str]:
    """Name what is agreed to as --asks does: every purpose of an aspect is a star."""
    by_aspect: dict[str, list[str]] = {}
    for slot in agreed:
        if isinstance(slot, tuple):
            by_aspect.setdefault(slot[1].value, []).append(slot[0].value)
        else:
            yield str(slot)
    for aspect, purposes in by_aspect.items():
        yield from (f"{purpose}.{aspect}" for purpose in (["*"] if len(purposes) == len(ASKED_PURPOSES) else purposes))
