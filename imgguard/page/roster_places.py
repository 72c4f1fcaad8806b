"""The routes of the register of destinations: where the school publishes, and who answers for it."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consent.destinations import Destination, all_destinations, close, register
from consent.model import ASKED_PURPOSES, Purpose
from imgguard.page.office import FormError, day_told, posted, told, with_school
from imgguard.page.rendering import desk_of, go, render, text_of

_HERE = "/roster/destinations"
_TOLD = ("name", "address", "manager", "second_administrator", "approved_by")


def _show(request: Request) -> Response:
    desk = desk_of(request)
    with desk.store() as store:
        places = all_destinations(store)
    return render(
        request, "roster_destinations.html", view="roster", places=places, purposes=ASKED_PURPOSES, today=desk.on
    )


def _add(request: Request, form: FormData) -> Response:
    desk, t = desk_of(request), text_of(request)
    if told(form, "purpose") not in ASKED_PURPOSES:
        raise FormError(t("roster.no_purpose_chosen"), t("roster.no_purpose_chosen_remedy"))
    name, address, manager, second, approver = (told(form, name) for name in _TOLD)
    approved_on = day_told(form, "approved_on", desk.on, t)
    place = Destination(name, Purpose(told(form, "purpose")), address, manager, second, approver, approved_on)
    with desk.store() as store:
        register(store, place, desk.on)
    return go(_HERE)


def _close(request: Request, form: FormData) -> Response:
    desk = desk_of(request)
    with desk.store() as store:
        close(store, told(form, "name"), desk.on)
    return go(_HERE)


ROUTES = (
    Route(_HERE, with_school(_show, "/roster")),
    Route(f"{_HERE}/add", posted(_add), methods=["POST"]),
    Route(f"{_HERE}/close", posted(_close), methods=["POST"]),
)
