"""The routes of the wall: what is known of a folder's photos, and what is said of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from consent.reviews import State
from imgguard.marks import likely_people
from imgguard.page.folder_asking import all_of, number_of, posted, work_of
from imgguard.page.one_views import people_view
from imgguard.page.rendering import desk_of, language_of, render, session_of, text_of, whole_number
from imgguard.page.reviewing import Reviewing
from imgguard.page.reviewing_groups import doubtful_groups
from imgguard.page.reviewing_saying import hear, take_back
from imgguard.page.reviewing_views import find_people, photo, progress, wall
from imgguard.page.reviewing_work import original
from imgguard.page.texts import texts
from imgguard.page.wording import refusal_view
from imgguard.types import Refusal

_EVERY = 0.4
_ALIVE = 15.0
_PICTURES = {"shown", "thumbnail"}


async def _show(request: Request) -> Response:
    row = await run_in_threadpool(all_of(request).row, number_of(request))
    if row.state is not State.STOPPED:
        # What cannot be used any more is told on the page, which then asks.
        await run_in_threadpool(all_of(request).open, row.id, session_of(request).csrf)
    known = texts(language_of(request))
    words = {name.removeprefix("wall."): said for name, said in known.items() if name.startswith("wall.")}
    return render(request, "wall.html", view="folder", review=row, name=Path(row.folder).name or row.folder,
                  words=json.dumps(words))  # fmt: skip


async def _events(request: Request) -> Response:
    return StreamingResponse(_progress(request), media_type="text/event-stream")


async def _progress(request: Request) -> AsyncIterator[str]:
    last, quiet = "", 0.0
    while not await request.is_disconnected():
        now = json.dumps(await run_in_threadpool(_state, request))
        if now != last:
            yield f"data: {now}\n\n"
        elif quiet >= _ALIVE:
            yield ": here\n\n"
        quiet = 0.0 if now != last or quiet >= _ALIVE else quiet + _EVERY
        last = now
        await asyncio.sleep(_EVERY)


def _state(request: Request) -> dict[str, Any]:
    found, number = all_of(request), number_of(request)
    at_work = found.at_work(number)
    publishing = found.publishing(number)
    told = progress(at_work) if at_work else {"stage": "stopped", "version": 0}
    if publishing is not None:
        state = publishing.state
        told["release"] = {
            "done": state.done, "total": state.total, "finished": state.finished, "run": state.run_id,
            "problem": state.problem and {"what": state.problem[0], "remedy": state.problem[1]},
        }  # fmt: skip
    return told


async def _photos(request: Request) -> Response:
    since = whole_number(request.query_params.get("since", "")) or 0
    review = await run_in_threadpool(work_of, request)
    told = await run_in_threadpool(wall, review, since, text_of(request))
    return JSONResponse(told)


async def _photo(request: Request) -> Response:
    review = await run_in_threadpool(work_of, request)
    return JSONResponse(photo(review.item(request.path_params["key"]), review, text_of(request)))


async def _picture(request: Request) -> Response:
    review = await run_in_threadpool(work_of, request)
    item, what = review.item(request.path_params["key"]), request.path_params["what"]
    area, name = desk_of(request).area, review.area_name(item.key, what)
    if what not in _PICTURES | {"original"} and what not in {f"crop{n}" for n in item.crops}:
        raise HTTPException(404)
    content = await run_in_threadpool(area.get, name)
    if content is None and what == "original" and item.sha256:
        made = await desk_of(request).pool.run(original, item.source, item.sha256)
        content = None if isinstance(made, Refusal) else made or None
        if content is not None:
            await run_in_threadpool(area.put, name, content)
            if all_of(request).at_work(review.id) is not review:
                # The work was ended meanwhile, and its pictures dropped.
                await run_in_threadpool(area.drop, name)
    if content is None:
        if what in _PICTURES and item.cleaned is not None:
            review.remake([item.key])
        raise HTTPException(404)
    return Response(content, media_type="image/jpeg")


async def _people(request: Request) -> Response:
    review, query = await run_in_threadpool(work_of, request), request.query_params
    item, n = review.item(request.path_params["key"]), whole_number(query.get("n", ""), 5) or 0
    faces = item.cleaned.faces if item.cleaned else ()
    if not 0 < n <= len(faces):
        raise HTTPException(404)
    face = faces[n - 1]
    found = await run_in_threadpool(likely_people, face, review.guard.rules, query.get("q", ""))
    return JSONResponse({"people": people_view(found, face, text_of(request))})


async def _find(request: Request) -> Response:
    review = await run_in_threadpool(work_of, request)
    return JSONResponse({"keys": await run_in_threadpool(find_people, review, request.query_params.get("q", ""))})


async def _groups(request: Request) -> Response:
    review = await run_in_threadpool(work_of, request)
    return JSONResponse({"groups": await run_in_threadpool(doubtful_groups, review, text_of(request))})


async def _say(request: Request) -> Response:
    told, review = await posted(request), await run_in_threadpool(work_of, request)
    desk, operator = desk_of(request), session_of(request).operator
    heard = await run_in_threadpool(hear, review, desk, told.get("things"), operator)
    refused = [{"key": key, **refusal_view(error, text_of(request))} for key, error in heard.refused]
    return JSONResponse({"step": heard.step, "refused": refused})


async def _undo(request: Request) -> Response:
    review = await run_in_threadpool(work_of, request)
    return JSONResponse({"keys": await run_in_threadpool(take_back, review, desk_of(request))})


async def _pause(request: Request) -> Response:
    told, review = await posted(request), await run_in_threadpool(work_of, request)
    paused = told.get("paused") is True
    review.pause(paused=paused)
    state = State.PAUSED if paused else State.OPEN
    await run_in_threadpool(all_of(request).note_if_open, review.id, state)
    return JSONResponse(progress(review))


async def _stop(request: Request) -> Response:
    await run_in_threadpool(all_of(request).stop, number_of(request), State.STOPPED)
    return JSONResponse({})


async def _go_on(request: Request) -> Response:
    review: Reviewing = await run_in_threadpool(all_of(request).again, number_of(request), session_of(request).csrf)
    return JSONResponse(progress(review))


_ONE = "/folder/{id:int}"
ROUTES = (
    Route(_ONE, _show),
    Route(f"{_ONE}/events", _events),
    Route(f"{_ONE}/photos", _photos),
    Route(f"{_ONE}/photo/{{key}}", _photo),
    Route(f"{_ONE}/picture/{{key}}/{{what}}", _picture),
    Route(f"{_ONE}/people/{{key}}", _people),
    Route(f"{_ONE}/find", _find),
    Route(f"{_ONE}/groups", _groups),
    Route(f"{_ONE}/say", _say, methods=["POST"]),
    Route(f"{_ONE}/undo", _undo, methods=["POST"]),
    Route(f"{_ONE}/pause", _pause, methods=["POST"]),
    Route(f"{_ONE}/stop", _stop, methods=["POST"]),
    Route(f"{_ONE}/go-on", _go_on, methods=["POST"]),
)
