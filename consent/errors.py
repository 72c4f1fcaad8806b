"""Errors that a person can act on: what happened, where, and what to do next."""

from __future__ import annotations

import re


def kind_of(error: BaseException) -> str:
    """Give the class of an error as a word: its text may name files.

    >>> kind_of(ZeroDivisionError("north.jpg"))
    'zero_division_error'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


class UserFacingError(Exception):
    """An error with a remedy.

    Attributes:
        what: What is wrong, naming the file and row where there is one.
        remedy: What the user can do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        """Keep both sentences; `str()` of the error gives them together."""
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    @property
    def kind(self) -> str:
        """The class as a word for record and logs, such as photo_truncated: the texts name files, it does not."""
        return kind_of(self)

    def __str__(self) -> str:
        """Say what is wrong and what to do, on one line."""
        return f"{self.what}. {self.remedy}"


class ConsentError(UserFacingError):
    """Something about people or permissions cannot be used as it is."""


class RosterError(ConsentError):
    """The roster cannot be read, or cannot answer for the purpose."""


class RecordError(ConsentError):
    """The record of past runs cannot be opened or written."""


class PolicyError(ConsentError):
    """A procedure is not known, or what it asks for is not there."""


class VaultError(ConsentError):
    """The key of the templates is missing, locked away, or not the one."""


class DestinationError(ConsentError):
    """A destination cannot be registered, or there is none that could be used."""
