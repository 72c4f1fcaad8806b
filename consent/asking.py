"""What the cells of one question answer, for each thing that it asks about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from consent.layout import Meaning, Question, spread
from consent.model import Answer, Aspect, Hold, Purpose
from consent.values import chosen, matching_prefix, value_key

# What is answered: a purpose with its aspect, or a mark such as "biometric_ok".
Slot = tuple[Purpose, Aspect] | str
Answers = tuple[Answer, ...]

# Of two answers to the same thing the first of these counts.
_WEIGHT = (Answer.CONFLICTING, Answer.NO, Answer.UNKNOWN, Answer.BLANK, Answer.YES)


def weaker(one: Answer, other: Answer) -> Answer:
    """Give the one of two answers that allows less."""
    return min(one, other, key=_WEIGHT.index)


def together(slot: Slot, one: Answer, other: Answer) -> Answer:
    """Put two answers to the same thing together: a hold that one sets stands, all else needs both to say yes."""
    if slot not in set(Hold):
        return weaker(one, other)
    return next((answer for answer in (one, other) if answer not in (Answer.BLANK, Answer.NO)), one)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of one file, whose every value has been looked at once.

    Attributes:
        column: Its heading or the name of the permission, for findings.
        slots: What it asks about.
        meanings: What each value means, by its key.
        question: Whether values are beginnings, may be several, or blank is a yes.
        uncertain: Values that begin as an option does, but are not its usual wording.
    """

    column: str
    slots: tuple[Slot, ...]
    meanings: Mapping[str, frozenset[Slot] | Answer]
    question: Question
    uncertain: frozenset[str] = frozenset()
    _known: dict[str, Answers] = field(default_factory=dict)

    @property
    def only_refuses(self) -> bool:
        """Whether no value of it can ever be a yes, so that blank says nothing."""
        granting = (meaning is Answer.YES or isinstance(meaning, frozenset) for meaning in self.meanings.values())
        return not self.question.opt_out and not any(granting)

    @property
    def options(self) -> str:
        """The values that it knows, for a person to read."""
        return ", ".join(self.question.values)

    def answers(self, cell: str) -> Answers:
        """Give the answer for each slot; UNKNOWN for all where the cell is not understood."""
        if (known := self._known.get(cell)) is None:
            known = self._known[cell] = self._read(value_key(cell))
        return known

    def _read(self, cell: str) -> Answers:
        if not cell:
            return self._all(Answer.YES if self.question.opt_out else Answer.BLANK)
        if cell in self.uncertain:
            return self._all(Answer.UNKNOWN)
        if self.question.multiple:
            options = chosen(cell, self.meanings)
            return self._all(Answer.UNKNOWN) if options is None else self._joined(options)
        if self.question.prefix:
            prefix = matching_prefix(cell, self.meanings)
            return self._all(Answer.UNKNOWN) if prefix is None else self._meant(prefix)
        return self._meant(cell) if cell in self.meanings else self._all(Answer.UNKNOWN)

    def _joined(self, options: Iterable[str]) -> Answers:
        """Put several answers together: what one grants and none refuses."""
        meant = [self.meanings[option] for option in options]
        if any(isinstance(meaning, Answer) and meaning is not Answer.YES for meaning in meant) and len(meant) > 1:
            return self._all(Answer.CONFLICTING)
        each = zip(*(self._meant(option) for option in options), strict=True)
        return tuple(Answer.YES if Answer.YES in told else min(told, key=_WEIGHT.index) for told in each)

    def _meant(self, key: str) -> Answers:
        meaning = self.meanings[key]
        if meaning is Answer.BLANK and self.question.opt_out:
            meaning = Answer.YES
        if isinstance(meaning, Answer):
            return self._all(meaning)
        return tuple(Answer.YES if slot in meaning else Answer.NO for slot in self.slots)

    def _all(self, answer: Answer) -> Answers:
        return (answer,) * len(self.slots)


def asked_of(
    question: Question, values: Mapping[str, Meaning], every: Mapping[Aspect, tuple[Purpose, ...]], cells: Iterable[str]
) -> Asked:
    """Prepare a question for the file at hand.

    Args:
        question: The question.
        values: What values mean where the question does not say so itself.
        every: For each aspect the purposes that "*" stands for in this file.
        cells: Everything that stands in its column.
    """
    values = question.values or values
    slots = tuple(slot for target in question.targets for slot in _slots(target, every))
    meanings = {value_key(value): _meaning(meaning, every) for value, meaning in values.items()}
    uncertain = _second_wordings(meanings, cells) if question.prefix else frozenset()
    told = Question(question.column, question.targets, values, question.prefix, question.multiple, question.opt_out)
    return Asked(question.column, slots, meanings, told, uncertain)


def _slots(target: str, every: Mapping[Aspect, tuple[Purpose, ...]]) -> tuple[Slot, ...]:
    aspect = Aspect(target.partition(".")[2] or Aspect.PHOTO)
    return spread(target, every.get(aspect, ())) or ((target,) if not target.startswith("*") else ())


def _meaning(meaning: Meaning, every: Mapping[Aspect, tuple[Purpose, ...]]) -> frozenset[Slot] | Answer:
    if isinstance(meaning, str):
        return Answer(meaning)
    return frozenset(slot for target in meaning for slot in _slots(target, every))


def _second_wordings(prefixes: Iterable[str], cells: Iterable[str]) -> frozenset[str]:
    """Find values that begin as an option does but go on otherwise than most: a form has one wording for each."""
    by_prefix: dict[str, Counter[str]] = {}
    known = tuple(prefixes)
    for cell in cells:
        key = value_key(cell)
        prefix = matching_prefix(key, known)
        if prefix is not None:
            by_prefix.setdefault(prefix, Counter())[key] += 1
    doubtful: set[str] = set()
    for wordings in by_prefix.values():
        (first, count), *others = wordings.most_common()
        doubtful |= {text for text, _ in others}
        if others and others[0][1] == count:
            doubtful.add(first)
    return frozenset(doubtful)
