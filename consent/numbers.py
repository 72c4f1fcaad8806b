"""Student numbers are text: "020411" is not 20411, but a spreadsheet or a photographer makes the one of the other."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_FRACTION = re.compile(r"(?<=\d)\.0+$")


@dataclass(frozen=True, slots=True)
class Found:
    """A number that is known.

    Attributes:
        number: As the roster writes it.
        exact: Whether it was written just so; otherwise only zeros in front or the like differ, which is to be told.
    """

    number: str
    exact: bool


class NumberIndex:
    """Known numbers, to find by how others write them."""

    def __init__(self, numbers: Iterable[str]) -> None:
        """Keep the numbers as the roster writes them."""
        self._exact = frozenset(numbers)
        by_key: dict[str, list[str]] = defaultdict(list)
        for number in self._exact:
            by_key[number_key(number)].append(number)
        self._unique = {key: found[0] for key, found in by_key.items() if key and len(found) == 1}

    def find(self, written: str) -> Found | None:
        """Find a number: just as written, or without zeros in front where that fits only one; else None.

        >>> index = NumberIndex(["020411", "7", "007"])
        >>> index.find("20411"), index.find("0007")
        (Found(number='020411', exact=False), None)
        """
        plain = written.strip()
        if plain in self._exact:
            return Found(plain, exact=True)
        number = self._unique.get(number_key(plain))
        return None if number is None else Found(number, exact=False)


class ByNumber(Mapping[str, frozenset[str]]):
    """What is known of people by number, found however a roster writes the number."""

    def __init__(self, told: Mapping[str, frozenset[str]]) -> None:
        """Put together what is told of numbers that differ only in how they are written."""
        found: dict[str, frozenset[str]] = defaultdict(frozenset)
        for number, values in told.items():
            found[number_key(number)] |= values
        self._found = dict(found)

    def __getitem__(self, number: str) -> frozenset[str]:
        """Give what is known; KeyError where nothing is."""
        return self._found[number_key(number)]

    def __iter__(self) -> Iterator[str]:
        """Give the keys of the numbers."""
        return iter(self._found)

    def __len__(self) -> int:
        """Give how many there are."""
        return len(self._found)


def number_key(number: str) -> str:
    """Give what two ways of writing one number have in common: no zeros in front, quotes, ".0" or invisible signs.

    >>> number_key('="020411"') == number_key("20411.0 ") == number_key("٢٠٤١١")
    True
    """
    if number.isascii() and number.isalnum():
        plain = number.lower()
    else:
        plain = unicodedata.normalize("NFKC", number).casefold()
        plain = "".join(c for c in plain if unicodedata.category(c) != "Cf" and not c.isspace()).strip("='\"")
        plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)
        # What a program that takes numbers for measures makes of one.
        plain = _FRACTION.sub("", plain)
    return plain.lstrip("0") or plain[:1]
