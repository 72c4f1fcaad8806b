"""Read the consent roster in imgguard's own layout.

A row that cannot be understood never becomes a yes: what is unclear is kept as unclear (`Answer`), reported
with its row, and covered later. Only a roster that cannot answer at all is an error.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from consent.errors import RosterError
from consent.model import Answer, Consent, Purpose, Subject
from consent.tables import decode, read_bytes, split_table

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
)

_KNOWN_COLUMNS = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, *(purpose.value for purpose in Purpose))
# Share of letters that two names have in common (difflib), from which one is taken for the other misspelt.
_MISSPELT = 0.8
_YES = {"yes", "y", "true", "1"}
_NO = {"no", "n", "false", "0"}
_SCHOOL_YEAR_ENDS = (6, 30)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should look at: the file, the row (None for the whole file), and what it means."""

    source: str
    row: int | None
    what: str

    def __str__(self) -> str:
        """Name the file and row first."""
        return f"{self.source}, row {self.row}: {self.what}" if self.row else f"{self.source}: {self.what}"


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody the school's forms speak of.

    Attributes:
        path: The file that was read.
        sha256: Its digest, hexadecimal.
        purposes: The purposes it has a column for.
        subjects: By number.
        findings: What was unclear, in the order of the rows.
    """

    path: Path
    sha256: str
    purposes: frozenset[Purpose]
    subjects: Mapping[str, Subject]
    findings: tuple[Finding, ...]

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


def read_roster(path: Path) -> Roster:
    """Read a roster file (.csv, comma, semicolon or tab; UTF-8, UTF-16 or cp1252).

    Raises:
        RosterError: if the file is missing, unreadable, empty, or lacks a required column.
    """
    content = read_bytes(path)
    header, rows = split_table(path, decode(content))
    _check_header(path, header)
    purposes = frozenset(Purpose(name) for name in header if name in set(Purpose))
    findings: list[Finding] = [
        Finding(path.name, 1, f"the column {name!r} is not known and not used") for name in _unknown(header)
    ]
    subjects: dict[str, Subject] = {}
    numbers: dict[str, str] = {}
    for number, cells in rows:
        row = _row(path.name, number, header, cells, findings)
        subject = _subject(row, purposes)
        if subject is not None:
            _add(subjects, numbers, subject, row)
    if not subjects:
        raise RosterError(f"{path}: no person in it", "Export the roster again, with a row for each person.")
    digest = hashlib.sha256(content).hexdigest()
    return Roster(path, digest, purposes, subjects, tuple(findings))


def roster_template() -> str:
    """Give an example roster in imgguard's own layout, to fill in."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["number", *OPTIONAL_COLUMNS[:5], "biometric_ok", *Purpose, *_TEMPLATE_TAIL])
    answers = ["yes"] * len(Purpose)
    tail = ["full", "", "Sample Guardian", "guardian", "2026-09-08", "MR-0001", "2027-06-30"]
    writer.writerow(["000001", "Sample", "Student", "student", "Grade 4", "2016-05-17", "yes", *answers, *tail])
    blank = [""] * (len(Purpose) + len(tail))
    writer.writerow(["000002", "Second", "Example", "student", "Grade 4", "2016-11-02", "no", *blank])
    return out.getvalue()


_TEMPLATE_TAIL = (
    "name_shown",
    "do_not_publish",
    "signed_by",
    "signer_role",
    "signed_on",
    "form_id",
    "valid_until",
)


def _check_header(path: Path, header: list[str]) -> None:
    remedy = "Rename the columns as `imgguard roster template` shows them."
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    if missing:
        raise RosterError(f"{path}: row 1 has no column {', '.join(missing)}", remedy)
    # A misspelt column must not be taken for a missing one: valid_untill would turn into "until the default end".
    near = {name: get_close_matches(name, _KNOWN_COLUMNS, 1, _MISSPELT) for name in _unknown(header)}
    misspelt = [f"{name!r} (is it {close[0]}?)" for name, close in near.items() if close]
    if misspelt:
        raise RosterError(f"{path}: row 1 has a column that is not known: {', '.join(misspelt)}", remedy)
    twice = sorted({name for name in header if name in _KNOWN_COLUMNS and header.count(name) > 1})
    if twice:
        raise RosterError(f"{path}: row 1 has the column {', '.join(twice)} more than once", remedy)


def _unknown(header: list[str]) -> list[str]:
    return [name for name in header if name and name not in _KNOWN_COLUMNS]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row being read; notes what is unclear."""

    source: str
    number: int
    cells: Mapping[str, str]
    findings: list[Finding]

    def text(self, column: str) -> str:
        return self.cells.get(column, "")

    def note(self, what: str) -> None:
        self.findings.append(Finding(self.source, self.number, what))

    def answer(self, column: str) -> Answer:
        value = self.text(column).casefold()
        if not value:
            return Answer.BLANK
        if value in _YES:
            return Answer.YES
        if value in _NO:
            return Answer.NO
        meaning = "yes: not published" if column == "do_not_publish" else "no"
        self.note(f"{column} says {self.text(column)[:40]!r}, which is neither yes nor no: taken as {meaning}")
        return Answer.UNKNOWN

    def day(self, column: str) -> date | None:
        value = self.text(column)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.note(f"{column} {value[:40]!r} is not a date like 2026-09-08: the consent is not used")
            return None


def _row(source: str, number: int, header: list[str], cells: list[str], findings: list[Finding]) -> _Row:
    told = dict(zip(header, cells, strict=False))
    if len(cells) == len(header):
        return _Row(source, number, told, findings)
    row = _Row(source, number, {"number": told.get("number", "")}, findings)
    row.note(f"{len(cells)} cells under {len(header)} headings, so answers may be shifted: all taken as no")
    return row


def _subject(row: _Row, purposes: Iterable[Purpose]) -> Subject | None:
    subject_id = row.text("number")
    if not subject_id:
        row.note("no number: the row is not used")
        return None
    signed_on = row.day("signed_on")
    valid_until = row.day("valid_until") if row.text("valid_until") else _end_of_school_year(signed_on)
    consents = {
        purpose: Consent(
            purpose=purpose,
            answer=row.answer(purpose.value),
            signed_by=row.text("signed_by"),
            signer_role=row.text("signer_role"),
            signed_on=signed_on,
            valid_until=valid_until,
            form_id=row.text("form_id"),
            source_row=row.number,
        )
        for purpose in sorted(purposes)
    }
    return Subject(
        subject_id=subject_id,
        name=f"{row.text('first_name')} {row.text('last_name')}".strip(),
        role=row.text("role"),
        group=row.text("group"),
        biometric_ok=row.answer("biometric_ok") is Answer.YES,
        # A value that nobody understands may well mean "do not publish".
        do_not_publish=row.answer("do_not_publish") not in (Answer.BLANK, Answer.NO),
        consents=consents,
        family_name=row.text("last_name"),
    )


def _end_of_school_year(signed_on: date | None) -> date | None:
    if signed_on is None:
        return None
    end = date(signed_on.year, *_SCHOOL_YEAR_ENDS)
    if signed_on <= end:
        return end
    return end.replace(year=end.year + 1) if end.year < date.max.year else None


def _number_key(number: str) -> str:
    """Give what two ways of writing one number have in common: no zeros in front, quotes, or invisible characters."""
    plain = unicodedata.normalize("NFKC", number).casefold()
    plain = "".join(c for c in plain if unicodedata.category(c) != "Cf" and not c.isspace())
    return plain.strip("='\"").lstrip("0")


def _add(subjects: dict[str, Subject], numbers: dict[str, str], subject: Subject, row: _Row) -> None:
    """Add a person; a number that was there already keeps only what all its rows say clearly."""
    written = numbers.setdefault(_number_key(subject.subject_id), subject.subject_id)
    known = subjects.get(written)
    if known is None:
        subjects[written] = subject
    elif _told(known) == _told(subject):
        row.note(f"the number {written} stands twice: it says the same")
    else:
        row.note(f"{_conflict(known, subject)}: what they do not agree on is taken as no")
        subjects[written] = _merge(known, subject)


def _conflict(known: Subject, subject: Subject) -> str:
    if known.subject_id != subject.subject_id:
        return f"the numbers {known.subject_id} and {subject.subject_id} differ only in how they are written"
    what = "their answers differ" if known.name == subject.name else "they name different people"
    return f"the number {known.subject_id} stands twice and {what}"


def _told(subject: Subject) -> Subject:
    """Leave out where it was told, to compare what was told."""
    consents = {p: replace(c, source_row=0) for p, c in subject.consents.items()}
    return replace(subject, consents=consents)


def _merge(one: Subject, other: Subject) -> Subject:
    same_person = (one.subject_id, one.name) == (other.subject_id, other.name)
    consents = {
        purpose: mine
        if same_person and replace(mine, source_row=0) == replace(other.consents[purpose], source_row=0)
        else replace(mine, answer=Answer.CONFLICTING)
        for purpose, mine in one.consents.items()
    }
    return replace(
        one,
        biometric_ok=one.biometric_ok and other.biometric_ok,
        do_not_publish=one.do_not_publish or other.do_not_publish,
        consents=consents,
    )
