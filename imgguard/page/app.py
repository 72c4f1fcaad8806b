"""The application: each view brings its routes, the gate stands before all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from consent.errors import UserFacingError
from imgguard.page import folder_routes, one_routes, report_routes, roster_routes, who_routes
from imgguard.page.closed import stopped
from imgguard.page.desk import Desk
from imgguard.page.limits import Limits
from imgguard.page.rendering import refused, text_of
from imgguard.page.security import Gate
from imgguard.page.sessions import Sessions

_VIEWS = (who_routes, one_routes, folder_routes, roster_routes, report_routes)
_SWEEP_SECONDS = 2.0


def build_app(desk: Desk, sessions: Sessions, hosts: frozenset[str]) -> Starlette:
    """Build the application.

    A view's module has `ROUTES`, and may have `UPLOADS`: paths of its routes whose bodies may be larger than
    `limits.MOST_BODY`, with their bytes. What it keeps for a session it drops when told by `app.state.on_close`.

    Args:
        desk: What the views share.
        sessions: Who may come in.
        hosts: The values of the Host header that are answered.
    """
    uploads = {path: most for view in _VIEWS for path, most in getattr(view, "UPLOADS", {}).items()}
    # What is uploaded is never put into a file that is not encrypted, however large it is.
    MultiPartParser.spool_max_size = max([2**30, *uploads.values()])
    app = Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=str(files("imgguard.page") / "static")), name="static"),
            *(route for view in _VIEWS for route in view.ROUTES),
        ],
        middleware=[Middleware(Gate, sessions=sessions, hosts=hosts), Middleware(Limits, uploads=uploads)],
        exception_handlers={UserFacingError: _refused, HTTPException: _stopped},
        lifespan=_sweeping,
    )
    app.router.redirect_slashes = False
    app.state.desk, app.state.sessions, app.state.on_close = desk, sessions, sessions.on_end
    return app


@contextlib.asynccontextmanager
async def _sweeping(app: Starlette) -> AsyncIterator[None]:
    """Lock what was left alone, whether or not anybody asks."""
    sessions: Sessions = app.state.sessions

    async def sweep() -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            sessions.sweep()

    task = asyncio.create_task(sweep())
    try:
        yield
    finally:
        task.cancel()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, UserFacingError)
    return refused(error, text_of(request))


async def _stopped(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return stopped(request, error.status_code)
