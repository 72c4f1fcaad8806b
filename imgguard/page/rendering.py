"""Pages from Jinja2 templates, with the language's texts; and errors as the page's scripts want them."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from consent.errors import UserFacingError
from imgguard.page.desk import Desk
from imgguard.page.sessions import Session
from imgguard.page.texts import LANGUAGES, Text, preferred, speaker
from imgguard.page.wording import (
    clause_shown,
    entry_words,
    local_time,
    policy_title,
    purposes_worded,
    refusal_view,
)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("imgguard.page"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(clause=clause_shown, local=local_time)
    templates.globals.update(policy_title=policy_title, entry_words=entry_words, purposes_worded=purposes_worded)
    return templates


def session_of(request: Request) -> Session:
    """Give the session, which the gate has put there."""
    session = request.state.session
    assert isinstance(session, Session)
    return session


def language_of(request: Request) -> str:
    """Give the session's language; without a session, what the browser prefers."""
    session = getattr(request.state, "session", None)
    return session.language if session is not None else preferred(request.headers.get("accept-language", ""))


def desk_of(request: Request) -> Desk:
    """Give what the views share."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


def whole_number(text: str, digits: int = 17) -> int | None:
    """Read a number of an address, of so many digits at most; None for anything else.

    >>> whole_number("40"), whole_number("-1"), whole_number("9" * 5000)
    (40, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def text_of(request: Request) -> Text:
    """Give the texts of the language."""
    return speaker(language_of(request))


def render(request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
    """Render a page: `t` gives texts, `session` the operator; `view` names the part of the menu."""
    session = getattr(request.state, "session", None)
    language = language_of(request)
    told = {
        "t": speaker(language), "session": session, "language": language, "languages": LANGUAGES,
        "path": request.url.path, **context,
    }  # fmt: skip
    return HTMLResponse(_templates().get_template(template).render(told), status)


def go(url: str) -> JSONResponse:
    """Answer a form: the script goes to another page."""
    return JSONResponse({"go": url})


def again() -> JSONResponse:
    """Answer a form: the script loads the page anew."""
    return JSONResponse({"again": True})


def refused(error: UserFacingError, text: Text, status: int = 409) -> JSONResponse:
    """Answer a form or a script with what is wrong and what to do; shown as plain text."""
    return JSONResponse({"error": refusal_view(error, text)}, status)
