"""Judge names of files and folders: does a name tell who, where or when?

Unclear means replaced: a neutral name costs nothing, so a number that may be a student's counts as one. What cameras
count with stays (`IMG_2034`), and so does what a school calls its events (`sports day`).

Not recognised, since it cannot be known without a map or a list of the world's names: places called by their name alone
(`banff.jpg`), people who are not on the roster, nicknames, bare initials, feasts and seasons, days of the week.
`--names neutral` replaces every name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from urllib.parse import unquote

from imgguard.known_names import KnownNames, folded, words_of
from imgguard.vocabulary import (
    CAMERAS,
    MONTHS,
    ORDINARY,
    PLACES_AFTER,
    PLACES_BEFORE,
    SERIES,
    SHORT_MONTHS,
    STREETS,
    STREETS_BEFORE,
    STREETS_GLUED,
)


class Tells(StrEnum):
    """What a name gives away."""

    PERSON = "a name of the roster"
    ADDRESS = "an e-mail address or a handle"
    STUDENT = "a number of the roster"
    PHONE = "a phone number"
    PLACE = "a place"
    DATE = "a date or time"
    NUMBER = "a number that may be somebody's"


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing that a name gives away, and the words that do."""

    what: Tells
    text: str


@lru_cache(maxsize=4096)
def telling_in(name: str, known: KnownNames) -> tuple[Telling, ...]:
    """List what the name of a file or folder gives away.

    Args:
        name: The name without its ending.
        known: The people of the roster; empty where there is none.

    >>> [telling.what.value for telling in telling_in("sports day 2026-09-12", KnownNames())]
    ['a date or time']
    >>> telling_in("IMG_2034", KnownNames())
    ()
    """
    plain = _plain(name)
    found = [Telling(what, text) for what, text in _people(plain, known)]
    # What a camera counts with is no number of anything else.
    rest = _COUNTER.sub(" ", folded(plain))
    for what, pattern in _PATTERNS:
        if match := pattern.search(rest):
            found.append(Telling(what, match.group().strip(" _-.,")))
            rest = pattern.sub(" ", rest)
    named = _named_place(plain)
    if named and Tells.PLACE not in {telling.what for telling in found}:
        found.append(Telling(Tells.PLACE, named))
    return tuple(found)


def telling_in_credit(credit: str, known: KnownNames) -> tuple[Telling, ...]:
    """List what a line of credit gives away that none has to: people of the roster, numbers, addresses, coordinates.

    A school's own name, a street and a year may stand in it.

    >>> telling_in_credit("Photo: North School, 2026", KnownNames())
    ()
    """
    told = [one for one in telling_in(credit, known) if one.what in _NEVER_CREDITED]
    if match := _COORDINATE.search(folded(_plain(credit))):
        told.append(Telling(Tells.PLACE, match.group().strip(" _-.,")))
    return tuple(told)


def _people(plain: str, known: KnownNames) -> Iterator[tuple[Tells, str]]:
    person, number = known.name_in(plain), known.number_in(_CAMERA_COUNTER.sub(" ", folded(plain)))
    if person:
        yield Tells.PERSON, person
    if number:
        yield Tells.STUDENT, number


def _plain(name: str) -> str:
    """Undo what hides letters and digits: percent signs of web addresses, wide forms, digits of other scripts."""
    plain = unicodedata.normalize("NFKC", unquote(name, errors="replace"))
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.VERBOSE)


# The edges of words; digits and underscores are no letters here.
_OPEN, _CLOSE = r"(?<![^\W\d_])", r"(?![^\W\d_])"
_GAP = r"[\s._,'\u2019-]*"
# Longer words first, or "sept" would end behind "sep".
_MONTH_WORDS = sorted(MONTHS | SHORT_MONTHS, key=len, reverse=True)
_ANY_MONTH = "(?:" + "|".join(_MONTH_WORDS) + ")"
_WHOLE_MONTH = "(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + ")"
_DAY, _MONTH_NUMBER, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"

# Minutes and seconds of an angle, behind its degrees. Two digits behind a point and an S are the seconds of a race.
_FRACTIONS = r"(?:[\s._,:'\u2019\u2032\"\u2033°d-]+ \d{1,2} [.,]? \d* m?){0,2} [\s._,:'\u2019\u2032\"\u2033°dms-]*"
_COORDINATES = rf"""
    -? \d{{1,3}} [.,_] \d{{3,}} \s*°?\s* [NS]? [\s,;_x/-]+ \d{{1,3}} [.,_] \d{{3,}} \s*°?\s* [EWO]?
    | (?<![\d.]) \d{{1,2}} \. \d\d+ \s*[,;/_\s]\s* -? \d{{1,3}} \. \d\d+
    | \d{{1,3}} [°º] | (?<!\d) \d{{1,3}} [.,] (?:\d{{3,}} \s* [NSEWO] | \d\d \s* [NEWO]) {_CLOSE}
    | (?<!\d) \d{{1,2}} [.\d]* {_FRACTIONS} [NS] {_GAP} \d{{1,3}} [.\d]* {_FRACTIONS} [EWO] {_CLOSE}
    | {_OPEN} [NS] {_GAP} \d{{1,2}} [.\d]* {_FRACTIONS} [EWO] {_GAP} \d{{1,3}}
    | {_OPEN} (?:lat|latitude|lon|lng|longitude) [\s._:=,-]* \d{{1,3}} (?!\d)
    | (?<!\w) [23456789CFGHJMPQRVWX]{{4,8}} \+ [23456789CFGHJMPQRVWX]{{2,3}} (?!\w)"""

# Canon's own names have an A before the counter (3X0A1234), Leica's, Ricoh's and GoPro's six or seven digits. A series
# may be numbered like a year, and then it is taken for one; a camera's counter is not.
_NO_COUNTER_MORE = r"(?!\d|[-._]\d\d[-._]\d\d)"
_CAMERA = (
    rf"(?:{CAMERAS})[_-]?e?\d{{3,5}}|(?=[a-z]{{0,2}}\d)[a-z0-9]{{3}}a\d{{4}}|l1\d{{6}}|[rg]00\d{{5}}|g[pxh]\d{{6}}"
)
_NUMBERED = rf"(?:{SERIES})[\s_-]?(?!{_YEAR}(?!\d))\d{{3,5}}"
# A student's number may well stand behind "photo", but not where only a camera writes.
_CAMERA_COUNTER = re.compile(rf"(?<![a-z0-9])(?:{_CAMERA}){_NO_COUNTER_MORE}")
_COUNTER = re.compile(rf"(?<![a-z0-9])(?:{_CAMERA}|{_NUMBERED}){_NO_COUNTER_MORE}")
_COORDINATE = _pattern(_COORDINATES)
_NEVER_CREDITED = {Tells.PERSON, Tells.STUDENT, Tells.ADDRESS, Tells.PHONE}
_PATTERNS = (
    (Tells.ADDRESS, _pattern(r"[\w.+-]+@(?!\d+x\b)[\w-]+(?:\.[\w-]+)* | (?<!\w)@[^\W\d][\w.]+")),
    (
        Tells.DATE,
        _pattern(
            rf"""(?<!\d) {_YEAR} (?P<sep>[\s._/-]?) (?:0[1-9]|1[0-2]) (?P=sep) (?:0[1-9]|[12]\d|3[01])
                 (?: [\sT._-]* (?:[01]\d|2[0-3])[0-5]\d[0-5]\d \d* )? (?!\d)
            | (?<!\d) {_YEAR} [._/-] {_MONTH_NUMBER} [._/-] {_DAY} (?!\d)
            | (?<!\d) \d{{1,2}} (?P<mark>[\s._/:-]) \d{{1,2}} (?P=mark) (?:\d\d)?\d\d (?!\d)
            | {_OPEN} {_ANY_MONTH} {_GAP} \d{{1,4}} (?!\d) | {_OPEN} {_WHOLE_MONTH} {_CLOSE}
            | (?<!\d) \d{{1,4}} (?:st|nd|rd|th|er|\.)? {_GAP} (?:of|de)? {_GAP} {_ANY_MONTH} {_CLOSE}
            | (?<!\d) (?:[01]?\d|2[0-3]) (?:[.:h]?[0-5]\d)? \s? [ap]\.?m {_CLOSE} | (?<!\d) (?:[01]?\d|2[0-3]) h [0-5]\d
            | (?<!\d) {_YEAR} (?!\d) | (?<!\w) ['\u2019] \d\d (?!\w)"""
        ),
    ),
    (
        Tells.PLACE,
        _pattern(
            rf"""{_COORDINATES}
            | (?<![^\W_]) [ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] [\s_-]? \d[ABCEGHJ-NPRSTV-Z]\d (?![^\W_])
            | (?<![^\W_]) [A-Z]{{1,2}}\d[A-Z\d]? [\s_-] \d[ABD-HJLNP-UW-Z]{{2}} (?![^\W_])
            | (?<!\d) \d{{5}}-\d{{4}} (?!\d)
            | (?<!\d) \d{{1,5}} [A-Z]? (?:[\s_.,-]+ [^\W_]+){{0,3}}? [\s_.,-]+ (?:{STREETS}) {_CLOSE}
            | (?<!\d) \d{{1,5}} {_GAP} (?:{STREETS_BEFORE}) {_CLOSE} | {_OPEN} (?:{STREETS_BEFORE}) {_GAP} \d{{1,5}}
            | [^\W\d_]{{3,}} (?:{STREETS_GLUED}) {_GAP} \d{{1,4}} (?!\d)"""
        ),
    ),
    (
        Tells.PHONE,
        _pattern(
            r"""(?<!\d) \+ \d [\d\s()._-]{6,17} \d
            | (?<!\d) (?:1[\s._-]?)? \(?[2-9]\d\d\)? [\s._-]{0,2} \d{3} [\s._-]? \d{4} (?!\d)
            | (?<!\d) \d{3} [\s._-] \d{4} (?!\d) 
            | (?<!\d) 0\d{1,4} [\s._/-] (?:\d{5,8} | \d{2,4} (?:[\s._-]\d{2,4})+) (?!\d)"""
        ),
    ),
    (
        Tells.NUMBER,
        _pattern(r"(?<!\d)\d{5,}(?!\d) | (?<![^\W_])[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}"),
    ),
)


def _named_place(plain: str) -> str | None:
    """Find a word of its own beside one that makes it a place: "rundle park", "lake louise"."""
    words = words_of(_unmarked(plain))
    for one, other in pairwise(words):
        if (other in PLACES_AFTER and _is_own(one)) or (one in PLACES_BEFORE and _is_own(other)):
            return f"{one} {other}"
    return None


def _unmarked(text: str) -> str:
    """Take apostrophes out, so that what they join stays one word."""
    return re.sub(r"['\N{RIGHT SINGLE QUOTATION MARK}]", "", text)


def _is_own(word: str) -> bool:
    common = ORDINARY | PLACES_AFTER | PLACES_BEFORE
    return len(word) > 2 and folded(word) not in common
