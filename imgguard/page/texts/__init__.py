"""Every sentence that the page shows, by language and view; nothing else on the page holds one."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = {"en": "English", "fr": "Français"}

Text = Callable[..., str]


@cache
def texts(language: str) -> Mapping[str, str]:
    """Give all texts of a language, by names such as `one.title`: the file, then the key.

    Raises:
        KeyError: if there is no such language.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    folder = files("imgguard.page.texts") / language
    return {
        f"{entry.name.removesuffix('.toml')}.{key}": value
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
        for key, value in tomllib.loads(entry.read_text(encoding="utf-8")).items()
    }


def speaker(language: str) -> Text:
    """Give the function that finds a text and fills in its `{placeholders}`.

    >>> speaker("en")("shell.product")
    'imgguard'
    """
    known = texts(language)

    def text(key: str, **values: object) -> str:
        return known[key].format(**values) if values else known[key]

    return text
