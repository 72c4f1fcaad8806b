"""Read the consent roster as schools export it.

A row that cannot be understood never becomes a yes: what is unclear is kept as unclear (`Answer`), reported
with its row, and covered later. Only a roster that cannot answer at all is an error.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from consent.columns import prepare
from consent.errors import RosterError
from consent.findings import Finding
from consent.layout import FIELDS, FLAGS, Layout, known_layouts
from consent.mapping import EMPTY, NOTHING, Declared, applied
from consent.merging import People, held_by_name
from consent.model import ASKED_PURPOSES, Answer, Aspect, Hold, Purpose, Subject
from consent.recognise import Fit, Rows, all_layouts, find_header, headings, is_header_again, recognise
from consent.rows import Reading
from consent.tables import decode, read_bytes, split_rows
from consent.values import end_of_school_year, heading_key
from consent.workbooks import is_workbook, read_sheets

__all__ = ["Finding", "Roster", "end_of_school_year", "read_roster"]

REQUIRED_COLUMNS = ("number", "biometric_ok", "do_not_publish", "signed_by", "signed_on")
OPTIONAL_COLUMNS = (
    "first_name",
    "last_name",
    "role",
    "group",
    "birth_date",
    "name_shown",
    "signer_role",
    "form_id",
    "valid_until",
    "valid_from",
    "independent",
    "guardians",
    "court_order",
    "cultural_hold",
)

# school_website asks about photos; school_website_work and school_website_name about work and name.
_PURPOSE_COLUMNS = tuple(f"{purpose}{what}" for purpose in ASKED_PURPOSES for what in ("", "_work", "_name"))
_KNOWN_COLUMNS = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, *_PURPOSE_COLUMNS)
# What a school may add to any export under imgguard's own heading, since few exports have it.
ADDED_FIELDS = (
    "birth_date",
    "guardians",
    "signed_by",
    "signer_role",
    "signed_on",
    "form_id",
    "valid_from",
    "valid_until",
)
_NEVER_LEFT_OUT = (*Hold, "valid_from", "valid_until")
# Share of letters that two names have in common (difflib), from which one is taken for the other misspelt.
_MISSPELT = 0.8


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody the school's forms speak of.

    Attributes:
        path: The file that was read.
        sha256: Its digest, hexadecimal.
        purposes: The purposes it has a column for.
        subjects: By number.
        findings: What was unclear, in the order of the rows.
        layout: The name of the layout that it was read by.
        declared: What the operator said about it that it does not say itself; every report tells so.
        evidence: What the layout was recognised by.
        unused: Headings that were not used.
    """

    path: Path
    sha256: str
    purposes: frozenset[Purpose]
    subjects: Mapping[str, Subject]
    findings: tuple[Finding, ...]
    layout: str = "imgguard"
    declared: tuple[str, ...] = ()
    evidence: str = ""
    unused: tuple[str, ...] = ()

    def require(self, purpose: Purpose) -> None:
        """Make sure that the roster answers for a purpose.

        Raises:
            RosterError: if it has no column for it.
        """
        if purpose not in self.purposes:
            have = ", ".join(sorted(self.purposes)) or "none"
            raise RosterError(
                f"{self.path}: no column for the purpose {purpose.value} (purposes it has: {have})",
                f"Add a column named {purpose.value} with yes or no for each person, or choose another purpose.",
            )

    def unanswered(self) -> Iterator[Finding]:
        """Tell row by row for which purposes nothing was answered: a form that did not come back is a no."""
        for person in self.subjects.values():
            blank: dict[int, list[str]] = {}
            for consent in person.consents:
                if consent.answer is Answer.BLANK and consent.aspect is Aspect.PHOTO:
                    purposes = blank.setdefault(consent.source_row, [])
                    purposes += [] if consent.purpose.value in purposes else [consent.purpose.value]
            for row, purposes in blank.items():
                yield Finding(self.path.name, row, f"no answer for {', '.join(purposes)}: taken as no")


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was found in a file, with the layout that it fits.

    Attributes:
        path: The file.
        sha256: Its digest, hexadecimal.
        fit: The layout, and where the header is.
        header: The headings, each once.
        rows: The rows below it with their numbers.
        others: Names of sheets that are not read.
    """

    path: Path
    sha256: str
    fit: Fit
    header: tuple[str, ...]
    rows: Rows
    others: tuple[str, ...] = ()


def read_roster(
    path: Path, declared: Declared = NOTHING, *, mappings: Sequence[Layout] = (), content: bytes | None = None
) -> Roster:
    """Read a roster file (.csv, .tsv or .xlsx; UTF-8, UTF-16 or cp1252) by the layout that it fits.

    Args:
        path: The file.
        declared: What the operator says about it.
        mappings: The school's own mappings, recognised like the layouts that are known.
        content: What the file holds, where that came from elsewhere; `path` then only names it in what is said of it.

    Raises:
        RosterError: if the file is missing, unreadable, empty, of no known layout or of two, lacks what is required, or
            has dates that could be two days.
    """
    table = find_table(path, declared, mappings=mappings, content=content)
    layout = _with_own_columns(applied(table.fit.layout, declared))
    _check_declared(table, layout, declared)
    reading = prepare(path, table.sha256, layout, table.header, table.rows)
    findings = list(_notes(table, reading))

    def note(row: int, what: str) -> None:
        findings.append(Finding(path.name, row, what))

    people = People(note, renewals=bool(layout.permission))
    above: list[str] = []
    unnumbered: list[tuple[int, str, frozenset[Hold]]] = []
    for number, cells in table.rows:
        above = cells = reading.unmerged(cells, above)
        if is_header_again(path, table.header, reading.places["number"], number, cells):
            note(number, "the header again: the row is not used")
            continue
        telling = reading.tell(number, cells, note)
        if telling is not None:
            people.add(telling)
        elif held := reading.holds_of_nobody(number, cells):
            unnumbered.append((number, *held))
    subjects = held_by_name(people.subjects(), unnumbered, note)
    if not subjects:
        raise RosterError(f"{path}: no person in it", "Export the roster again, with a row for each person.")
    for name, count in reading.unknown_permissions.items():
        what = f"the permission {name[:40]!r} ({count} rows) is not known and not used"
        findings.append(Finding(path.name, None, what))
    return Roster(
        path, table.sha256, reading.purposes, subjects, tuple(findings), layout.name, layout.declared,
        table.fit.evidence, _unused(table, reading),
    )  # fmt: skip


def find_table(
    path: Path, declared: Declared = NOTHING, *, mappings: Sequence[Layout] = (), content: bytes | None = None
) -> Table:
    """Find the table of a file and its layout, without reading the rows; see `read_roster`.

    Raises:
        RosterError: as `read_roster`.
    """
    digest, sheets = _sheets(path, declared.sheet, content)
    name, fit = _best_sheet(path, sheets, declared, mappings)
    return _table(path, digest, sheets, name, fit)


def unknown_table(path: Path, sheet: str = "", *, content: bytes | None = None) -> Table:
    """Find the table of a file of no known layout: its header is the first row that is not a title.

    Raises:
        RosterError: if the file is missing, unreadable or empty.
    """
    digest, sheets = _sheets(path, sheet, content)
    name, rows = next(iter(sheets.items()))
    return _table(path, digest, sheets, name, Fit(EMPTY, find_header(rows), ()))


def _table(path: Path, digest: str, sheets: Mapping[str, Rows], name: str, fit: Fit) -> Table:
    header = tuple(headings(sheets[name][fit.header_at][1]))
    rows = sheets[name][fit.header_at + 1 :]
    # A sheet's rows end with their last cell; a text's rows that are shorter than the header have lost one.
    if name:
        rows = [(number, _padded(cells, len(header))) for number, cells in rows]
    return Table(path, digest, fit, header, rows, tuple(other for other in sheets if other != name))


def _sheets(path: Path, sheet: str, content: bytes | None) -> tuple[str, Mapping[str, Rows]]:
    """Read a file into its sheets that are not empty; one of text is a single one without a name."""
    content = read_bytes(path) if content is None else content
    book = is_workbook(content)
    sheets = read_sheets(path, io.BytesIO(content)) if book else {"": split_rows(path, decode(content))}
    if sheet and sheet not in sheets:
        raise RosterError(f"{path}: there is no sheet {sheet!r}", f"It has: {', '.join(sheets)}.")
    filled = {name: rows for name, rows in sheets.items() if rows and sheet in ("", name)}
    if not filled:
        raise RosterError(f"{path}: the file is empty", "Export the roster again.")
    return hashlib.sha256(content).hexdigest(), filled


def _best_sheet(
    path: Path, sheets: Mapping[str, Rows], declared: Declared, mappings: Sequence[Layout]
) -> tuple[str, Fit]:
    fits: dict[str, Fit] = {}
    errors: list[RosterError] = []
    for name, rows in sheets.items():
        try:
            fits[name] = _fit(path, rows, declared, mappings)
        except RosterError as error:
            errors.append(error)
    if not fits:
        raise errors[0]
    if len(fits) > 1:
        raise RosterError(f"{path}: more than one sheet has people: {', '.join(fits)}", "Say which one with --sheet.")
    return next(iter(fits.items()))


def _fit(path: Path, rows: Rows, declared: Declared, mappings: Sequence[Layout]) -> Fit:
    layouts = all_layouts(mappings)
    if declared.mapping is not None:
        return recognise(path, rows, [declared.mapping])
    if declared.layout:
        named = [layout for layout in layouts if layout.name == declared.layout]
        if not named:
            names = ", ".join(layout.name for layout in layouts)
            raise RosterError(f"There is no layout {declared.layout!r}", f"The layouts are: {names}.")
        return recognise(path, rows, named)
    try:
        return recognise(path, rows, layouts)
    except RosterError:
        if declared.says_columns:
            return recognise(path, rows, [replace(EMPTY, required=declared.headings)])
        _check_own(path, headings(rows[find_header(rows)][1]))
        raise


def _padded(cells: list[str], width: int) -> list[str]:
    """A sheet's rows end with their last cell that has something in it."""
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    return cells + [""] * (width - len(cells))


def own_layout() -> Layout:
    """Give imgguard's own layout, whose questions and `ADDED_FIELDS` count in any file that has a column for them."""
    return next(known for known in known_layouts() if known.name == "imgguard")


def _with_own_columns(layout: Layout) -> Layout:
    """Let any export carry the columns that few have, under imgguard's own headings."""
    own = own_layout()
    if layout.name == own.name:
        return layout
    missing = [name for name in ADDED_FIELDS if name not in layout.constants]
    used = {heading_key(q.column) for q in layout.questions}
    added = tuple(replace(q, values=q.values or own.values) for q in own.questions if q.column not in used)
    names = added if not layout.permission else tuple(q for q in added if q.column in FLAGS)
    fields = {**layout.fields, **{name: (*layout.fields.get(name, ()), name) for name in missing}}
    return replace(layout, fields=fields, questions=(*layout.questions, *names))


def _notes(table: Table, reading: Reading) -> Iterator[Finding]:
    """What is to be said about the whole file."""
    source = table.path.name
    if reading.layout.name == "imgguard":
        _check_own(table.path, table.header)
        for heading in _unused(table, reading):
            yield Finding(source, 1, f"the column {heading_key(heading)!r} is not known and not used")
    _check_holds(table, _unused(table, reading))
    for sheet in table.others:
        yield Finding(source, None, f"the sheet {sheet!r} is not read")
    for heading in reading.holding:
        what = f"for what {heading!r} refuses is not told: whoever it names is not published at all"
        yield Finding(source, None, f"{what}; say it with --asks '{heading}=school_website,...'")
    for asked in (*(asked for _, asked in reading.asked), *reading.permissions.values()):
        if not asked.question.targets:
            what = f"what {asked.column!r} is for is not told, so it shows nobody: say it with --asks"
            yield Finding(source, None, f"{what} '{asked.column}=school_website,...'")


def _check_declared(table: Table, layout: Layout, declared: Declared) -> None:
    """What is declared about a column that is not there would be skipped in silence."""
    there = set(map(heading_key, table.header))
    named = {*declared.columns.values(), *(declared.permissions or ())}
    if not layout.permission:
        asked = (name for name in declared.values if name not in FIELDS)
        named |= {*declared.asks, *declared.opt_outs, *declared.multiple, *asked}
    missing = sorted(name for name in named if heading_key(name) not in there)
    if missing:
        raise RosterError(
            f"{table.path}: there is no column {', '.join(map(repr, missing))}",
            f"Write it as the file does: {', '.join(filter(None, table.header))}.",
        )


def _check_holds(table: Table, unused: Sequence[str]) -> None:
    """A hold or an end whose heading is misspelt must not be left out as if it were not there."""
    near = {heading: get_close_matches(heading_key(heading), _NEVER_LEFT_OUT, 1, _MISSPELT) for heading in unused}
    told = [f"{heading!r} (is it {close[0]}?)" for heading, close in near.items() if close]
    # Who signed and when is then the same for all by what was declared, whatever stands in the rows.
    told += [f"{heading!r}" for heading in unused if heading_key(heading) in ("signed_by", "signed_on", "signer_role")]
    if told:
        what = f"{table.path}: a column that is not known may hold somebody back: {', '.join(told)}"
        raise RosterError(what, "Rename it so, or delete it where it means something else.")


def _unused(table: Table, reading: Reading) -> tuple[str, ...]:
    used = {*reading.places.values(), *(place for place, _ in reading.asked)}
    used |= set(reading.listing or ())
    return tuple(heading for place, heading in enumerate(table.header) if heading and place not in used)


def _check_own(path: Path, header: Sequence[str]) -> None:
    """Say what is wrong with a header that seems meant to be imgguard's own."""
    keys = [heading_key(heading) for heading in header]
    if not set(keys) & {"number", *_PURPOSE_COLUMNS, "biometric_ok"}:
        return
    remedy = (
        "Rename the columns as `imgguard roster template` shows them, or tell what they mean: `imgguard roster map`."
    )
    missing = [name for name in REQUIRED_COLUMNS if name not in keys]
    if missing:
        raise RosterError(f"{path}: row 1 has no column {', '.join(missing)}", remedy)
    # A misspelt column must not be taken for a missing one: valid_untill would turn into "until the default end".
    near = {name: get_close_matches(name, _KNOWN_COLUMNS, 1, _MISSPELT) for name in keys if name not in _KNOWN_COLUMNS}
    misspelt = [f"{name!r} (is it {close[0]}?)" for name, close in near.items() if close]
    if misspelt:
        raise RosterError(f"{path}: row 1 has a column that is not known: {', '.join(misspelt)}", remedy)
