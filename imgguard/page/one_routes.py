"""The routes of the view "One photo": bring one, look, say what is to be different, save."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from imgguard.marks import MarkKind, likely_people
from imgguard.page.desk import Desk, Told
from imgguard.page.one_drafts import Draft, DraftChanged, DraftGone, new_id
from imgguard.page.one_saving import require_ready, save
from imgguard.page.one_uploads import read_upload, shown_name
from imgguard.page.one_views import draft_view, people_view
from imgguard.page.one_work import Bench, said
from imgguard.page.publication_form import offered, read_told
from imgguard.page.rendering import render, session_of, text_of, whole_number
from imgguard.page.sessions import Session
from imgguard.photo import MAX_BYTES
from imgguard.types import BoundingBox, FaceResult

UPLOADS = {"/one/photos": MAX_BYTES}
_MOST_CHOICES = 20
# No photo is so wide.
_FARTHEST = 1e6


@dataclass(slots=True, eq=False)
class _Counter:
    """What the view keeps: photos under way, and what each browser chose last.

    Attributes:
        bench: Works on the photos.
        choices: What was chosen, by id, with the browser's own secret.
        remembered: The fields of the form that a browser sent last.
    """

    bench: Bench
    choices: dict[str, tuple[str, Told]] = field(default_factory=dict)
    remembered: dict[str, dict[str, str]] = field(default_factory=dict)

    def close(self, session: Session) -> None:
        """Forget a browser, and delete its pictures."""
        going = self.bench.drafts.of(session.csrf)
        for draft in going:
            self.bench.drafts.take(draft.id)
            self.bench.drop_files(draft)
        if going:
            self.bench.forget()
        self.remembered.pop(session.csrf, None)
        self.choices = {key: chosen for key, chosen in self.choices.items() if chosen[0] != session.csrf}


def _counter(request: Request) -> _Counter:
    state = request.app.state
    if not hasattr(state, "one"):
        desk: Desk = state.desk
        state.one = _Counter(Bench(desk))
        state.on_close.append(state.one.close)
    counter: _Counter = state.one
    return counter


def _draft(request: Request) -> Draft:
    text = text_of(request)
    draft = _counter(request).bench.drafts.get(request.path_params["id"], session_of(request).csrf)
    if draft is None:
        raise DraftGone(text("one.gone"), text("one.gone_do"))
    return draft


def _answer(draft: Draft, request: Request) -> JSONResponse:
    return JSONResponse(draft_view(draft, text_of(request)))


async def _fields(request: Request) -> dict[str, Any]:
    try:
        told = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
    if not isinstance(told, dict):
        raise HTTPException(400)
    return told


async def _show(request: Request) -> Response:
    session, counter = session_of(request), _counter(request)
    offer = await run_in_threadpool(offered, counter.bench.desk, session.operator)
    remembered = defaultdict(str, counter.remembered.get(session.csrf, {}))
    return render(request, "one.html", view="one", offer=offer, remembered=remembered, most=MAX_BYTES // 2**20)


async def _choose(request: Request) -> Response:
    """Take what a photo is published for, and make its guard, so that the first photo need not wait for it."""
    session, counter, text = session_of(request), _counter(request), text_of(request)
    fields = {str(name): str(value) for name, value in (await _fields(request)).items()}
    desk = counter.bench.desk
    offer = await run_in_threadpool(offered, desk, session.operator)
    told = read_told(fields, offer, session.operator, text)
    guard = await run_in_threadpool(desk.guard, told)
    choice = new_id()
    counter.choices[choice] = session.csrf, told
    for old in [key for key, (owner, _) in counter.choices.items() if owner == session.csrf][:-_MOST_CHOICES]:
        del counter.choices[old]
    counter.remembered[session.csrf] = fields
    return JSONResponse({"choice": choice, "told": list(guard.told)})


async def _bring(request: Request) -> Response:
    session, counter, text = session_of(request), _counter(request), text_of(request)
    owner, told = counter.choices.get(request.query_params.get("choice", ""), ("", None))
    if told is None or owner != session.csrf:
        raise DraftGone(text("one.no_choice"), text("one.no_choice_do"))
    label = Path(shown_name(request.query_params.get("name", "")))
    length = request.headers.get("content-length")
    content = await read_upload(request.stream(), length, label, text)
    draft = await counter.bench.begin(content, label, told, session.csrf)
    if getattr(session, "ended", False):
        await counter.bench.drop(draft)
    return _answer(draft, request)


async def _see(request: Request) -> Response:
    return _answer(_draft(request), request)


async def _checked(request: Request) -> Response:
    """Answer when the check of a version is through, or there is a newer one."""
    draft = _draft(request)
    while draft.checking is not None and not draft.checking.done():
        if str(draft.version) != request.query_params.get("version"):
            break
        await asyncio.wait({draft.checking})
    return _answer(draft, request)


async def _picture(request: Request) -> Response:
    draft = _draft(request)
    area = _counter(request).bench.desk.area
    found = await run_in_threadpool(area.get, draft.key(request.url.path.rsplit("/", 1)[-1]))
    if found is None:
        raise HTTPException(404)
    return Response(found, media_type="image/jpeg")


def _face(draft: Draft, fields: dict[str, Any], request: Request) -> FaceResult:
    """Give the face that is meant; a page that shows an older version may mean another one."""
    n, text = fields.get("n"), text_of(request)
    if fields.get("version") != draft.version or not isinstance(n, int) or not 1 <= n <= len(draft.faces):
        raise DraftChanged(text("one.newer"), text("one.newer_do"))
    return draft.faces[n - 1]


def _box(fields: dict[str, Any], draft: Draft) -> BoundingBox:
    told = fields.get("box")
    if not isinstance(told, list) or len(told) != 4:
        raise HTTPException(400)
    # A number may be too large for a float.
    if not all(isinstance(value, int | float) and -_FARTHEST < value < _FARTHEST for value in told):
        raise HTTPException(400)
    return BoundingBox(*map(float, told)).clipped(draft.looked.size)


async def _say(request: Request) -> Response:
    """Take a mark: by the number of a face, or by a box."""
    draft, fields, session = _draft(request), await _fields(request), session_of(request)
    if fields.get("kind") not in list(MarkKind):
        raise HTTPException(400)
    box = _face(draft, fields, request).detection.box if "n" in fields else _box(fields, draft)
    who = fields.get("subject_id")
    mark = said(MarkKind(fields["kind"]), box, session.operator, str(who) if who is not None else None)
    await _counter(request).bench.say(draft, mark)
    return _answer(draft, request)


async def _unsay(request: Request) -> Response:
    draft = _draft(request)
    await _counter(request).bench.unsay(draft, _face(draft, await _fields(request), request))
    return _answer(draft, request)


async def _undo(request: Request) -> Response:
    draft = _draft(request)
    await _counter(request).bench.move(draft, 1 if request.url.path.endswith("/redo") else -1)
    return _answer(draft, request)


async def _people(request: Request) -> Response:
    draft, query = _draft(request), request.query_params
    told = {name: whole_number(query.get(name, "")) for name in ("n", "version")}
    fields = {name: number for name, number in told.items() if number is not None}
    face = _face(draft, fields, request)
    found = await run_in_threadpool(likely_people, face, draft.rules, query.get("q", "")[:100])
    return JSONResponse({"people": people_view(found, face, text_of(request))})


async def _reference(request: Request) -> Response:
    """Note whether a confirmed face may become a further reference; it does when the photo is saved."""
    draft, fields = _draft(request), await _fields(request)
    who = _face(draft, fields, request).decision.subject_id
    if who is not None:
        draft.asked[who] = fields.get("yes") is True
    return _answer(draft, request)


async def _save(request: Request) -> Response:
    draft, text, bench = _draft(request), text_of(request), _counter(request).bench
    shown = (await _fields(request)).get("version") if await request.body() else None
    async with draft.lock:
        if shown is not None and shown != draft.version:
            # Another window has said something that this one does not show.
            raise DraftChanged(text("one.newer"), text("one.newer_do"))
        if draft.saved is None:
            require_ready(draft, text("one.not_checked"), text("one.not_checked_do"))
            fresh = await run_in_threadpool(bench.desk.guard, draft.told)
            content = await run_in_threadpool(bench.desk.area.get, draft.key("cleaned"))
            if content is None:
                raise DraftGone(text("one.gone"), text("one.gone_do"))
            draft.saved = await run_in_threadpool(save, draft, content, fresh)
            if draft.saved is None:
                await bench.look_again(draft, fresh)
                raise DraftChanged(text("one.school_changed"), text("one.school_changed_do"))
            draft.saved = replace(draft.saved, notes=await bench.keep_references(draft, text))
    return _answer(draft, request)


async def _file(request: Request) -> Response:
    draft = _draft(request)
    content = await run_in_threadpool(_counter(request).bench.desk.area.get, draft.key("cleaned"))
    # Nothing goes out that is not recorded.
    if draft.saved is None or content is None:
        raise HTTPException(404)
    told = f"attachment; filename*=UTF-8''{quote(draft.saved.name, safe='')}"
    return Response(content, media_type="application/octet-stream", headers={"Content-Disposition": told})


async def _close(request: Request) -> Response:
    await _counter(request).bench.drop(_draft(request))
    return JSONResponse({})


_PHOTO = "/one/photos/{id}"
ROUTES = (
    Route("/", _show),
    Route("/one/choice", _choose, methods=["POST"]),
    Route("/one/photos", _bring, methods=["POST"]),
    Route(_PHOTO, _see),
    Route(f"{_PHOTO}/checked", _checked),
    Route(f"{_PHOTO}/people", _people),
    Route(f"{_PHOTO}/file", _file),
    Route(f"{_PHOTO}/say", _say, methods=["POST"]),
    Route(f"{_PHOTO}/unsay", _unsay, methods=["POST"]),
    Route(f"{_PHOTO}/undo", _undo, methods=["POST"]),
    Route(f"{_PHOTO}/redo", _undo, methods=["POST"]),
    Route(f"{_PHOTO}/reference", _reference, methods=["POST"]),
    Route(f"{_PHOTO}/save", _save, methods=["POST"]),
    Route(f"{_PHOTO}/close", _close, methods=["POST"]),
    # Only these two are pictures; what is finished goes out as a file, once it is recorded.
    Route(f"{_PHOTO}/original", _picture),
    Route(f"{_PHOTO}/shown", _picture),
)
