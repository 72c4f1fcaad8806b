"""Who works at the page: the opening address, the name, the lock, the language and the light."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from imgguard.errors import SetupError
from imgguard.page.closed import stopped
from imgguard.page.rendering import again, go, language_of, session_of, text_of
from imgguard.page.sessions import LEAST_PIN, MOST_PIN, Sessions, usable_name
from imgguard.page.texts import LANGUAGES

_THEMES = {"": "dark", "dark": "light", "light": "dark"}


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


async def _open(request: Request) -> Response:
    """Turn the opening address into a cookie, and leave it at once, so that it stays in no history."""
    sessions = _sessions(request)
    # A browser that looks ahead, or a HEAD, must not use up what is good for once.
    ahead = request.method != "GET" or "purpose" in request.headers or "sec-purpose" in request.headers
    token = "" if ahead else request.query_params.get("token", "")
    cookie = sessions.open(token, language=language_of(request))
    if cookie is None:
        return stopped(request, 401, "used")
    answer = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(sessions.cookie, cookie, httponly=True, samesite="strict", secure=secure)
    return answer


async def _who(request: Request) -> Response:
    """Take the name of whoever works, and a PIN if they want one."""
    session, t = session_of(request), text_of(request)
    form = await request.form()
    name, pin = usable_name(str(form.get("name", ""))), str(form.get("pin", ""))
    if not name:
        raise SetupError(t("shell.no_name"), t("shell.no_name_remedy"))
    if pin and not LEAST_PIN <= len(pin) <= MOST_PIN:
        raise SetupError(t("shell.bad_pin"), t("shell.bad_pin_remedy", least=LEAST_PIN, most=MOST_PIN))
    # Whoever has a name keeps it: the record must not tell of two people under one session.
    if not session.operator:
        session.operator = name
        if pin:
            session.set_pin(pin)
    session.touch()
    return go("/")


async def _unlock(request: Request) -> Response:
    session, t = session_of(request), text_of(request)
    form = await request.form()
    if not session.locked or session.unlock(str(form.get("pin", ""))):
        return again()
    if not session.tries_left:
        _sessions(request).end(session)
        return go("/")
    raise SetupError(t("shell.wrong_pin"), t("shell.tries_left", tries=session.tries_left))


async def _lock(request: Request) -> Response:
    _sessions(request).leave(session_of(request))
    return go("/")


async def _end(request: Request) -> Response:
    _sessions(request).end(session_of(request))
    return go("/")


async def _settings(request: Request) -> Response:
    """Change the language or the light of the page; the script loads the page anew."""
    session, form = session_of(request), await request.form()
    if form.get("language") in LANGUAGES:
        session.language = str(form["language"])
    if "theme" in form:
        chosen = str(form["theme"])
        session.theme = chosen if chosen in {"light", "dark"} else _THEMES[session.theme]
    return again()


async def _active(request: Request) -> Response:
    """Hear that somebody is there; the gate has noted it."""
    return Response(status_code=204)


async def _alive(request: Request) -> Response:
    """Say whether the session is open; asked by the page's scripts, which does not count as somebody."""
    return Response(status_code=204)


ROUTES = (
    Route("/open", _open),
    Route("/who", _who, methods=["POST"]),
    Route("/unlock", _unlock, methods=["POST"]),
    Route("/lock", _lock, methods=["POST"]),
    Route("/end", _end, methods=["POST"]),
    Route("/settings", _settings, methods=["POST"]),
    Route("/active", _active, methods=["POST"]),
    Route("/alive", _alive),
)
