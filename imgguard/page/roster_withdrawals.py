"""The routes that take consent back, give it again, and list what has to be taken down."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consent import withdrawals
from consent.model import ASKED_PURPOSES, Purpose
from consent.store import Store
from consent.takedown import Listed, mark_taken_down, take_down_csv, take_down_page, withdrawn_files
from consent.withdrawals import Known, known_people, withdrawals_of
from imgguard.page.office import FormError, all_told, day_told, document, posted, saved, told, with_school
from imgguard.page.rendering import desk_of, go, render, text_of
from imgguard.page.roster_links import person_url, take_down_url


def _withdraw(request: Request, form: FormData) -> Response:
    number, desk, t = told(form, "number"), desk_of(request), text_of(request)
    _require_meant(request, form, number)
    purposes = _purposes(request, form)
    on = day_told(form, "on", desk.on, t)
    with desk.store() as store:
        withdrawals.withdraw(store, number, purposes, told(form, "because"), on)
    return go(take_down_url(number))


def _lift(request: Request, form: FormData) -> Response:
    number, desk = told(form, "number"), desk_of(request)
    _require_meant(request, form, number)
    with desk.store() as store, store.atomic():
        written = {entry.subject_id for entry in withdrawals_of(store, number) if entry.lifted_on is None}
        for one in sorted(written) or [number]:
            withdrawals.lift(store, one, (), told(form, "because"), desk.on)
    return go(person_url(number))


def _require_meant(request: Request, form: FormData, number: str) -> None:
    """The tick beside the person's name stands for the person who is named there, and for nobody else."""
    if not number or told(form, "confirmed") != number:
        t = text_of(request)
        raise FormError(t("roster.not_confirmed"), t("roster.not_confirmed_remedy"))


def _purposes(request: Request, form: FormData) -> tuple[Purpose, ...]:
    """Give what consent is taken back for; nothing stands for everything, so it has to be said."""
    if told(form, "what") == "all":
        return ()
    chosen = tuple(purpose for purpose in ASKED_PURPOSES if purpose.value in all_told(form, "purpose"))
    if not chosen:
        t = text_of(request)
        raise FormError(t("roster.no_purpose_chosen"), t("roster.no_purpose_chosen_remedy"))
    return chosen


def _rows(store: Store, number: str) -> tuple[Known, frozenset[Purpose], tuple[Listed, ...]]:
    known = {one.subject_id: one for one in known_people(store)}.get(number) or Known(number)
    taken_back: set[Purpose] = set()
    for entry in withdrawals_of(store, number):
        if entry.lifted_on is None:
            taken_back |= {entry.purpose} if entry.purpose else set(ASKED_PURPOSES)
    return known, frozenset(taken_back), withdrawn_files(store, number, taken_back)


def _list(request: Request) -> Response:
    number = request.query_params.get("number", "").strip()
    if not number:
        return RedirectResponse("/roster", 303)
    with desk_of(request).store() as store:
        known, taken_back, rows = _rows(store, number)
    return render(
        request, "roster_takedown.html", view="roster", known=known, rows=rows, purposes=sorted(taken_back),
        everything=taken_back == frozenset(ASKED_PURPOSES),
    )  # fmt: skip


def _csv(request: Request) -> Response:
    with desk_of(request).store() as store:
        *_, rows = _rows(store, request.query_params.get("number", "").strip())
    return saved(take_down_csv(rows), "take-down.csv", "text/csv", spreadsheet=True)


def _paper(request: Request) -> Response:
    desk = desk_of(request)
    with desk.store() as store:
        *_, rows = _rows(store, request.query_params.get("number", "").strip())
    return document(take_down_page(rows, desk.on), "take-down.html")


def _done(request: Request, form: FormData) -> Response:
    """Tick files off, each at its place."""
    desk, t, files = desk_of(request), text_of(request), all_told(form, "file")
    if not files:
        raise FormError(t("roster.nothing_ticked"), t("roster.nothing_ticked_remedy"))
    with desk.store() as store:
        mark_taken_down(store, files, desk.on)
    back = told(form, "back")
    return go(back if back in ("/reports/recheck",) else take_down_url(told(form, "number")))


ROUTES = (
    Route("/roster/withdraw", posted(_withdraw), methods=["POST"]),
    Route("/roster/lift", posted(_lift), methods=["POST"]),
    Route("/roster/take-down", with_school(_list, "/roster")),
    Route("/roster/take-down.csv", with_school(_csv, "/roster")),
    Route("/roster/take-down.html", with_school(_paper, "/roster")),
    Route("/roster/taken-down", posted(_done), methods=["POST"]),
)
