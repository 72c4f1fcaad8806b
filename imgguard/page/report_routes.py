"""The routes of the view "reports"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgguard.page.rendering import render


async def _show(request: Request) -> Response:
    return render(request, "reports.html", view="reports")


ROUTES = (Route("/reports", _show),)
