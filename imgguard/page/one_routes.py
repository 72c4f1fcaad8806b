"""The routes of the view "one"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgguard.page.rendering import render


async def _show(request: Request) -> Response:
    return render(request, "one.html", view="one")


ROUTES = (Route("/", _show),)
