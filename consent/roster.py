"""Read the consent roster in imgguard's own layout.

A row that cannot be understood never becomes a yes: what is unclear is kept as unclear (`Answer`), reported
with its row, and covered later. Only a roster that cannot answer at all is an error.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from consent.errors import RosterError
from consent.model import ASKED_PURPOSES, Answer, Aspect, Consent, Hold, Purpose, SignerRole, Subject
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
    "valid_from",
    "independent",
    "guardians",
    "court_order",
    "cultural_hold",
)

# school_website asks about photos; school_website_work and school_website_name about work and name.
_PURPOSE_COLUMNS = tuple(f"{purpose}{what}" for purpose in ASKED_PURPOSES for what in ("", "_work", "_name"))
_KNOWN_COLUMNS = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, *_PURPOSE_COLUMNS)
# Share of letters that two names have in common (difflib), from which one is taken for the other misspelt.
_MISSPELT = 0.8
_YES = {"yes", "y", "true", "1"}
_NO = {"no", "n", "false", "0"}
# What may be printed of a name, and what that answers about the first name and the full one.
_NAMES = {
    "": (Answer.BLANK, Answer.BLANK),
    "full": (Answer.YES, Answer.YES),
    "first": (Answer.YES, Answer.NO),
    "none": (Answer.NO, Answer.NO),
}
_UNKNOWN_NAME = (Answer.UNKNOWN, Answer.UNKNOWN)
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
        layout: The name of the layout that it was read by.
        declared: What the operator said about it that it does not say itself; every report tells so.
    """

    path: Path
    sha256: str
    purposes: frozenset[Purpose]
    subjects: Mapping[str, Subject]
    findings: tuple[Finding, ...]
    layout: str = "imgguard"
    declared: tuple[str, ...] = ()

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
    digest = hashlib.sha256(content).hexdigest()
    purposes = frozenset(purpose for purpose in ASKED_PURPOSES if purpose in header)
    findings: list[Finding] = [
        Finding(path.name, 1, f"the column {name!r} is not known and not used") for name in _unknown(header)
    ]
    subjects: dict[str, Subject] = {}
    numbers: dict[str, str] = {}
    for number, cells in rows:
        row = _row(path.name, number, header, cells, findings)
        subject = _subject(row, header, digest)
        if subject is not None:
            _add(subjects, numbers, subject, row)
    if not subjects:
        raise RosterError(f"{path}: no person in it", "Export the roster again, with a row for each person.")
    return Roster(path, digest, purposes, subjects, tuple(findings))


def roster_template() -> str:
    """Give an example roster in imgguard's own layout, to fill in."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["number", *OPTIONAL_COLUMNS[:5], "biometric_ok", *ASKED_PURPOSES, *_TEMPLATE_TAIL])
    answers = ["yes"] * len(ASKED_PURPOSES)
    tail = ["full", "", "Sample Guardian", "guardian", "2026-09-08", "MR-0001", "2027-06-30"]
    writer.writerow(["000001", "Sample", "Student", "student", "Grade 4", "2016-05-17", "yes", *answers, *tail])
    blank = [""] * (len(ASKED_PURPOSES) + len(tail))
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
        meaning = "yes: not published" if column in set(Hold) else "no"
        self.note(f"{column} says {self.text(column)[:40]!r}, which is neither yes nor no: taken as {meaning}")
        return Answer.UNKNOWN

    def name_shown(self, column: str) -> tuple[Answer, Answer]:
        """What may be printed: of the first name, and of the full one."""
        value = self.text(column).casefold()
        if value not in _NAMES:
            self.note(f"{column} says {self.text(column)[:40]!r}, not full, first or none: no name is printed")
        return _NAMES.get(value, _UNKNOWN_NAME)

    def day(self, column: str, otherwise: str = "the consent is not used") -> date | None:
        value = self.text(column)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.note(f"{column} {value[:40]!r} is not a date like 2026-09-08: {otherwise}")
            return None


def _row(source: str, number: int, header: list[str], cells: list[str], findings: list[Finding]) -> _Row:
    told = dict(zip(header, cells, strict=False))
    if len(cells) == len(header):
        return _Row(source, number, told, findings)
    row = _Row(source, number, {"number": told.get("number", "")}, findings)
    row.note(f"{len(cells)} cells under {len(header)} headings, so answers may be shifted: all taken as no")
    return row


def _subject(row: _Row, header: Iterable[str], sha256: str) -> Subject | None:
    subject_id = row.text("number")
    if not subject_id:
        row.note("no number: the row is not used")
        return None
    return Subject(
        subject_id=subject_id,
        given_name=row.text("first_name"),
        family_name=row.text("last_name"),
        role=row.text("role"),
        group=row.text("group"),
        biometric_ok=row.answer("biometric_ok") is Answer.YES,
        # A value that nobody understands may well mean "do not publish".
        holds=frozenset(hold for hold in Hold if row.answer(hold) not in (Answer.BLANK, Answer.NO)),
        consents=tuple(_consents(row, header, sha256)),
        birth_date=row.day("birth_date", "not known to be of age"),
        independent=row.answer("independent") is Answer.YES,
        guardians=frozenset(filter(None, map(str.strip, row.text("guardians").split(";")))),
    )


def _consents(row: _Row, header: Iterable[str], sha256: str) -> Iterator[Consent]:
    """Every answer of a row, all by the one who signed it."""
    signed_on = row.day("signed_on")
    form = Consent(
        purpose=Purpose.IN_SCHOOL,
        answer=Answer.BLANK,
        signed_by=row.text("signed_by"),
        signer_role=_signer_role(row),
        signed_on=signed_on,
        valid_until=row.day("valid_until") if row.text("valid_until") else end_of_school_year(signed_on),
        form_id=row.text("form_id"),
        source_row=row.number,
        # A first day that nobody can read may be later than any other.
        valid_from=(row.day("valid_from") or date.max) if row.text("valid_from") else None,
        source_sha256=sha256,
    )
    columns = frozenset(header)
    for purpose in ASKED_PURPOSES:
        if purpose not in columns:
            continue
        yield replace(form, purpose=purpose, answer=row.answer(purpose))
        if f"{purpose}_work" in columns:
            yield replace(form, purpose=purpose, aspect=Aspect.WORK, answer=row.answer(f"{purpose}_work"))
        names = next((c for c in (f"{purpose}_name", "name_shown") if c in columns), None)
        if names:
            first, full = row.name_shown(names)
            yield replace(form, purpose=purpose, aspect=Aspect.FIRST_NAME, answer=first)
            yield replace(form, purpose=purpose, aspect=Aspect.FULL_NAME, answer=full)


def _signer_role(row: _Row) -> SignerRole:
    told = row.text("signer_role").casefold().replace(" ", "_")
    try:
        return SignerRole(told or SignerRole.UNTOLD)
    except ValueError:
        row.note(f"signer_role {told[:40]!r} is not one of {', '.join(SignerRole)}: the consent is not used")
        return SignerRole.UNTOLD


def end_of_school_year(signed_on: date | None) -> date | None:
    """Give the last day of the school year that a day lies in; None for no day, and for the last of all years."""
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
    elif _person(known) != _person(subject):
        row.note(f"{_conflict(known, subject)}: what they do not agree on is taken as no")
        subjects[written] = _merge(known, subject, conflicting=True)
    elif _same_signer(known, subject):
        row.note(
            f"the number {written} stands twice and their answers differ: what they do not agree on is taken as no"
        )
        subjects[written] = _merge(known, subject, conflicting=True)
    else:
        subjects[written] = _merge(known, subject, conflicting=False)


def _conflict(known: Subject, subject: Subject) -> str:
    if known.subject_id != subject.subject_id:
        return f"the numbers {known.subject_id} and {subject.subject_id} differ only in how they are written"
    what = "their answers differ" if known.name == subject.name else "they name different people"
    return f"the number {known.subject_id} stands twice and {what}"


def _told(subject: Subject) -> Subject:
    """Leave out where it was told, to compare what was told."""
    return replace(subject, consents=tuple(replace(c, source_row=0) for c in subject.consents))


def _person(subject: Subject) -> Subject:
    """Leave out what one row may say and another not, to compare who it is."""
    return replace(subject, biometric_ok=False, holds=frozenset(), consents=(), guardians=frozenset())


def _same_signer(one: Subject, other: Subject) -> bool:
    return bool({c.signed_by for c in one.consents} & {c.signed_by for c in other.consents})


def _merge(one: Subject, other: Subject, *, conflicting: bool) -> Subject:
    """Put the rows of one number together: each signer's answers side by side, what disagrees as conflicting."""
    same_person = _person(one) == _person(other)
    consents = (*one.consents, *other.consents)
    if conflicting:
        said = {_told_consent(c) for c in one.consents} & {_told_consent(c) for c in other.consents}
        agreed = said if same_person else set()
        consents = tuple(
            c if _told_consent(c) in agreed else replace(c, answer=Answer.CONFLICTING)
            for c in one.consents or other.consents
        )
    return replace(
        one,
        biometric_ok=one.biometric_ok and other.biometric_ok,
        holds=one.holds | other.holds,
        consents=consents,
        guardians=one.guardians | other.guardians,
        independent=one.independent and other.independent,
    )


def _told_consent(consent: Consent) -> Consent:
    return replace(consent, source_row=0)
