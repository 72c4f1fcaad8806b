"""Every sentence that the page shows, by language and view; nothing else on the page holds one."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any

from consent.model import Answer, Aspect, Hold, Purpose, SignerRole
from consent.reasons import Reason, Verdict
from imgguard.marks import MarkKind
from imgguard.types import Extent, Outcome, Source, Status, Style, Treatment

LANGUAGES = {"en": "English", "fr": "Français"}

# How the values of the program are called in words.toml: `reason.no_match` by the member's name.
WORDED: Mapping[str, type[Enum]] = {
    "reason": Reason, "verdict": Verdict, "purpose": Purpose, "aspect": Aspect, "answer": Answer,
    "signer": SignerRole, "hold": Hold, "outcome": Outcome, "status": Status, "style": Style, "extent": Extent,
    "treatment": Treatment, "mark": MarkKind, "source": Source,
}  # fmt: skip

Text = Callable[..., str]


@cache
def texts(language: str) -> Mapping[str, str]:
    """Give all texts of a language, by names such as `one.title`: the file, then the key.

    words.toml has tables instead of its own name: `reason.no_match`.

    Raises:
        KeyError: if there is no such language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    folder = files("imgguard.page.texts") / language
    return {
        key: value
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
        for key, value in _flat(entry.name.removesuffix(".toml"), tomllib.loads(entry.read_text(encoding="utf-8")))
    }


def _flat(name: str, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, dict):
            prefix = key if name == "words" else f"{name}.{key}"
            yield from ((f"{prefix}.{inner}", text) for inner, text in value.items())
        else:
            yield f"{name}.{key}", value


def word_key(member: Enum) -> str:
    """Give the key of the text of one of the program's values.

    >>> word_key(Reason.NO_MATCH)
    'reason.no_match'
    """
    (name,) = (name for name, known in WORDED.items() if isinstance(member, known))
    return f"{name}.{member.name.lower()}"


def speaker(language: str) -> Text:
    """Give the function that finds a text and fills in its `{placeholders}`.

    >>> speaker("en")("shell.product")
    'imgguard'
    """
    known = texts(language)

    def text(key: str, **values: object) -> str:
        return known[key].format(**values) if values else known[key]

    return text


def preferred(accepted: str) -> str:
    """Give the language that a browser likes best (Accept-Language, RFC 9110 12.5.4) of those that there are.

    >>> preferred("fr-CA,fr;q=0.9,en;q=0.8"), preferred("de, en;q=0.5"), preferred("")
    ('fr', 'en', 'en')
    """
    wanted = [part.partition(";q=") for part in accepted.replace(" ", "").lower().split(",")]
    ranked = sorted(wanted, key=lambda part: -_share(part[2]))
    known = [part[0].split("-")[0] for part in ranked if _share(part[2]) > 0]
    return next((language for language in known if language in LANGUAGES), next(iter(LANGUAGES)))


def _share(quality: str) -> float:
    try:
        return float(quality or "1")
    except ValueError:
        return 0.0
