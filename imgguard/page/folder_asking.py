"""What the routes of the view "A folder" ask a request for."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from imgguard.errors import SetupError
from imgguard.page.rendering import desk_of, session_of, text_of
from imgguard.page.reviewing import Reviewing
from imgguard.page.reviewing_desk import Reviews, reviews_of
from imgguard.page.sessions import Session


def all_of(request: Request) -> Reviews:
    """Give the folders that are looked through; those of a browser end with its session, unless it was left alone."""
    found = reviews_of(desk_of(request))
    if not getattr(request.app.state, "reviews_end", False):
        request.app.state.reviews_end = True
        request.app.state.on_close.append(lambda session: _left(found, session))
    return found


def _left(found: Reviews, session: Session) -> None:
    found.left(session.csrf, goes_on=session.idled)


def number_of(request: Request) -> int:
    """Give the number of the folder that is asked about."""
    return int(request.path_params["id"])


def work_of(request: Request) -> Reviewing:
    """Give a folder that is at work; begins it anew where it was interrupted.

    Raises:
        UserFacingError: if there is none, or it was stopped.
    """
    found = all_of(request).open(number_of(request), session_of(request).csrf)
    if found is None:
        text = text_of(request)
        raise SetupError(text("folder.not_at_work"), text("folder.not_at_work_do"))
    return found


async def posted(request: Request) -> dict[str, Any]:
    """Give the JSON object that was posted."""
    try:
        told = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
    if not isinstance(told, dict):
        raise HTTPException(400)
    return told
