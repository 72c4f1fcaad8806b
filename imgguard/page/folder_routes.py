"""The routes of the view "A folder": choose one, or go on with one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from consent import reviews
from consent.reviews import Earlier, Review, State
from consent.run_facts import run_facts
from imgguard.page import folder_release_routes, folder_wall_routes
from imgguard.page.desk import Desk
from imgguard.page.folder_asking import all_of, number_of
from imgguard.page.places import first_place, list_place, path_of
from imgguard.page.publication_form import Asks, Offered, offered, read_told
from imgguard.page.rendering import desk_of, go, render, session_of, text_of, whole_number


async def _show(request: Request) -> Response:
    desk, session = desk_of(request), session_of(request)
    offer = await run_in_threadpool(_offer, desk, session.operator)
    going_on, runs = await run_in_threadpool(_listed, desk)
    again = request.query_params.get("again", "")
    remembered = await run_in_threadpool(_as_before, desk, again, offer)
    return render(request, "folder.html", view="folder", offer=offer, remembered=remembered, going_on=going_on,
                  runs=runs, again=again if remembered else "", first=str(first_place()))  # fmt: skip


def _offer(desk: Desk, operator: str) -> Offered:
    """Offer the ways of publishing; what else has to be told is asked when the photos are released."""
    offer = offered(desk, operator)
    return replace(offer, ways=tuple(replace(way, asks=Asks()) for way in offer.ways))


def _listed(desk: Desk) -> tuple[tuple[Review, ...], tuple[Earlier, ...]]:
    if not desk.school.is_file():
        return (), ()
    with desk.store() as store:
        known = reviews.all_reviews(store)
        return tuple(one for one in known if one.state is not State.RELEASED), reviews.earlier_runs(store)


def _as_before(desk: Desk, again: str, offer: Offered) -> Mapping[str, str]:
    """Give the fields of the form as an earlier run had them, as far as the record knows."""
    found: dict[str, str] = defaultdict(str)
    number = _run_of(desk, again)
    if number is None:
        return found
    with desk.store() as store:
        run = run_facts(store, number)
    place, purpose = f"to:{run.destination.name}", f"for:{run.purpose}"
    values = {way.value for way in offer.ways}
    found["where"] = next((v for v in (place, purpose) if v in values), "" if run.recognition else "everybody")
    found.update(
        {"style": run.style, "cover": run.settings.get("cover", ""), "covered": run.settings.get("covered", "")}
    )
    return found


def _run_of(desk: Desk, asked: str) -> int | None:
    """Give the number of an earlier run; None where there is none of that number."""
    number = whole_number(asked)
    if number is None or not desk.school.is_file():
        return None
    with desk.store() as store:
        return number if store.query("SELECT 1 FROM runs WHERE id = ?", (number,)) else None


async def _begin(request: Request) -> Response:
    desk, session, text = desk_of(request), session_of(request), text_of(request)
    async with request.form() as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    operator = session.operator

    def begin() -> int:
        told = read_told(fields, _offer(desk, operator), operator, text)
        number = _run_of(desk, fields.get("again", ""))
        return all_of(request).begin(fields.get("folder", ""), told, operator, number)

    number = await run_in_threadpool(begin)
    return go(f"/folder/{number}")


async def _places(request: Request) -> Response:
    asked = request.query_params.get("path", "")
    listing = await run_in_threadpool(lambda: list_place(path_of(asked) if asked else first_place()))
    told: dict[str, Any] = asdict(listing)
    return JSONResponse(told)


async def _drop(request: Request) -> Response:
    await run_in_threadpool(all_of(request).drop, number_of(request))
    return go("/folder")


ROUTES = (
    Route("/folder", _show),
    Route("/folder/begin", _begin, methods=["POST"]),
    Route("/folder/places", _places),
    Route("/folder/{id:int}/drop", _drop, methods=["POST"]),
    *folder_wall_routes.ROUTES,
    *folder_release_routes.ROUTES,
)
