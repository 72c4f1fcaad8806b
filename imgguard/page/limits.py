"""How much a request may bring, and for how long: counted while it comes in, whatever it says of itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 2**20
WHOLE_SECONDS, CHUNK_SECONDS = 180.0, 20.0
_DRAINED_BYTES, _DRAINED_SECONDS = 2**30, 10.0


class Limits:
    """ASGI middleware: a body that is too large or too slow is refused with 413 or 408 where it is read."""

    def __init__(self, app: ASGIApp, *, uploads: Mapping[str, int]) -> None:
        """Limit an application.

        Args:
            app: The application.
            uploads: Paths of routes ("/folder/{run}/photo") that may bring more than `MOST_BODY`, with their bytes.
        """
        self._app = app
        self._uploads = [(compile_path(path)[0], most) for path, most in uploads.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, self._most(scope["path"]), scope), send)

    def _most(self, path: str) -> int:
        return next((most for pattern, most in self._uploads if pattern.match(path)), MOST_BODY)


class _Counted:
    def __init__(self, receive: Receive, most: int, scope: Scope) -> None:
        self._receive, self._left = receive, most
        self._until, self._whole = time.monotonic() + WHOLE_SECONDS, False
        self._too_large = _told_length(scope) > most

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        if self._too_large:
            raise HTTPException(413)
        message = await self._next()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413)
        self._whole = not message.get("more_body", False)
        return message

    async def _next(self) -> Message:
        wait = min(CHUNK_SECONDS, self._until - time.monotonic())
        try:
            return await asyncio.wait_for(self._receive(), max(0.0, wait))
        except TimeoutError:
            raise HTTPException(408) from None


def _told_length(scope: Scope) -> int:
    told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(told) if told.isdigit() and len(told) < 20 else 0


async def drain(receive: Receive) -> None:
    """Take in what is left of a body without keeping it: a browser shows an answer only after it has sent all."""
    left, until = _DRAINED_BYTES, time.monotonic() + _DRAINED_SECONDS
    while left > 0:
        try:
            message = await asyncio.wait_for(receive(), max(0.0, min(1.0, until - time.monotonic())))
        except TimeoutError:
            return
        left -= len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
