"""The routes of the view "roster": who there is, what each may be shown for, and what the office does about it."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consent import keychain
from consent.beginning import begin_school
from consent.model import ASKED_PURPOSES
from consent.policy_files import policy_names, read_policy
from consent.school import open_school
from consent.template import roster_template
from imgguard.page import roster_import, roster_places, roster_withdrawals
from imgguard.page.office import FormError, paged, posted, saved, told
from imgguard.page.rendering import desk_of, go, render, text_of
from imgguard.page.roster_people import SOON, found, office_of, portrait_of
from imgguard.today import lapses_today

_MOST_LISTED = 30


def _show(request: Request) -> Response:
    desk = desk_of(request)
    if not _is_school(request):
        return render(
            request, "roster_begin.html", view="roster", keyring=keychain.usable_backend(), school=desk.school,
            policies=[read_policy(name).policy for name in policy_names()],
        )  # fmt: skip
    with desk.store() as store:
        office, school = office_of(store, desk.on), open_school(store)
        gone = lapses_today(store, desk.on) if office else ()
    if office is None:
        return render(request, "roster_empty.html", view="roster", school=school)
    query = request.query_params.get("q", "").strip()
    rows = paged(request, found(office.rows, query))
    return render(
        request, "roster.html", view="roster", office_data=office, answers=office.answers, query=query, rows=rows,
        imported="imported" in request.query_params, most=_MOST_LISTED, soon=SOON.days,
        gone=len({lapse.showing.file.photo_id for lapse in gone}),
    )  # fmt: skip


def _is_school(request: Request) -> bool:
    desk = desk_of(request)
    if not desk.school.is_file():
        return False
    with desk.store() as store:
        return open_school(store) is not None


def _begin(request: Request, form: FormData) -> Response:
    t, title, policy = text_of(request), told(form, "title"), told(form, "policy")
    if not title or policy not in policy_names():
        raise FormError(t("roster.no_title"), t("roster.no_title_remedy"))
    begin_school(desk_of(request).school, title, policy)
    return go("/roster")


def _person(request: Request) -> Response:
    number = request.query_params.get("number", "").strip()
    if not number or not _is_school(request):
        return RedirectResponse("/roster", 303)
    desk = desk_of(request)
    with desk.store() as store:
        portrait = portrait_of(store, number, desk.on)
    return render(
        request, "roster_person.html", view="roster", portrait=portrait, today=desk.on, purposes=ASKED_PURPOSES,
        most=_MOST_LISTED,
    )  # fmt: skip


def _template(request: Request) -> Response:
    return saved(roster_template(), "roster.csv", "text/csv", spreadsheet=True)


UPLOADS = roster_import.UPLOADS

ROUTES = (
    Route("/roster", _show),
    Route("/roster/begin", posted(_begin), methods=["POST"]),
    Route("/roster/person", _person),
    Route("/roster/template.csv", _template),
    *roster_import.ROUTES,
    *roster_withdrawals.ROUTES,
    *roster_places.ROUTES,
)
