"""Why a face, a name or a work is shown or not.

CONSENTED is the only reason to show anybody: it alone comes out of `consent.policy.decide` as a KEEP. NOBODY_THERE
keeps what a person looked at and found to be no face, and shows no one.
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What happens to a face."""

    KEEP = "keep"
    COVER = "cover"


class Unidentified(StrEnum):
    """Why nobody of the roster stands for a face."""

    NO_MATCH = "no_match"
    AMBIGUOUS = "ambiguous"
    NOT_COMPARABLE = "not_comparable"
    CONTRADICTED = "contradicted"
    NO_RECOGNITION = "no_recognition"
    FOUND_BY_CHECK = "found_by_check"


class Reason(StrEnum):
    """Why a face is kept or covered."""

    CONSENTED = "consented"
    # What a person said after looking; `decide` never gives these.
    NOBODY_THERE = "nobody_there"
    COVERED_BY_OPERATOR = "covered_by_operator"
    # Nobody can say who it is.
    NO_MATCH = "no_match"
    AMBIGUOUS = "ambiguous"
    NOT_COMPARABLE = "not_comparable"
    CONTRADICTED = "contradicted"
    NO_RECOGNITION = "no_recognition"
    FOUND_BY_CHECK = "found_by_check"
    # What overrides every yes.
    DO_NOT_PUBLISH = "do_not_publish"
    COURT_ORDER = "court_order"
    CULTURAL_HOLD = "cultural_hold"
    WITHDRAWN = "withdrawn"
    PERSONAL_ACCOUNT = "personal_account"
    NO_BIOMETRICS = "no_biometrics"
    # What the forms say.
    REFUSED = "refused"
    BLANK = "blank"
    UNKNOWN_VALUE = "unknown_value"
    CONFLICTING = "conflicting"
    # What makes a yes no consent.
    UNSIGNED = "unsigned"
    SIGNER_UNTOLD = "signer_untold"
    SIGNER_NOT_ENTITLED = "signer_not_entitled"
    UNDATED = "undated"
    SIGNED_IN_FUTURE = "signed_in_future"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    # What a division's procedure asks for besides: see `consent.procedures`.
    NO_SIGN_OFF = "no_sign_off"
    NOT_ATTESTED = "not_attested"
    NOT_REGISTERED = "not_registered"
    NOT_INDEPENDENT = "not_independent"
    GUARDIAN_MISSING = "guardian_missing"
    LIMIT_REACHED = "limit_reached"
    GROUP_TOO_SMALL = "group_too_small"
    FACE_TOO_LARGE = "face_too_large"
    FIRST_NAME_ONLY = "first_name_only"

    @property
    def words(self) -> str:
        """The reason as a person would say it."""
        return _WORDS[self]


# What a person said; no clause of a procedure stands behind it.
BY_OPERATOR = frozenset({Reason.NOBODY_THERE, Reason.COVERED_BY_OPERATOR})

_WORDS = {
    Reason.CONSENTED: "consent covers this purpose",
    Reason.NOBODY_THERE: "no face: somebody looked and nobody is there",
    Reason.COVERED_BY_OPERATOR: "covered by the operator",
    Reason.NO_MATCH: "nobody of the roster",
    Reason.AMBIGUOUS: "could be more than one person",
    Reason.NOT_COMPARABLE: "too small, blurred or turned to compare",
    Reason.CONTRADICTED: "photos of this event disagree about who it is",
    Reason.NO_RECOGNITION: "recognition is off, everybody is covered",
    Reason.FOUND_BY_CHECK: "found only by the check of the finished picture",
    Reason.DO_NOT_PUBLISH: "do not publish",
    Reason.COURT_ORDER: "a court order",
    Reason.CULTURAL_HOLD: "a cultural hold",
    Reason.WITHDRAWN: "consent was withdrawn",
    Reason.PERSONAL_ACCOUNT: "no consent speaks for personal accounts",
    Reason.NO_BIOMETRICS: "may not be recognised",
    Reason.REFUSED: "consent refused for this purpose",
    Reason.BLANK: "no answer for this purpose",
    Reason.UNKNOWN_VALUE: "the roster's answer is not understood",
    Reason.CONFLICTING: "the roster's rows disagree",
    Reason.UNSIGNED: "nobody signed",
    Reason.SIGNER_UNTOLD: "in what role the form was signed is not told",
    Reason.SIGNER_NOT_ENTITLED: "whoever signed may not consent for this person",
    Reason.UNDATED: "no usable date of signature or end",
    Reason.SIGNED_IN_FUTURE: "signed later than today",
    Reason.NOT_YET_VALID: "consent does not hold yet",
    Reason.EXPIRED: "consent has run out",
    Reason.NO_SIGN_OFF: "a sign-off that the procedure asks for is missing",
    Reason.NOT_ATTESTED: "the operator has not attested what the procedure asks for",
    Reason.NOT_REGISTERED: "the destination is not registered",
    Reason.NOT_INDEPENDENT: "not known to be both of age and independent",
    Reason.GUARDIAN_MISSING: "not every guardian has said yes",
    Reason.LIMIT_REACHED: "published as often as the procedure allows",
    Reason.GROUP_TOO_SMALL: "too few people in the photo for the procedure",
    Reason.FACE_TOO_LARGE: "too close for the procedure",
    Reason.FIRST_NAME_ONLY: "the procedure allows first names only",
}
