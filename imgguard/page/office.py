"""What the views of the office share: forms, pages of long lists, downloads and documents to print."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from consent.errors import UserFacingError
from consent.markup import style_source
from imgguard.page.rendering import desk_of, whole_number
from imgguard.page.texts import Text

PER_PAGE = 50
# A table of a hundred columns with forty values each; one that asks for more is not one of the page's own forms.
_MOST_FIELDS = 20_000

_T = TypeVar("_T")


class FormError(UserFacingError):
    """What was filled in cannot be used."""


def with_school(view: Callable[[Request], Response], otherwise: str) -> Callable[[Request], Response]:
    """Make an endpoint that needs a school file; without one it goes to where that is said."""

    def endpoint(request: Request) -> Response:
        return view(request) if desk_of(request).school.is_file() else RedirectResponse(otherwise, 303)

    return endpoint


def posted(work: Callable[[Request, FormData], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint that reads a form, and then works on files and the school file beside the event loop."""

    async def endpoint(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
            return await run_in_threadpool(work, request, form)

    return endpoint


def told(form: FormData, name: str) -> str:
    """Give one field of a form as text without blanks around it; empty where it is not there."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def all_told(form: FormData, name: str) -> tuple[str, ...]:
    """Give every value of a field."""
    return tuple(value.strip() for value in form.getlist(name) if isinstance(value, str))


def day_told(form: FormData, name: str, usual: date, t: Text) -> date:
    """Give a field that holds a day; the usual one where it is empty.

    Raises:
        FormError: if it is no day.
    """
    text = told(form, name)
    try:
        return date.fromisoformat(text) if text else usual
    except ValueError as error:
        raise FormError(t("roster.no_day", text=text), t("roster.no_day_remedy")) from error


@dataclass(frozen=True, slots=True)
class Paged(Generic[_T]):
    """A part of a long list.

    Attributes:
        items: The part.
        number: Which page it is, from 1.
        pages: How many there are, at least one.
        total: How many items there are in all.
    """

    items: Sequence[_T]
    number: int
    pages: int
    total: int


def page_number(request: Request, total: int) -> tuple[int, int]:
    """Give the page of a long list that was asked for, and how many there are; nonsense is the first one."""
    pages = max(1, ceil(total / PER_PAGE))
    text = request.query_params.get("page", "1")
    return min(max(1, whole_number(text, 8) or 1), pages), pages


def paged(request: Request, items: Sequence[_T]) -> Paged[_T]:
    """Give the part of a long list that was asked for."""
    number, pages = page_number(request, len(items))
    return Paged(items[(number - 1) * PER_PAGE : number * PER_PAGE], number, pages, len(items))


def named(t: Text, table: str, value: str) -> str:
    """Give a recorded value in words; one that another version of imgguard has recorded as it stands."""
    try:
        return t(f"{table}.{value}")
    except KeyError:
        return value.replace("_", " ")


def document(html: str, name: str, *, download: bool = False) -> Response:
    """Answer with a page that was built to be printed; nothing in it runs, and its one style is known."""
    policy = f"default-src 'none'; style-src {style_source()}; base-uri 'none'; form-action 'none'; "
    headers = {"Content-Security-Policy": f"{policy}frame-ancestors 'none'"}
    if download:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return HTMLResponse(html.encode("utf-8", "replace"), headers=headers)


def saved(text: str, name: str, media_type: str, *, spreadsheet: bool = False) -> Response:
    """Answer with a file to keep; a spreadsheet knows UTF-8 by its mark."""
    content = text.encode("utf-8-sig" if spreadsheet else "utf-8", "replace")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
