"""Find the people of a roster in the names of files, however they are written there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from rapidfuzz import process
from rapidfuzz.distance import OSA

from consent.model import Subject
from imgguard.vocabulary import ORDINARY, PARTICLES, SHORT_WORDS

# Letters that have no decomposition in Unicode.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIGITS = re.compile(r"\d+(?:[ ._-]\d+)*")
_MARKS = re.compile(r"[^a-z0-9]+")
# Letters of the shortest word that may be a misspelt name, and of the name; below, everything resembles something.
_SHORTEST_MISSPELT, _SHORTEST_MEANT = 5, 4
# Of a name with so many letters two may be wrong, else one; up to the other length, not the first one.
_LONG_NAME, _SHORT_NAME = 9, 5
# Letters of the shortest name that is found anywhere inside a longer word, and where the word begins or ends: less is
# found in too many words.
_SHORTEST_INSIDE, _SHORTEST_AT_EDGE = 6, 4
# Letters of the shortest name, or rest of a word, and of the longest piece where words are run together.
_SHORTEST_PIECE, _LONGEST_PIECE = 3, 24
# Digits of the shortest number of the roster that is looked for, as written and without the zeros in front.
_SHORTEST_NUMBER, _SHORTEST_STRIPPED = 3, 4


def unaccented(text: str) -> str:
    """Drop accents and invisible characters, and make compatibility forms plain (NFKD); capitals stay.

    >>> unaccented("Zoë Müller")
    'Zoe Muller'
    """
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")


def folded(text: str) -> str:
    """Give a text in small letters without accents, to be compared.

    >>> folded("Ł. Straße-Ødegård")
    'l. strasse-odegard'
    """
    return unaccented(text).casefold().translate(_LETTERS)


def words_of(text: str) -> list[str]:
    """Split a text into folded words: at anything that is no letter, and where small letters turn into capitals.

    >>> words_of("EmmaNguyen-gr4")
    ['emma', 'nguyen', 'gr']
    """
    return _WORD.findall(folded(_CAMEL.sub(" ", unaccented(text))))


@dataclass(frozen=True, slots=True)
class KnownNames:
    """What names the people of a roster.

    Attributes:
        words: First and family names, each alone.
        glued: Both in one word, in either order, and with one of them as an initial.
        whole: First and family name in one word, in either order, for finding them inside longer words.
        pairs: First and family name as two words, in either order, however common each is alone.
        numbers: Student and staff numbers without zeros in front and marks.
    """

    words: frozenset[str] = frozenset()
    glued: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = frozenset()
    numbers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, people: Iterable[Subject]) -> Self:
        """Collect the names and numbers of a roster's people."""
        words: set[str] = set()
        glued: set[str] = set()
        whole: set[str] = set()
        pairs: set[tuple[str, str]] = set()
        numbers: set[str] = set()
        for person in people:
            family = _ways(person.family_name)
            first = _ways(person.given_name)
            words |= {word for word in first | family if word not in PARTICLES and word not in SHORT_WORDS}
            both = {joined for f in first for g in family for joined in (f + g, g + f)}
            whole |= {name for name in both if len(name) > _SHORTEST_INSIDE}
            pairs |= _pairs(first, family, person)
            initials = {joined for f in first for g in family for joined in (f[0] + g, g + f[0], f + g[0])}
            glued |= both | {name for name in initials if len(name) >= _SHORTEST_MISSPELT}
            numbers |= _number_keys(person.subject_id)
        names = frozenset(words - {""}), frozenset(glued), frozenset(whole)
        return cls(*names, frozenset(pairs), frozenset(numbers))

    def name_in(self, text: str) -> str | None:
        """Give the word of a text that names somebody, or seems to; None where there is none.

        Found are first and family names of two letters and more as words, also misspelt (from five letters on) and with
        an s behind; both names side by side, in one word or with an initial; names in words that are run together: of
        three letters beside other names and ordinary words, of four at the edge, of six anywhere. Not found are
        nicknames, bare initials, and names in another script than the roster's.
        """
        whole_words, parts = _WORD.findall(folded(text)), words_of(text)
        words = list(dict.fromkeys([*whole_words, *parts]))
        named = next((word for word in words if self._names(word)), None)
        return named or self._side_by_side(whole_words) or self._side_by_side(parts) or self._across(whole_words)

    def number_in(self, text: str) -> str | None:
        """Give the roster's number that a text holds, with or without its zeros in front; None where there is none."""
        plain = folded(text)
        runs = [run for match in _DIGITS.findall(plain) for run in (*re.findall(r"\d+", match), _MARKS.sub("", match))]
        marked = [piece for piece in _MARKS.split(plain) if piece]
        pairs = [one + other for one, other in pairwise(marked)]
        return next((one for one in (*runs, *marked, *pairs) if one in self.numbers or _key(one) in self.numbers), None)

    def _names(self, word: str) -> bool:
        if word in self.words or word in self.glued or any(rest in self.words for rest in _without_ordinary(word)):
            return True
        if word in ORDINARY:
            return False
        return self._is_misspelt(word) or self._holds(word) or self._is_run_together(word)

    def _holds(self, word: str) -> bool:
        return any(_is_inside(name, word) for name in self.words)

    def _is_run_together(self, word: str) -> bool:
        """Say whether a word is made of names, ordinary words and possessive s alone: "emmaandzoe"."""
        # Which ends of pieces are reached, without a name and with one.
        plain, named = {0}, set[int]()
        for end in range(1, len(word) + 1):
            for at in range(max(0, end - _LONGEST_PIECE), end):
                piece = word[at:end]
                is_name = len(piece) >= _SHORTEST_PIECE and piece in self.words
                if (is_name and at in plain | named) or (at in named and (piece == "s" or piece in ORDINARY)):
                    named.add(end)
                elif at in plain and piece in ORDINARY:
                    plain.add(end)
        return len(word) in named

    def _side_by_side(self, words: list[str]) -> str | None:
        return next((" ".join(pair) for pair in pairwise(words) if pair in self.pairs), None)

    def _is_misspelt(self, word: str) -> bool:
        if len(word) < _SHORTEST_MISSPELT:
            return False
        names = [*self.words, *self.glued]
        near = process.extract_iter(word, names, scorer=OSA.distance, processor=None, score_cutoff=2)
        return any(_is_meant(word, name, wrong) for name, wrong, _ in near)

    def _across(self, words: list[str]) -> str | None:
        run = "".join(words)
        return next((name for name in self.whole if name in run), None)


def _is_meant(word: str, name: str, wrong: float) -> bool:
    """Say whether a word that differs from a name by some letters (optimal string alignment) may be that name."""
    # Letters that changed places, as in "Nyguen", count as one mistake if the edges are right.
    if len(name) > _SHORT_NAME and (word[0], word[-1], sorted(word)) == (name[0], name[-1], sorted(name)):
        return True
    if len(name) < _SHORTEST_MEANT or wrong > (2 if len(name) >= _LONG_NAME else 1):
        return False
    return len(name) > _SHORT_NAME or word[0] == name[0]


def _is_inside(name: str, word: str) -> bool:
    if len(name) >= _SHORTEST_INSIDE or not name.isascii():
        return name in word
    at_edge = word.startswith(name) or word.endswith(name)
    return at_edge and len(name) >= _SHORTEST_AT_EDGE and len(word) - len(name) >= _SHORTEST_PIECE


def _pairs(first: set[str], family: set[str], person: Subject) -> set[tuple[str, str]]:
    """Give a person's names as pairs of words; where none is said to be the family's, those that are neighbours."""
    if not family:
        return set(pairwise(_WORD.findall(folded(person.name))))
    return {pair for f in first for g in family for pair in ((f, g), (g, f))}


def _without_ordinary(word: str) -> Iterator[str]:
    """Give what is left of a word before and behind an ordinary one: "emma" of "teamemma"."""
    for at in range(2, len(word) - 1):
        if word[:at] in ORDINARY and len(word) - at > 2:
            yield word[at:]
        if word[at:] in ORDINARY and at > 2:
            yield word[:at]


def _ways(name: str) -> set[str]:
    """Give the words of a name, and the name as one word; umlauts both dropped and spelt out."""
    found: set[str] = set()
    for spelt in (name, unicodedata.normalize("NFC", name).casefold().translate(_SPELT_OUT)):
        words = _WORD.findall(folded(spelt))
        found |= {*words, "".join(words)} - {""}
    return {word for word in found if len(word) > 1} or found


def _number_keys(number: str) -> set[str]:
    plain = _MARKS.sub("", folded(number))
    if len(plain) < _SHORTEST_NUMBER:
        return set()
    return {plain, *([_key(plain)] if len(_key(plain)) >= _SHORTEST_STRIPPED else [])}


def _key(number: str) -> str:
    return number.lstrip("0")
