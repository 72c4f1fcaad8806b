"""The people of a school, what they may be published for, and the templates that know them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Purpose(StrEnum):
    """What a photo is published for. Consent to one says nothing about another."""

    IN_SCHOOL = "in_school"
    NEWSLETTER = "newsletter"
    YEARBOOK = "yearbook"
    SCHOOL_WEBSITE = "school_website"
    DIVISION_SOCIAL_MEDIA = "division_social_media"
    MEMBERS_ONLY = "members_only"
    OUTSIDE_MEDIA = "outside_media"


class Answer(StrEnum):
    """What the roster says about one purpose. Only YES can ever lead to a visible face."""

    YES = "yes"
    NO = "no"
    BLANK = "blank"
    UNKNOWN = "unknown"
    CONFLICTING = "conflicting"


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's answer for one purpose, with what makes it hold.

    Attributes:
        purpose: What the answer is about.
        answer: The answer itself.
        signed_by: Who signed the form; empty where nobody did.
        signer_role: In what role (guardian, self, ...); empty where not told.
        signed_on: The day of the signature; None where it is missing or unreadable.
        valid_until: The last day on which it holds; None where it cannot be told.
        form_id: The number of the form; empty where it has none.
        source_row: The row of the roster file, counted from 1 with the header as row 1.
    """

    purpose: Purpose
    answer: Answer
    signed_by: str
    signer_role: str
    signed_on: date | None
    valid_until: date | None
    form_id: str
    source_row: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A person of the roster: a student or a member of staff.

    Attributes:
        subject_id: The student or staff number, as text ("020411" keeps its zero).
        name: First and last name, for people to read; never stored in the record.
        role: As the roster says ("student", "staff", ...).
        group: Class, grade or team; empty where not told.
        biometric_ok: Whether the person may be enrolled. Photo consent does not imply it.
        do_not_publish: Overrides every yes.
        consents: One entry a purpose that the roster has a column for.
        family_name: What relatives may have in common; empty where not told.
    """

    subject_id: str
    name: str
    role: str
    group: str
    biometric_ok: bool
    do_not_publish: bool
    consents: Mapping[Purpose, Consent]
    family_name: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A stored face template of an enrolled person.

    Attributes:
        subject_id: Whose it is.
        template: 128 little-endian float32, a unit vector, as bytes so that it can be encrypted as it is.
        model_id: The embedder that made it; templates of different models cannot be compared.
        taken_on: The day of the ID photo, None where it is not known.
        expires_on: The last day on which it may be used.
    """

    subject_id: str
    template: bytes
    model_id: str
    taken_on: date | None
    expires_on: date
