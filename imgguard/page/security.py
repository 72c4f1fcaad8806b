"""Keep everybody out but the browser that was let in on this computer, and everything in."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgguard.page.sessions import COOKIE, CSRF_HEADER, Sessions

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_OPEN = {"/open"}
_SAFE = {"GET", "HEAD"}


class Gate:
    """ASGI middleware: Host, Origin, session and CSRF are checked before anything is routed."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, hosts: frozenset[str]) -> None:
        """Guard an application that answers for these hosts ("127.0.0.1:8000") alone."""
        self._app, self._sessions, self._hosts = app, sessions, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((n.lower().encode(), v.encode()) for n, v in HEADERS.items() if n.lower().encode() not in told),
                ]
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("host") not in self._hosts:
            return PlainTextResponse("Wrong host.", 421)
        origin = request.headers.get("origin")
        if origin is not None and origin.split("//", 1)[-1] not in self._hosts:
            return PlainTextResponse("Wrong origin.", 403)
        if request.url.path in _OPEN:
            return None
        session = self._sessions.find(request.cookies.get(COOKIE))
        if session is None:
            return PlainTextResponse("Open the page with the address that imgguard shows.", 401)
        request.scope.setdefault("state", {})["session"] = session
        told = request.headers.get(CSRF_HEADER, "")
        if request.method not in _SAFE and not secrets.compare_digest(told.encode(), session.csrf.encode()):
            return PlainTextResponse("This request did not come from the page.", 403)
        return None
