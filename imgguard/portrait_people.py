"""Tell whom a number or a name on an ID photo means: a number joins, a name only proposes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from consent.model import Subject
from consent.numbers import NumberIndex, number_key
from imgguard.known_names import folded, words_of
from imgguard.portrait_files import Joined


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom a number means.

    Attributes:
        number: As the roster writes it; None where it is nobody's, or could be several people's.
        joined: How it was found.
        several: The numbers that it could be, where there is more than one.
    """

    number: str | None
    joined: Joined = Joined.EXACT
    several: tuple[str, ...] = ()


class Numbers:
    """The roster's numbers, to be found as text, or without zeros in front where only one fits."""

    def __init__(self, numbers: Iterable[str] | None) -> None:
        """Take the roster's numbers; None where there is no roster, and every number is somebody's."""
        known = tuple(numbers or ())
        self.known = numbers is not None
        self._index = NumberIndex(known)
        self._alike: dict[str, list[str]] = defaultdict(list)
        for number in sorted(set(known)):
            self._alike[number_key(number)].append(number)

    def find(self, text: str) -> Whose:
        """Find whose number a text is."""
        if not self.known:
            return Whose(text.strip() or None)
        if found := self._index.find(text):
            return Whose(found.number, Joined.EXACT if found.exact else Joined.ZEROS)
        return Whose(None, several=tuple(self._alike.get(number_key(text), ())) if text.strip() else ())


class Names:
    """The names of a roster's people."""

    def __init__(self, people: Iterable[Subject] = ()) -> None:
        """Take the roster's people."""
        self._people = {person.subject_id: person for person in people}
        self._words: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._stems: dict[str, set[str]] = defaultdict(set)
        self.given: set[str] = set()
        self.family: set[str] = set()
        for number, person in self._people.items():
            given, family = glued(person.given_name), glued(person.family_name)
            self._words[_words(person.name)].add(number)
            self.given |= {given} - {""}
            self.family |= {family} - {""}
            if given and family:
                for stem in (given + family, family + given, given[0] + family, family + given[0]):
                    self._stems[stem].add(number)

    def called(self, *texts: str) -> frozenset[str]:
        """Give the numbers of the people whose first and last names these are, in any order."""
        words = _words(" ".join(texts))
        return frozenset(self._words.get(words, ())) if words else frozenset()

    def proposed(self, *texts: str) -> frozenset[str]:
        """Give the numbers of the people whom a name or the name of a file may mean: FirstLast, ILast and others."""
        return self.called(*texts) or frozenset(self._stems.get(glued("".join(texts)), ()))

    def shown(self, numbers: Iterable[str]) -> str:
        """Write people's names with their numbers."""
        return " or ".join(f"{self._people[number].name} ({number})" for number in sorted(numbers))


def glued(text: str) -> str:
    """Give a name as it is compared: its letters alone, small and without accents.

    >>> glued("Baptiste-Rowe")
    'baptisterowe'
    """
    return "".join(c for c in folded(text) if c.isalpha())


def _words(text: str) -> tuple[str, ...]:
    return tuple(sorted(words_of(text)))
