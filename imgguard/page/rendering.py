"""Pages from Jinja2 templates, with the language's texts; and errors as the page's scripts want them."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from consent.errors import UserFacingError
from imgguard.page.sessions import Session
from imgguard.page.texts import LANGUAGES, Text, speaker


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("imgguard.page"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def session_of(request: Request) -> Session:
    """Give the session, which the gate has put there."""
    session = request.state.session
    assert isinstance(session, Session)
    return session


def text_of(request: Request) -> Text:
    """Give the texts of the session's language."""
    return speaker(session_of(request).language)


def render(request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
    """Render a page: `t` gives texts, `session` the operator; `view` names the part of the menu."""
    session = session_of(request)
    told = {"t": text_of(request), "session": session, "languages": LANGUAGES, "path": request.url.path, **context}
    return HTMLResponse(_templates().get_template(template).render(told), status)


def go(url: str) -> JSONResponse:
    """Answer a form: the script goes to another page."""
    return JSONResponse({"go": url})


def refused(error: UserFacingError, status: int = 409) -> JSONResponse:
    """Answer a form or a script with what is wrong and what to do; shown as plain text."""
    return JSONResponse({"error": {"what": error.what, "remedy": error.remedy}}, status)
