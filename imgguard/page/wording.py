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

_DIGITS = 12
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
    told = json.loads(body)
    return " · ".join(f"{_named(key, text)} {_short(value)}" for key, value in told.items() if value not in (None, ""))


def _named(key: str, text: Text) -> str:
    try:
        return text(f"reports.noted.{key}")
    except KeyError:
        return key.replace("_", " ")


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(one)}" for key, one in value.items())
    told = str(value).replace("_", " ")
    return f"{told[:_DIGITS]}…" if len(told) >= 32 and " " not in told else told
