"""Who is at the page: one opening address becomes one cookie, and whoever leaves it alone is locked out of it.

A school computer is shared. A session that nobody uses is locked, if its operator gave a PIN, or else ended; what
it showed is then served to nobody. The views are told when a session ends, so that its pictures can be dropped.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

CSRF_HEADER = "x-csrf-token"
LOCK_AFTER = 10 * 60.0
PIN_TRIES = 5
_log = logging.getLogger("imgguard.page")
MOST_NAME = 80
LEAST_PIN, MOST_PIN = 4, 32


@dataclass(slots=True, eq=False)
class Session:
    """One browser that was let in.

    Attributes:
        csrf: What every request that changes something has to bring.
        operator: The name of whoever works, as they gave it; it goes into the record. Empty until it is given.
        language: Of the page.
        theme: "light" or "dark"; empty for what the computer prefers.
        locked: Whether the PIN has to be given first.
        ended: Whether it is over.
        idled: Whether it ended because nobody was there; nobody has said then that the work is done.
    """

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    operator: str = ""
    language: str = "en"
    theme: str = ""
    locked: bool = False
    ended: bool = False
    idled: bool = False
    _pin: tuple[bytes, bytes] | None = field(default=None, repr=False)
    _tries: int = 0
    _seen: tuple[float, float] = field(default_factory=lambda: _now(), repr=False)

    @property
    def open(self) -> bool:
        """Whether it may be served pictures and names."""
        return not (self.locked or self.ended)

    @property
    def has_pin(self) -> bool:
        """Whether it can be locked, and need not be ended."""
        return self._pin is not None

    def set_pin(self, pin: str) -> None:
        """Take a PIN; only what it hashes to is kept, in memory."""
        salt = secrets.token_bytes(16)
        self._pin = salt, _hashed(pin, salt)

    def unlock(self, pin: str) -> bool:
        """Try a PIN; every wrong one counts."""
        if self._pin is None or self.ended or self._tries >= PIN_TRIES:
            return False
        # Counted before it is compared, so that several at once are no more tries than one after the other.
        self._tries += 1
        salt, hashed = self._pin
        if not secrets.compare_digest(_hashed(pin, salt), hashed):
            return False
        self._tries, self.locked = 0, False
        self.touch()
        return True

    @property
    def tries_left(self) -> int:
        """How many PINs may still be tried."""
        return PIN_TRIES - self._tries

    def touch(self) -> None:
        """Note that somebody is there."""
        self._seen = _now()

    @property
    def idle(self) -> float:
        """For how many seconds nobody was there, the time included for which the computer slept."""
        return max(now - seen for now, seen in zip(_now(), self._seen, strict=True))


def _now() -> tuple[float, float]:
    """Two clocks: one stands still while the computer sleeps, the other can be set back."""
    return time.monotonic(), time.time()


def _hashed(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=2**14, r=8, p=1)


def usable_name(text: str) -> str:
    r"""Give an operator's name as it is recorded: one line, without what cannot be seen; empty if nothing is left.

    >>> usable_name("  D.\t Clerk\x00 ")
    'D. Clerk'
    """
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(unicodedata.normalize("NFC", seen).split())[:MOST_NAME].strip()


class Sessions:
    """The browsers that were let in, by their cookie.

    Attributes:
        cookie: The cookie's name. Cookies do not know ports, so two pages on one computer need two names.
        lock_after: Seconds without anybody until a session is locked or ended.
        on_end: Called with each session that ends; views add what drops its pictures.
        language: The language that every session begins with; None for what the browser prefers.
    """

    def __init__(
        self, *, cookie: str = "imgguard", lock_after: float = LOCK_AFTER, language: str | None = None
    ) -> None:
        """Let nobody in yet."""
        self.cookie, self.lock_after, self.language = cookie, lock_after, language
        self.on_end: list[Callable[[Session], None]] = []
        self._token = secrets.token_urlsafe(32)
        self._known: dict[str, Session] = {}
        self._lock = threading.Lock()

    @property
    def token(self) -> str:
        """What the opening address holds; good for one use."""
        return self._token

    def open(self, token: str, *, language: str = "en") -> str | None:
        """Let somebody in who has the opening address; gives the cookie, or None."""
        with self._lock:
            if not secrets.compare_digest(token.encode(), self._token.encode()):
                return None
            self._token = secrets.token_urlsafe(32)
            cookie = secrets.token_urlsafe(32)
            self._known[cookie] = Session(language=self.language or language)
        return cookie

    def find(self, cookie: str | None) -> Session | None:
        """Give the session of a cookie, locked if it was left alone; None where there is none or it has ended."""
        session = self._known.get(cookie or "")
        if session is not None and session.idle > self.lock_after:
            self.leave(session)
        return session if session is not None and not session.ended else None

    def leave(self, session: Session) -> None:
        """Lock a session; end it if it has no PIN."""
        if session.has_pin:
            session.locked = True
        else:
            session.idled = True
            self.end(session)

    def end(self, session: Session) -> None:
        """End a session and tell everybody who keeps something of it."""
        with self._lock:
            if session.ended:
                return
            session.ended = True
            self._known = {cookie: other for cookie, other in self._known.items() if other is not session}
        for told in tuple(self.on_end):
            # One that fails must not keep the others from dropping what they have.
            try:
                told(session)
            except Exception as error:
                _log.error("a bug in imgguard, at the end of a session: %s", type(error).__name__)

    def sweep(self) -> None:
        """Lock or end those that were left alone; asked now and then, so that nothing waits for a request."""
        for cookie in tuple(self._known):
            self.find(cookie)

    def end_all(self) -> None:
        """End every session."""
        for session in tuple(self._known.values()):
            self.end(session)
