"""Tell whether two names may be one person's: who signs off must be somebody else than who publishes."""

from __future__ import annotations

import unicodedata
from itertools import permutations

# Nobody has more; and every order of the words is tried.
_MOST_WORDS = 6


def may_be_one(name: str, other: str) -> bool:
    """Tell whether two names may be one person's, in other writing: order, case, accents, dots, initials.

    Never told apart by what nobody would sign: two names without a letter are one.

    >>> may_be_one("Example, Zoé", "Z. EXAMPLE"), may_be_one("Z. Example", "Y. Example")
    (True, False)
    """
    one, two = _words(name), _words(other)
    if len(one) != len(two) or len(one) > _MOST_WORDS:
        return one == two
    return any(_alike(one, order) for order in permutations(two))


def _alike(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    """Each word is the other's, or its initial, and they have more than initials in common."""
    pairs = list(zip(one, two, strict=True))
    if not all(a == b or (1 in (len(a), len(b)) and a[0] == b[0]) for a, b in pairs):
        return False
    return one == two or any(a == b and len(a) > 1 for a, b in pairs)


def _words(name: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", name).casefold()
    kept = (c for c in plain if unicodedata.category(c) not in ("Mn", "Cf"))
    return tuple(sorted("".join(c if c.isalnum() else " " for c in kept).split()))
