"""Rosters that were dropped on the page and not imported yet: encrypted, and only a few at a time.

The name of an upload is shown and never opened: what is read are its bytes.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field

from starlette.requests import Request

from consent.mapping import NOTHING, Declared
from imgguard.page.area import Area
from imgguard.page.office import FormError
from imgguard.page.rendering import desk_of, session_of, text_of
from imgguard.page.sessions import Session

_MOST = 8
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said on the form about the columns of an upload.

    Attributes:
        name: What to call it as a mapping.
        declared: What the columns are, and what their values mean.
        known: Headings whose questions stay as the layout has them.
    """

    name: str
    declared: Declared = NOTHING
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Draft:
    """An upload that is being looked at.

    Attributes:
        name: What its file was called, for people to read.
        layout: The layout that was chosen; empty to recognise it.
        sheet: The sheet that was chosen; empty to find it.
        said: What was said on the form; None where nothing was.
        version: Changes with every change of the above.
    """

    name: str
    layout: str = ""
    sheet: str = ""
    said: Said | None = None
    version: str = field(default_factory=lambda: secrets.token_urlsafe(8))


class Uploads:
    """The uploads of all who are at the page; each is gone with its session."""

    def __init__(self, area: Area) -> None:
        """Keep their bytes in an encrypted area."""
        self._area, self._lock = area, threading.Lock()
        self._drafts: dict[str, tuple[Session, Draft]] = {}

    def add(self, session: Session, name: str, content: bytes) -> str:
        """Keep an upload and give its token; of too many the oldest go."""
        token = secrets.token_urlsafe(16)
        self._area.put(_key(token), content)
        with self._lock:
            self._drafts[token] = session, Draft(name)
            old = list(self._drafts)[:-_MOST]
        for one in old:
            self.drop(one)
        if session.ended:
            # It ended while this came in.
            self.drop(token)
        return token

    def get(self, session: Session, token: str) -> tuple[Draft, bytes] | None:
        """Give an upload of a session with its bytes; None where there is none."""
        whose, draft = self._drafts.get(token, (None, None))
        content = self._area.get(_key(token)) if whose is session else None
        return None if draft is None or content is None else (draft, content)

    def change(self, token: str, draft: Draft) -> None:
        """Keep what was said about an upload, if that is still there."""
        with self._lock:
            if token in self._drafts:
                self._drafts[token] = self._drafts[token][0], draft

    def drop(self, token: str) -> None:
        """Delete an upload."""
        with self._lock:
            there = self._drafts.pop(token, None) is not None
        if there:
            self._area.drop(_key(token))

    def end(self, session: Session) -> None:
        """Delete the uploads of a session."""
        for token in [token for token, (whose, _) in tuple(self._drafts.items()) if whose is session]:
            self.drop(token)


def uploads_of(request: Request) -> Uploads:
    """Give the uploads of the page that is being served."""
    state = request.app.state
    if not hasattr(state, "roster_uploads"):
        state.roster_uploads = Uploads(desk_of(request).area)
        state.on_close.append(state.roster_uploads.end)
    found = state.roster_uploads
    assert isinstance(found, Uploads)
    return found


def the_upload(request: Request) -> tuple[str, Draft, bytes]:
    """Give the upload that an address names.

    Raises:
        FormError: if it is gone.
    """
    token = str(request.path_params["token"])
    found = uploads_of(request).get(session_of(request), token)
    if found is None:
        t = text_of(request)
        raise FormError(t("roster.upload_gone"), t("roster.upload_gone_remedy"))
    return token, *found


def shown_name(told: str) -> str:
    r"""Give the name of an upload as it may be shown: no folders, nothing invisible, not endless.

    >>> shown_name("C:\\secret\\roster.csv"), shown_name("../.."), shown_name("a\u202egnp.csv")
    ('roster.csv', 'roster', 'agnp.csv')
    """
    last = told.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(character for character in last if character.isprintable()).strip(" .")
    return plain[:_LONGEST_NAME] or "roster"


def _key(token: str) -> str:
    return f"roster {token}"
