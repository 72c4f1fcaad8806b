"""Addresses about a person: a number may hold anything, so it is never a part of the path."""

from __future__ import annotations

from urllib.parse import urlencode


def person_url(number: str) -> str:
    """Give the address of somebody's page.

    >>> person_url("../1&2")
    '/roster/person?number=..%2F1%262'
    """
    return f"/roster/person?{urlencode({'number': number})}"


def take_down_url(number: str) -> str:
    """Give the address of the list of what has to be taken down."""
    return f"/roster/take-down?{urlencode({'number': number})}"
