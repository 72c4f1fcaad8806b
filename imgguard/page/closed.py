"""What is shown where the page is not: refused, locked, not begun, or broken. Nothing of the request is repeated."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from imgguard.page.desk import Desk
from imgguard.page.rendering import render, text_of
from imgguard.page.sessions import Sessions

_BY_STATUS = {
    400: "wrong_way", 401: "not_in", 403: "not_ours", 404: "not_there", 405: "wrong_way", 408: "too_slow",
    413: "too_large", 423: "not_open", 500: "bug",
}  # fmt: skip


def wants_page(request: Request) -> bool:
    """Tell whether a person waits for a page, and not a script or a picture for its content."""
    if request.method not in {"GET", "HEAD"}:
        return False
    asked = request.headers.get("sec-fetch-dest")
    return asked == "document" if asked else "text/html" in request.headers.get("accept", "")


def stopped(request: Request, status: int, words: str | None = None) -> Response:
    """Say that something was refused or went wrong: a page for a person, JSON for a script.

    Args:
        request: What was asked.
        status: The status of the answer.
        words: The name of its text; by its status if not given.
    """
    words = words or _BY_STATUS.get(status, "wrong_way")
    what, remedy = f"shell.{words}", f"shell.{words}_remedy"
    if wants_page(request):
        home = {} if status == 401 else {"home": True}
        return render(request, "stopped.html", status, what=what, remedy=remedy, **home)
    t = text_of(request)
    return JSONResponse({"error": {"what": t(what), "remedy": t(remedy)}}, status)


def ask_who(request: Request) -> Response:
    """Ask who works, before anything else is shown."""
    if not wants_page(request):
        return stopped(request, 403, "nobody")
    desk: Desk = request.app.state.desk
    sessions: Sessions = request.app.state.sessions
    minutes = max(1, round(sessions.lock_after / 60))
    return render(request, "who.html", minutes=minutes, school_there=desk.school.is_file())


def ask_pin(request: Request) -> Response:
    """Ask for the PIN in the place of whatever was asked for."""
    return render(request, "locked.html", 423) if wants_page(request) else stopped(request, 423)
