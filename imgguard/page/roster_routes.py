"""The routes of the view "roster"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgguard.page.rendering import render


async def _show(request: Request) -> Response:
    return render(request, "roster.html", view="roster")


ROUTES = (Route("/roster", _show),)
