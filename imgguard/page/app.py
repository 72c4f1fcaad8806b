"""The application: each view brings its routes, the gate stands before all of them."""

from __future__ import annotations

from importlib.resources import files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from consent.errors import UserFacingError
from imgguard.page import folder_routes, one_routes, report_routes, roster_routes
from imgguard.page.desk import Desk
from imgguard.page.rendering import refused
from imgguard.page.security import Gate
from imgguard.page.sessions import COOKIE, Sessions


def build_app(desk: Desk, sessions: Sessions, hosts: frozenset[str]) -> Starlette:
    """Build the application.

    Args:
        desk: What the views share.
        sessions: Who may come in.
        hosts: The values of the Host header that are answered.
    """
    routes = [
        Route("/open", _open),
        Mount("/static", StaticFiles(directory=str(files("imgguard.page") / "static")), name="static"),
        *one_routes.ROUTES,
        *folder_routes.ROUTES,
        *roster_routes.ROUTES,
        *report_routes.ROUTES,
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Gate, sessions=sessions, hosts=hosts)],
        exception_handlers={UserFacingError: _refused},
    )
    app.state.desk, app.state.sessions = desk, sessions
    return app


async def _open(request: Request) -> Response:
    sessions: Sessions = request.app.state.sessions
    cookie = sessions.open(request.query_params.get("token", ""))
    if cookie is None:
        return PlainTextResponse("This address was used already. Start imgguard page again.", 401)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return answer


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, UserFacingError)
    return refused(error)
