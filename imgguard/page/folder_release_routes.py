"""The routes of a release: what has to be told, who agrees, and what came of it."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from consent import reviews
from consent.procedures import STRICT
from consent.reviews import Release, State
from imgguard.errors import SetupError
from imgguard.page.desk import Desk
from imgguard.page.folder_asking import all_of, number_of, posted, work_of
from imgguard.page.rendering import desk_of, session_of, text_of
from imgguard.page.reviewing import Reviewing
from imgguard.page.reviewing_choices import (
    SECOND,
    Choices,
    asked_of,
    require_another,
    suggested_out,
    with_second_to_come,
)
from imgguard.page.reviewing_release import Released, require_ready
from imgguard.page.reviewing_seen import all_seen, require_seen
from imgguard.page.reviewing_told import with_operator
from imgguard.page.sealed import zipped
from imgguard.page.texts import Text, word_key
from imgguard.page.wording import refusal_words


async def _show(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(_facts, request))


def _facts(request: Request) -> dict[str, Any]:
    desk, found, number = desk_of(request), all_of(request), number_of(request)
    row = found.row(number)
    with desk.store() as store:
        agreed = reviews.releases(store, number)
    publishing = found.publishing(number)
    told: dict[str, Any] = {
        "state": row.state.value,
        "releases": [{"operator": one.operator, "role": one.role, "at": one.at} for one in agreed],
        "run": row.run_id,
        "out": row.out,
    }
    if publishing is not None:
        told["release"] = _view(publishing.state, text_of(request))
        told["zip"] = bool(publishing.zip_name) and publishing.state.finished
    review = found.at_work(number)
    if review is not None:
        asked = asked_of(review.guard, with_operator(review.told, session_of(request).operator), len(review.items))
        told["asked"] = {
            "roles": [{"role": role, "words": text_of(request)(f"signer.{role}")} for role in asked.roles],
            "second": asked.second, "statements": asked.statements, "many": asked.many,
        }  # fmt: skip
        told["ready"] = review.is_through
        told["fresh"] = review.is_fresh
        told["lines"] = _lines(review, text_of(request))
        told["suggested"] = suggested_out(review.folder)
    return told


def _lines(review: Reviewing, text: Text) -> list[str]:
    """Tell where the photos go, under which procedure, and what was declared."""
    rules, to = review.guard.rules, review.told.publication.to
    if rules.purpose is None:
        return [text("wall.release_covered"), *review.guard.told[1:]]
    purpose = text(word_key(rules.purpose))
    where = text("publication.to", name=to, purpose=purpose) if to else purpose
    lines = [text("wall.release_for", where=where), *review.guard.told[1:]]
    # Where a school has no procedure of its own there is nothing to tell of it.
    if rules.policy.name != STRICT.name:
        lines.insert(1, text("wall.release_policy", policy=rules.policy.title))
    return lines


def _view(state: Released, text: Text) -> dict[str, Any]:
    return {
        "done": state.done,
        "total": state.total,
        "published": len(state.published),
        "refused": [
            {"place": place, "kind": why.kind, **refusal_words(why.kind, why.what, why.remedy, text)}
            for place, why in state.refused
        ],
        "finished": state.finished,
        "problem": state.problem and {"what": state.problem[0], "remedy": state.problem[1]},
        "run": state.run_id,
    }


async def _release(request: Request) -> Response:
    told, review = await posted(request), await run_in_threadpool(work_of, request)
    operator = session_of(request).operator.strip()
    if not operator:
        text = text_of(request)
        raise SetupError(text("publication.no_operator"), text("publication.no_operator_do"))

    def agree() -> bool:
        """Keep the release; say whether somebody else still has to agree."""
        require_ready(review)
        choices = Choices.of(told)
        second = _try(review, desk_of(request), choices, operator)
        with desk_of(request).store() as store, store.atomic():
            reviews.require_open(store, review.id)
            reviews.void_releases(store, review.id)
            seen = {"seen": all_seen(review.items)}
            reviews.release(store, review.id, Release(operator, "", {**choices.as_row(), **seen}))
        if not second:
            all_of(request).publish(review.id)
        return second

    return JSONResponse({"waiting": await run_in_threadpool(agree)})


def _try(review: Reviewing, desk: Desk, choices: Choices, operator: str) -> bool:
    """Find out whether anything is missing before somebody else is asked; say whether somebody has to be.

    Raises:
        UserFacingError: naming what is missing.
    """
    wanted = choices.told(review.told, (Release(operator),))
    second = asked_of(review.guard, wanted, len(review.items)).second
    guard = desk.guard(with_second_to_come(wanted) if second else wanted)
    choices.plan(review.folder, guard, review.id)
    return second


async def _second(request: Request) -> Response:
    told, review = await posted(request), await run_in_threadpool(work_of, request)
    name, text = " ".join(str(told.get("name") or "").split()), text_of(request)
    if told.get("looked") is not True:
        raise SetupError(text("folder.second_looks"), text("folder.second_looks_do"))

    def agree() -> None:
        require_ready(review)
        with desk_of(request).store() as store:
            agreed = reviews.releases(store, review.id)
            require_another(name, agreed)
            require_seen(agreed, review.items)
            reviews.release(store, review.id, Release(name, SECOND.value))
        all_of(request).publish(review.id)

    await run_in_threadpool(agree)
    return JSONResponse({"waiting": False})


async def _continue(request: Request) -> Response:
    """Go on with a release that was interrupted."""

    def go_on() -> None:
        if all_of(request).row(number_of(request)).state is not State.RELEASING:
            text = text_of(request)
            raise SetupError(text("folder.not_released"), text("folder.not_released_do"))
        all_of(request).publish(number_of(request))

    await run_in_threadpool(work_of, request)
    await run_in_threadpool(go_on)
    return JSONResponse({})


async def _zip(request: Request) -> Response:
    publishing = all_of(request).publishing(number_of(request))
    if publishing is None or not publishing.zip_name or not publishing.state.finished:
        raise HTTPException(404)
    parts = zipped(desk_of(request).area, publishing.zip_name, publishing.state.published)
    headers = {"Content-Disposition": 'attachment; filename="photos.zip"'}
    return StreamingResponse(parts, media_type="application/zip", headers=headers)


_ONE = "/folder/{id:int}"
ROUTES = (
    Route(f"{_ONE}/release", _show),
    Route(f"{_ONE}/release", _release, methods=["POST"]),
    Route(f"{_ONE}/second", _second, methods=["POST"]),
    Route(f"{_ONE}/continue", _continue, methods=["POST"]),
    Route(f"{_ONE}/zip", _zip),
)
