"""Who is at the page: one opening address becomes one cookie; everything else is refused."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

COOKIE = "imgguard"
CSRF_HEADER = "x-csrf-token"


@dataclass(slots=True)
class Session:
    """One browser that was let in.

    Attributes:
        csrf: What every request that changes something has to bring.
        operator: The name of whoever works, as they gave it; it goes into the record.
        language: Of the page.
    """

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    operator: str = ""
    language: str = "en"


class Sessions:
    """The browsers that were let in, by their cookie."""

    def __init__(self) -> None:
        """Let nobody in yet."""
        self._token = secrets.token_urlsafe(32)
        self._known: dict[str, Session] = {}

    @property
    def token(self) -> str:
        """What the opening address holds; good for one use."""
        return self._token

    def open(self, token: str) -> str | None:
        """Let somebody in who has the opening address; gives the cookie, or None."""
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        self._token = secrets.token_urlsafe(32)
        cookie = secrets.token_urlsafe(32)
        self._known[cookie] = Session()
        return cookie

    def find(self, cookie: str | None) -> Session | None:
        """Give the session of a cookie."""
        return self._known.get(cookie or "")
