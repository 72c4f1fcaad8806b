"""An example roster in imgguard's own layout."""

from __future__ import annotations

from consent.model import ASKED_PURPOSES
from consent.roster import OPTIONAL_COLUMNS


def roster_template() -> str:
    """Give an example roster in imgguard's own layout, to fill in."""
    answers = ",".join(["yes"] * len(ASKED_PURPOSES))
    head = ("number", *OPTIONAL_COLUMNS[:5], "biometric_ok", *ASKED_PURPOSES, *_TEMPLATE_TAIL)
    first = f"000001,Sample,Student,student,Grade 4,2016-05-17,yes,{answers},{_TEMPLATE_FORM}"
    blank = "," * (len(ASKED_PURPOSES) + len(_TEMPLATE_TAIL) - 1)
    second = f"000002,Second,Example,student,Grade 4,2016-11-02,no,{blank}"
    return "\n".join([",".join(head), first, second, ""])


_TEMPLATE_TAIL = (
    "name_shown",
    "do_not_publish",
    "signed_by",
    "signer_role",
    "signed_on",
    "form_id",
    "valid_until",
)
_TEMPLATE_FORM = "full,,Sample Guardian,guardian,2026-09-08,MR-0001,2027-06-30"
