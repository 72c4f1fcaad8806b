"""The routes of the view "reports": what runs did, what was published, what lapsed, and whether the record is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consent.audit import entries
from consent.audit import head as newest_entry
from consent.counting import Count, counts, months
from consent.errors import RecordError, UserFacingError
from consent.people import stored_roster
from consent.policy_files import known_policy
from consent.privacy_facts import privacy_facts
from consent.rechecking import Gone, Lapse, recheck
from consent.reports import run_html, run_json
from consent.run_facts import RunFacts, find_run, nameless, names_of, run_facts
from consent.run_list import count_runs, list_runs
from consent.school_policy import policy_of
from consent.showings import published_files, showings
from consent.store import Store
from consent.tables import write_table
from consent.takedown import Listed, listed, take_down_csv, take_down_page
from consent.trail import TrailCheck, check_school, checked_pin, export_trail
from imgguard.page.desk import Desk
from imgguard.page.office import PER_PAGE, Paged, document, named, page_number, paged, saved, with_school
from imgguard.page.rendering import desk_of, render, whole_number
from imgguard.page.report_figures import figures_of
from imgguard.today import people_today, policies_behind

_LONGEST = 3660
_MOST_ENTRIES = 30


def _list(request: Request) -> Response:
    desk = desk_of(request)
    if not desk.school.is_file():
        return render(request, "reports.html", view="reports", runs=None)
    with desk.store() as store:
        total = count_runs(store)
        number, pages = page_number(request, total)
        lines = list_runs(store, (number - 1) * PER_PAGE, PER_PAGE)
    return render(request, "reports.html", view="reports", runs=Paged(lines, number, pages, total))


def _run(request: Request) -> Response:
    facts, names = _facts(request)
    return render(
        request, "reports_run.html", view="reports", run=facts, figures=figures_of(facts), names=names,
        photos=paged(request, facts.photos), named=named, policy=known_policy(facts.policy),
    )  # fmt: skip


def _facts(request: Request) -> tuple[RunFacts, Mapping[str, str]]:
    with desk_of(request).store() as store:
        try:
            run_id = find_run(store, str(request.path_params["run"]))
        except RecordError as error:
            raise HTTPException(404) from error
        return run_facts(store, run_id), names_of(store)


def _told(request: Request) -> tuple[RunFacts, Mapping[str, str] | None]:
    """Give a run as its report tells it: without names, unless they are asked for."""
    facts, names = _facts(request)
    if "names" in request.query_params:
        return facts, names
    return nameless(facts, names.values()), None


def _report(request: Request) -> Response:
    facts, names = _told(request)
    html = run_html(facts, names, known_policy(facts.policy))
    download = "download" in request.query_params
    return document(html, f"imgguard-run-{facts.run_id}.html", download=download)


def _json(request: Request) -> Response:
    facts, names = _told(request)
    return saved(run_json(facts, names), f"imgguard-run-{facts.run_id}.json", "application/json")


def _published(request: Request) -> Response:
    with _store(request) as store:
        policy = policy_of(store)
        found = counts(store, desk_of(request).on, policy)
        by_month, names = months(store), names_of(store)
    return render(
        request, "reports_published.html", view="reports", counts=paged(request, found), months=by_month, names=names,
        policy=policy, named=named, reached=sum(bool(count.reached) for count in found),
    )  # fmt: skip


def _counts_csv(request: Request) -> Response:
    with _store(request) as store:
        found, names = counts(store, desk_of(request).on, policy_of(store)), names_of(store)
    header = ("student", "name", "group", "photos", "first", "last", "limits")
    return saved(write_table(header, [_cells(one, names) for one in found]), "published.csv", "text/csv",
                 spreadsheet=True)  # fmt: skip


def _cells(one: Count, names: Mapping[str, str]) -> tuple[object, ...]:
    limits = "; ".join(map(str, one.reached))
    return one.subject_id, names.get(one.subject_id, ""), one.group, one.photos, one.first_on, one.last_on, limits


def _recheck(request: Request) -> Response:
    within = _within(request)
    with _store(request) as store:
        files = len(published_files(store))
        known = stored_roster(store) is not None
        gone, soon = _lapsed(store, desk_of(request), within) if known else ((), ())
    return render(
        request, "reports_recheck.html", view="reports", files=files, known=known, within=within,
        rows=paged(request, gone), soon=soon[:PER_PAGE], more=max(0, len(soon) - PER_PAGE),
    )  # fmt: skip


def _recheck_csv(request: Request) -> Response:
    with _store(request) as store:
        gone, soon = _lapsed(store, desk_of(request), _within(request))
    return saved(take_down_csv((*gone, *soon)), "recheck.csv", "text/csv", spreadsheet=True)


def _recheck_paper(request: Request) -> Response:
    desk = desk_of(request)
    with _store(request) as store:
        gone, soon = _lapsed(store, desk, _within(request))
    return document(take_down_page((*gone, *soon), desk.on), "recheck.html")


def _within(request: Request) -> int:
    return min(whole_number(request.query_params.get("within", ""), 8) or 0, _LONGEST)


def _lapsed(store: Store, desk: Desk, within: int) -> tuple[tuple[Listed, ...], tuple[Listed, ...]]:
    """Give what has to be taken down, and what will have to be within so many days."""
    everything = showings(store)
    policies = policies_behind(store, everything)
    found = recheck(everything, people_today(store, None), desk.on, within=within, policies=policies)
    files = published_files(store)

    def told(lapses: Sequence[Lapse]) -> tuple[Listed, ...]:
        return listed([(lapse.showing, lapse.words) for lapse in lapses], everything, files)

    return (
        told([lapse for lapse in found if lapse.gone is not Gone.EXPIRES_SOON]),
        told([lapse for lapse in found if lapse.gone is Gone.EXPIRES_SOON]),
    )


def _audit(request: Request) -> Response:
    text = request.query_params.get("pin", "").strip()
    wrong: UserFacingError | None = None
    pin: str | None = None
    try:
        pin = checked_pin(text) if text else None
    except UserFacingError as error:
        wrong = error
    with _store(request) as store:
        found: TrailCheck = check_school(store, pin)
        last, newest = newest_entry(store), entries(store)[-_MOST_ENTRIES:][::-1]
    return render(
        request, "reports_audit.html", view="reports", found=found, last=last, newest=newest, pin=text, wrong=wrong,
        named=named,
    )  # fmt: skip


def _trail(request: Request) -> Response:
    with _store(request) as store:
        trail = entries(store)
    return saved(export_trail(trail), "imgguard-audit.jsonl", "application/x-ndjson")


def _privacy(request: Request) -> Response:
    with _store(request) as store:
        facts = privacy_facts(store, desk_of(request).on)
    return render(request, "reports_privacy.html", view="reports", facts=facts)


def _privacy_file(request: Request) -> Response:
    with _store(request) as store:
        facts = privacy_facts(store, desk_of(request).on)
    if request.path_params["kind"] == "json":
        return saved(facts.as_json(), "privacy-facts.json", "application/json")
    return saved(facts.as_markdown(), "privacy-facts.md", "text/markdown")


def _store(request: Request) -> Store:
    return desk_of(request).store()


def _here(request: Request) -> Response:
    return RedirectResponse("/reports", 303)


ROUTES = (
    Route("/reports", _list),
    Route("/reports/run", _here),
    Route("/reports/run/{run}", with_school(_run, "/reports")),
    Route("/reports/run/{run}/report", with_school(_report, "/reports")),
    Route("/reports/run/{run}/json", with_school(_json, "/reports")),
    Route("/reports/published", with_school(_published, "/reports")),
    Route("/reports/published.csv", with_school(_counts_csv, "/reports")),
    Route("/reports/recheck", with_school(_recheck, "/reports")),
    Route("/reports/recheck.csv", with_school(_recheck_csv, "/reports")),
    Route("/reports/recheck.html", with_school(_recheck_paper, "/reports")),
    Route("/reports/audit", with_school(_audit, "/reports")),
    Route("/reports/audit.jsonl", with_school(_trail, "/reports")),
    Route("/reports/privacy", with_school(_privacy, "/reports")),
    Route("/reports/privacy.{kind:str}", with_school(_privacy_file, "/reports")),
)
