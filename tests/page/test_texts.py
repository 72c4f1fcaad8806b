from __future__ import annotations

import re
import string
from enum import Enum

import pytest

from imgguard.page.texts import LANGUAGES, WORDED, preferred, speaker, texts, word_key
from tests.conftest import ROOT

PAGE = ROOT / "imgguard" / "page"
OTHERS = [language for language in LANGUAGES if language != "en"]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_texts_with_the_same_placeholders(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert english.keys() == other.keys()
    assert not {key for key in english if placeholders(english[key]) != placeholders(other[key])}
    assert not {key for key in other if not other[key].strip()}


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_is_not_english_left_as_it_was(language: str) -> None:
    english, other = texts("en"), texts(language)
    sentences = [key for key in english if len(english[key].split()) > 3]
    assert not [key for key in sentences if english[key] == other[key]]


@pytest.mark.parametrize("kind", WORDED.values(), ids=WORDED.keys())
def test_every_value_of_the_program_has_words(kind: type[Enum]) -> None:
    for language in LANGUAGES:
        assert not {word_key(member) for member in kind} - texts(language).keys()


def test_every_text_that_a_template_asks_for_is_there() -> None:
    asked = {
        key
        for template in (PAGE / "templates").glob("*.html")
        for key in re.findall(r"""\bt\(\s*["']([\w.]+)["']\s*[,)]""", template.read_text(encoding="utf-8"))
    }
    assert len(asked) > 20
    assert not asked - texts("en").keys()


def test_no_template_has_a_sentence_of_its_own() -> None:
    for template in (PAGE / "templates").glob("*.html"):
        bare = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<code.*?</code>|<[^>]*>",
            " ",
            template.read_text(encoding="utf-8"),
            flags=re.S,
        )
        words = [word for word in re.findall(r"[A-Za-z]{3,}", bare) if word not in {"imgguard", "init"}]
        assert len(words) < 4, (template.name, words)


def test_a_control_template_would_be_noticed() -> None:
    assert placeholders("{name} has {count} photos") == {"name", "count"} != placeholders("{nom} a {count} photos")


def test_texts_are_filled_in_and_never_read_as_a_template() -> None:
    assert speaker("en")("shell.working", name="{0} <b>") == "{0} <b> is working"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("fr-CA,fr;q=0.9,en;q=0.8", "fr"), ("en-CA,fr;q=0.9", "en"), ("de,fr;q=0.2", "fr"), ("fr;q=0,en;q=0.1", "en"),
     ("*", "en"), (";q=;,,", "en"), ("fr;q=nan", "en")],
)  # fmt: skip
def test_the_language_is_what_the_browser_prefers_of_those_there_are(accepted: str, language: str) -> None:
    assert preferred(accepted) == language
