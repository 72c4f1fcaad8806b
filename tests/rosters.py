"""Exports as the products of schools write them, drawn in code: one clear yes, one no, one blank for each layout."""

# ruff: noqa: E501  (a row a line is what an export looks like)
from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from consent.layout import DateOrder
from consent.mapping import Declared

SIGNED = {"signer_role": "guardian", "signed_by": "form on file", "signed_on": "2026-09-08"}
ONLINE = ("school_website",)


@dataclass(frozen=True)
class Export:
    """An export of three people: 000001 says yes, 000002 no, 000003 nothing.

    `answers` are the places (row, cell) that answer for the first person; `declared` is what a school has to say.
    """

    layout: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    answers: tuple[tuple[int, int], ...]
    declared: Declared = field(default_factory=Declared)

    def with_cell(self, row: int, place: int, value: str) -> Export:
        rows = [list(cells) for cells in self.rows]
        rows[row][place] = value
        return Export(self.layout, self.header, rows, self.answers, self.declared)


def _asks(*columns: str, opt_out: bool = False, **more: object) -> Declared:
    asks = {column: ONLINE for column in columns}
    return Declared(asks=asks, opt_outs=columns if opt_out else (), constants=SIGNED, **more)  # type: ignore[arg-type]


QUESTION = "Where may we show photos of your child \u2013 choose all?"
_CHOICES = {
    QUESTION: {"School website": ("school_website",), "Yearbook, printed": ("yearbook",), "None of these": "no"},
}
_FORM = Declared(
    asks={QUESTION: ("school_website", "yearbook")}, values=_CHOICES, multiple=(QUESTION,),
    constants={"signer_role": "guardian"},
)  # fmt: skip
_OPTION = "OPTION 1 - YES, I allow the school to show my child online and in print."

EXPORTS = {
    export.layout: export
    for export in (
        Export(
            "imgguard",
            ["number", "biometric_ok", "do_not_publish", "school_website", "signed_by", "signer_role", "signed_on"],
            [[f"00000{n}", "yes", "", answer, "G", "guardian", "2026-09-08"] for n, answer in ((1, "yes"), (2, "no"), (3, ""))],
            ((0, 1), (0, 3)),
        ),
        Export(
            "vidigami",
            ["Preferred Name", "First Name", "Last Name", "Email", "User Type", "Host ID", "Grad Year", "Opt-Out", "biometric_ok"],
            [["", "Ann", "Ek", "", "Student", f"00000{n}", "2031", out, "yes"] for n, out in ((1, ""), (2, "TRUE"), (3, "TRUE"))],
            ((0, 7), (0, 8)),
            _asks("Opt-Out", opt_out=True),
        ),
        Export(
            "aeries",
            ["Student ID", "Date", "Type", "Status Date", "End Date", "Status", "Code", "Source", "Comments", "biometric_ok"],
            [
                [f"00000{n}", "9/1/2026", "P", "9/8/2026", "6/30/2027", status, "WEB", f"p{n}@example.org", "", "yes"]
                for n, status in ((1, "Y"), (2, "N"), (3, ""))
            ],
            ((0, 5), (0, 6), (0, 9)),
            Declared(asks={"WEB": ONLINE}, date_order=DateOrder.MDY),
        ),
        Export(
            "edgear",
            ["School", "Last Name", "First Name", "SIDNO", "Gd", "Homeroom", "Vid", "Pub", "biometric_ok"],
            [["Hill", "Ek", "Ann", f"00000{n}", "4", "4B", vid, "No", "yes"] for n, vid in ((1, "Yes"), (2, "No"), (3, ""))],
            ((0, 6), (0, 8)),
            _asks("Vid"),
        ),
        Export(
            "skyward",
            ["Student ID", "Last Name", "First Name", "Military/Higher Ed", "Public Use", "Local Use", "biometric_ok"],
            [[f"00000{n}", "Ek", "Ann", "", use, "", "yes"] for n, use in ((1, ""), (2, "Y"), (3, "Y"))],
            ((0, 4), (0, 6)),
            _asks("Public Use", opt_out=True),
        ),
        Export(
            "powerschool",
            ["Student_Number", "Last_Name", "First_Name", "Middle_Name", "Grade_Level", "Media Opt Out", "biometric_ok"],
            [[f"00000{n}", "Ek", "Ann", "", "4", out, "yes"] for n, out in ((1, ""), (2, "1"), (3, "1"))],
            ((0, 5), (0, 6)),
            _asks("Media Opt Out", opt_out=True),
        ),
        Export(
            "infinite_campus",
            ["Student Number", "Last Name", "First Name", "No Media", "biometric_ok"],
            [[f"00000{n}", "Ek", "Ann", flag, "yes"] for n, flag in ((1, ""), (2, "No Media"), (3, "No Media"))],
            ((0, 3), (0, 4)),
            _asks("No Media", opt_out=True),
        ),
        Export(
            "consent_list",
            ["Student", "UPN", "Consent", "Status", "Academic Year", "Guardian", "Date", "biometric_ok"],
            [
                ["Ek, Ann", f"00000{n}", "Photos online", status, "2026/27", "G", "2026-09-08", "yes"]
                for n, status in ((1, "accepted"), (2, "declined"), (3, "pending"))
            ],
            ((0, 2), (0, 3), (0, 4), (0, 7)),
            Declared(asks={"Photos online": ONLINE}, constants={"signer_role": "guardian"}),
        ),
        Export(
            "consent2go",
            ["Student ID", "Student", "Promotional", "Online", "Print", "biometric_ok"],
            [[f"00000{n}", "Ann Ek", "", answer, "", "yes"] for n, answer in ((1, "Yes"), (2, "No"), (3, ""))],
            ((0, 3), (0, 5)),
            _asks("Online"),
        ),
        Export(
            "uniqueschools",
            ["Student ID", "Student", "Media online", "Last Modified By", "Last Modified", "biometric_ok"],
            [
                [f"00000{n}", "Ann Ek", answer, "G", "2026-09-08", "yes"]
                for n, answer in ((1, "Allow"), (2, "Deny"), (3, ""))
            ],
            ((0, 2), (0, 5)),
            Declared(asks={"Media online": ONLINE}, constants={"signer_role": "guardian"}),
        ),
        Export(
            "microsoft_forms",
            ["ID", "Start time", "Completion time", "Email", "Name", "Student number", QUESTION, "biometric_ok"],
            [
                [str(n), "9/8/2026 10:00", "9/8/2026 10:05:31", "g@example.org", "G", f"00000{n}", chosen, "yes"]
                for n, chosen in ((1, "School website;Yearbook, printed;"), (2, "None of these;"), (3, ""))
            ],
            ((0, 6), (0, 7)),
            _FORM,
        ),
        Export(
            "google_forms",
            ["Timestamp", "Email Address", "Student number", QUESTION, "biometric_ok"],
            [
                ["2026/09/08 10:05:31 AM GMT-7", "g@example.org", f"00000{n}", chosen, "yes"]
                for n, chosen in ((1, "School website, Yearbook, printed"), (2, "None of these"), (3, ""))
            ],
            ((0, 3), (0, 4)),
            _FORM,
        ),
        Export(
            "three_options",
            ["Timestamp", "Email Address", "Student ID", "Media consent", "biometric_ok"],
            [
                ["2026-09-08 10:05:31", "g@example.org", f"00000{n}", answer, "yes"]
                for n, answer in ((1, _OPTION), (2, "OPTION 3 - NO, I do not."), (3, ""), (4, _OPTION))
            ],
            ((0, 3), (0, 4)),
            Declared(asks={"Media consent": ONLINE}, constants={"signer_role": "guardian"}),
        ),
    )
}  # fmt: skip


def as_csv(export: Export, delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([export.header, *export.rows])
    return out.getvalue()


def write_csv(export: Export, path: Path, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    path.write_bytes(as_csv(export, delimiter).encode(encoding))
    return path


def write_xlsx(path: Path, rows: Sequence[Sequence[object]], *titles: str, sheet: str = "Sheet1") -> Path:
    """Write a workbook; titles are merged over the whole width above the header."""
    from openpyxl import Workbook

    book = Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for number, title in enumerate(titles, 1):
        page.append([title])
        page.merge_cells(start_row=number, end_row=number, start_column=1, end_column=len(rows[0]))
    for row in rows:
        page.append(list(row))
    book.save(path)
    return path
