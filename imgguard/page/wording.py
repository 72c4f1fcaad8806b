"""What the core says, in the page's words: refusals by their kind, clauses, procedures, days and the audit trail."""

from __future__ import annotations

import json
import re
from datetime import datetime

from consent.errors import UserFacingError
from consent.model import Purpose
from consent.procedures import STRICT, Policy
from imgguard.errors import ImgguardError
from imgguard.page.texts import Text

# A digest has so many digits at least, of which so many are shown.
_DIGEST, _DIGITS = 32, 12
_ORDER = {key: at for at, key in enumerate(("run", "photo", "keep", "cover", "refusal"))}
_TABLES = {"refusal": "reports.refusal", "purpose": "purpose", "purposes": "purpose"}
_PURPOSES = re.compile(rf"\b({'|'.join(purpose.value for purpose in Purpose)})\b")


def refusal_words(kind: str, what: str, remedy: str, text: Text) -> dict[str, str]:
    """Give a refusal in the page's language where it has words for the kind, else as the program says it.

    Args:
        kind: Of the error, such as photo_truncated.
        what: What is wrong, as the program says it.
        remedy: What to do, as the program says it.
        text: Gives the sentences of the page's language.

    Returns:
        `what`, `remedy`, and `detail`: the program's own sentence where the page has another.
    """
    try:
        return {"what": text(f"refused.{kind}"), "remedy": text(f"refused.{kind}_do"), "detail": what}
    except KeyError:
        return {"what": what, "remedy": remedy, "detail": ""}


def refusal_view(error: UserFacingError, text: Text) -> dict[str, str]:
    """Give an error in the page's words where it has some."""
    return refusal_words(error.kind if isinstance(error, ImgguardError) else "", error.what, error.remedy, text)


def clause_shown(clause: str) -> str:
    """Give a clause where it is one of a division's procedure; that consent is asked for needs none."""
    return "" if clause.partition(" ")[0] == STRICT.name else clause


def policy_title(policy: Policy, text: Text) -> str:
    """Give the title of a procedure; the one that every school has is told in the page's language."""
    return text("procedure.strict") if policy.name == STRICT.name else policy.title


def local_time(moment: str) -> str:
    """Give a recorded moment as the clock of this computer tells it."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def purposes_worded(said: str, text: Text) -> str:
    """Give a sentence of the program with the names of purposes in words, such as School website."""
    return _PURPOSES.sub(lambda found: text(f"purpose.{found[0]}"), said)


def entry_words(body: str, text: Text) -> str:
    """Give an entry of the audit trail as a line to read; digests are cut, the exported trail has all of them."""
    told = sorted(json.loads(body).items(), key=lambda item: _ORDER.get(item[0], len(_ORDER)))
    return " · ".join(
        f"{_worded('reports.noted', key, text)} {_value(key, value, text)}" for key, value in told if value
    )


def _value(key: str, value: object, text: Text) -> str:
    if isinstance(value, list):
        return ", ".join(_value(key, one, text) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(name, one, text)}" for name, one in value.items())
    said = str(value)
    if len(said) >= _DIGEST and said.isalnum():
        return f"{said[:_DIGITS]}…"
    return _worded(_TABLES.get(key, ""), said, text)


def _worded(table: str, name: str, text: Text) -> str:
    try:
        return text(f"{table}.{name}")
    except KeyError:
        return name.replace("_", " ")
