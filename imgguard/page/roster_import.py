"""The routes of an import: an upload, the form about its columns, what it changes, and at last the import itself."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consent.imports import save_mapping, saved_mappings
from consent.layout import FIELDS, DateOrder, known_layouts, written_layout
from consent.model import ASKED_PURPOSES
from consent.people import import_roster
from consent.roster import unknown_table
from consent.store import Store
from consent.tables import MAX_BYTES
from imgguard.page.office import FormError, posted, told, with_school
from imgguard.page.rendering import desk_of, go, render, session_of, text_of
from imgguard.page.roster_mapping import (
    ABOUT,
    CONSTANTS,
    ROLES,
    WORDS,
    columns_of,
    listing_of,
    permissions_of,
    said_on,
    target_words,
)
from imgguard.page.roster_reading import MOST_SHOWN, Read, effect_of, fingerprint, newest_import, read_draft
from imgguard.page.roster_uploads import Draft, shown_name, the_upload, uploads_of


async def _upload(request: Request) -> Response:
    """Take an upload as it comes, so that nothing of it is put into a file that is not encrypted."""
    content = await request.body()
    name = shown_name(request.query_params.get("name", ""))
    return await run_in_threadpool(_keep, request, name, content)


def _keep(request: Request, name: str, content: bytes) -> Response:
    # What has no table in it at all is refused at once, and not kept.
    unknown_table(Path(name), content=content)
    return go(f"/roster/import/{uploads_of(request).add(session_of(request), name, content)}")


def _show(request: Request) -> Response:
    try:
        token, draft, content = the_upload(request)
    except FormError:
        return RedirectResponse("/roster", 303)
    desk = desk_of(request)
    with desk.store() as store:
        read = read_draft(draft, content, store)
        effect = effect_of(store, read.roster, desk.on) if read.roster is not None else None
        layouts = [layout.name for layout in (*known_layouts(), *saved_mappings(store))]
    return render(
        request, "roster_import.html", view="roster", token=token, draft=draft, read=read, effect=effect,
        columns=columns_of(read.table, draft.said), permissions=permissions_of(read.table, draft.said),
        listing=listing_of(read.table, draft.said), seen=fingerprint(draft, content), most=MOST_SHOWN,
        layouts=layouts, fields=FIELDS, about=ABOUT, words=WORDS, purposes=ASKED_PURPOSES, roles=ROLES,
        target_words=target_words, constants=CONSTANTS, orders=list(DateOrder), usual=_usual(draft, read),
    )  # fmt: skip


def _usual(draft: Draft, read: Read) -> dict[str, str]:
    """Give what the form holds already besides the columns."""
    said = draft.said
    constants = said.declared.constants if said else read.table.fit.layout.constants
    order = said.declared.date_order if said else read.table.fit.layout.date_order
    name = said.name if said and said.name else read.table.path.stem
    return {**constants, "name": name, "date_order": order.value if order else ""}


def _say(request: Request, form: FormData) -> Response:
    token, draft, content = the_upload(request)
    t = text_of(request)
    _require_seen(request, form, draft, content)
    with desk_of(request).store() as store:
        table = read_draft(draft, content, store).table
        changed = replace(draft, said=said_on(form, table, draft.said, t), version=secrets.token_urlsafe(8))
        read = read_draft(changed, content, store)
    # What cannot be read by what was said is refused here, where the form still holds it.
    if read.problem is not None:
        raise read.problem
    uploads_of(request).change(token, changed)
    return go(f"/roster/import/{token}")


def _choose(request: Request, form: FormData) -> Response:
    """Choose the layout or the sheet, where more than one would do; what was said of the columns is begun anew."""
    token, draft, content = the_upload(request)
    changed = Draft(draft.name, told(form, "layout"), told(form, "sheet"))
    with desk_of(request).store() as store:
        read_draft(changed, content, store)
    uploads_of(request).change(token, changed)
    return go(f"/roster/import/{token}")


def _confirm(request: Request, form: FormData) -> Response:
    token, draft, content = the_upload(request)
    desk, t = desk_of(request), text_of(request)
    _require_seen(request, form, draft, content)
    with desk.store() as store:
        read = read_draft(draft, content, store)
        if read.roster is None:
            raise read.problem or FormError(t("roster.upload_gone"), t("roster.upload_gone_remedy"))
        with store.atomic():
            _require_newest(store, form, request)
            if read.mapping is not None and told(form, "keep"):
                save_mapping(store, read.mapping.name, written_layout(read.mapping))
            import_roster(store, read.roster, on=desk.on)
    uploads_of(request).drop(token)
    return go("/roster?imported=1")


def _drop(request: Request, form: FormData) -> Response:
    uploads_of(request).drop(str(request.path_params["token"]))
    return go("/roster")


def _require_seen(request: Request, form: FormData, draft: Draft, content: bytes) -> None:
    """What is imported, or said anew, is what was looked at: another tab may have said something else meanwhile."""
    if told(form, "seen") != fingerprint(draft, content):
        t = text_of(request)
        raise FormError(t("roster.said_elsewhere"), t("roster.look_again"))


def _require_newest(store: Store, form: FormData, request: Request) -> None:
    """The changes that were shown are those to the roster that was there then."""
    if told(form, "after") != str(newest_import(store)):
        t = text_of(request)
        raise FormError(t("roster.imported_elsewhere"), t("roster.look_again"))


# A form about a hundred columns with forty values each.
UPLOADS = {"/roster/uploads": MAX_BYTES, "/roster/import/{token}/say": 8 * 2**20}

ROUTES = (
    Route("/roster/uploads", _upload, methods=["POST"]),
    Route("/roster/import/{token}", with_school(_show, "/roster")),
    Route("/roster/import/{token}/say", posted(_say), methods=["POST"]),
    Route("/roster/import/{token}/choose", posted(_choose), methods=["POST"]),
    Route("/roster/import/{token}/confirm", posted(_confirm), methods=["POST"]),
    Route("/roster/import/{token}/drop", posted(_drop), methods=["POST"]),
)
