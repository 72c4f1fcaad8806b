"""Keep everybody out but the browser that was let in on this computer, and everything in."""

from __future__ import annotations

import logging
import re
import secrets
import traceback
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgguard.page.closed import ask_pin, ask_who, stopped
from imgguard.page.limits import drain
from imgguard.page.sessions import CSRF_HEADER, Session, Sessions

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), "
    "serial=(), usb=()",
    "Cache-Control": "no-store",
}
_STATIC = "/static/"
_OPEN = "/open"
# What a session may do whose operator has not said who they are; and what one may do that is locked.
_NAMELESS = {"/who", "/end", "/settings", "/alive", "/active"}
_LOCKED = {"/unlock", "/end", "/settings"}
# Neither of them says that somebody is there.
_UNATTENDED = {"/alive", "/settings"}
_METHODS, _SAFE = {"GET", "HEAD", "POST"}, {"GET", "HEAD"}
# Nothing of the page is called like this; what is asked so is asked to get out of it.
_TRICKS = re.compile(rb"%2e|%2f|%5c|%00|%25|\\|//|/\.\.?(/|$)|[\x00-\x20\x7f]", re.IGNORECASE)
_log = logging.getLogger("imgguard.page")


class _Cut(Exception):
    """A session was locked or ended while it was being answered."""


class Gate:
    """ASGI middleware: Host, Origin, session, CSRF and lock are checked before anything is routed."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions, hosts: frozenset[str]) -> None:
        """Guard an application that answers for these hosts ("127.0.0.1:8000") alone."""
        self._app, self._sessions, self._hosts = app, sessions, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        request, out = Request(scope), _Answer(scope, send)
        refusal = self._refusal(request)
        if refusal is not None:
            await drain(receive)
            await refusal(scope, receive, out.send)
            return
        if scope["path"] not in _NAMELESS | _LOCKED | {"/lock"}:
            out.session = scope.get("state", {}).get("session")
        try:
            await self._app(scope, receive, out.send)
        except Exception as error:
            await self._broken(request, error, receive, out)

    async def _broken(self, request: Request, error: Exception, receive: Receive, out: _Answer) -> None:
        cut, out.session = out.cut, None
        if not cut:
            _log.error("a bug in imgguard, at %s", _place(error))
        if out.started:
            await out.finish()
            return
        session: Session | None = request.scope.get("state", {}).get("session")
        status = 500 if not cut else 423 if session is not None and not session.ended else 401
        await stopped(request, status)(request.scope, receive, out.send)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.getlist("host") not in [[host] for host in self._hosts]:
            return PlainTextResponse("Wrong host.", 421)
        if request.method not in _METHODS:
            return stopped(request, 405)
        if self._is_foreign(request):
            return stopped(request, 403)
        raw: bytes = request.scope.get("raw_path") or b""
        if not raw.startswith(b"/") or _TRICKS.search(raw):
            return stopped(request, 404)
        path = request.scope["path"]
        if path.startswith(_STATIC) and request.method in _SAFE:
            return None
        return None if path == _OPEN else self._closed(request, path)

    def _is_foreign(self, request: Request) -> bool:
        """Tell whether another site asks; another port of this computer is one too."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        origin = request.headers.get("origin")
        ours = {f"{request.scope['scheme']}://{host}" for host in self._hosts}
        if origin is not None and origin not in ours:
            return True
        if request.method in _SAFE and request.headers.get("sec-fetch-mode") == "navigate":
            return request.headers.get("sec-fetch-dest", "document") != "document"
        return site not in ({"same-origin", "none"} if request.method in _SAFE else {"same-origin"})

    def _closed(self, request: Request, path: str) -> Response | None:
        session = self._sessions.find(request.cookies.get(self._sessions.cookie))
        if session is None:
            return stopped(request, 401)
        request.scope.setdefault("state", {})["session"] = session
        told = request.headers.get(CSRF_HEADER, "")
        if request.method not in _SAFE and not secrets.compare_digest(told.encode(), session.csrf.encode()):
            return stopped(request, 403)
        if session.locked and path not in _LOCKED:
            return ask_pin(request)
        if not session.operator and path not in _NAMELESS:
            return ask_who(request)
        if not session.locked and path not in _UNATTENDED and _is_somebody(request):
            session.touch()
        return None


def _is_somebody(request: Request) -> bool:
    """Tell whether a person did this: they went to a page or sent something; scripts ask by themselves."""
    return request.method not in _SAFE or request.headers.get("sec-fetch-mode", "navigate") == "navigate"


class _Answer:
    """Sends an answer with the headers of the page, as long as the session is open that it is for."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send, self._static = send, scope["path"].startswith(_STATIC)
        self.session: Session | None = None
        self.started = self.finished = self.cut = False

    async def send(self, message: Message) -> None:
        if self.session is not None and not self.session.open:
            self.cut = True
            raise _Cut
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*message["headers"], *self._missing({name for name, _ in message["headers"]})]
        elif message["type"] == "http.response.body":
            self.finished = not message.get("more_body", False)
        await self._send(message)

    async def finish(self) -> None:
        """End what was begun and cannot be gone on with; what was promised is not there, so it counts as broken."""
        if not self.finished:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _missing(self, told: set[bytes]) -> list[tuple[bytes, bytes]]:
        # Files of the program hold nothing of anybody; they are asked for anew each time whether they have changed.
        own = {**HEADERS, "Cache-Control": "no-cache"} if self._static else HEADERS
        named = {name.lower().encode(): value.encode() for name, value in own.items()}
        return [(name, value) for name, value in named.items() if name not in told]


def _place(error: Exception) -> str:
    """Give the kind of an error and the lines that it came through; its text may name people and files."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return f"{type(error).__name__}: " + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
