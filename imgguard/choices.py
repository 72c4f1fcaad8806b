"""One of several choices, given as itself or by its word."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from imgguard.errors import SetupError

_Choice = TypeVar("_Choice", bound=StrEnum)


def one_of(kind: type[_Choice], value: _Choice | str, name: str) -> _Choice:
    """Give the choice that a value is.

    Args:
        kind: The choices.
        value: One of them, or its word.
        name: What is chosen, for the message.

    Raises:
        SetupError: naming the choices, if it is none of them.
    """
    try:
        return kind(value)
    except ValueError as error:
        choices = ", ".join(member.value for member in kind)
        raise SetupError(f"{value!r} is not a {name}", f"Choose one of: {choices}.") from error
