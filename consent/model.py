"""The people of a school, what they may be published for, and the templates that know them again."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    # No form that a school collects speaks for somebody's own account: see `consent.policy`.
    PERSONAL_ACCOUNT = "personal_account"


# What a roster may have an answer for.
ASKED_PURPOSES = tuple(purpose for purpose in Purpose if purpose is not Purpose.PERSONAL_ACCOUNT)


class Aspect(StrEnum):
    """What of a person is published. Each needs a yes of its own: a photo may be shown and the name not."""

    PHOTO = "photo"
    WORK = "work"
    FIRST_NAME = "first_name"
    FULL_NAME = "full_name"


class Answer(StrEnum):
    """What the roster says about one purpose. Only YES can ever lead to a visible face."""

    YES = "yes"
    NO = "no"
    BLANK = "blank"
    UNKNOWN = "unknown"
    CONFLICTING = "conflicting"


class SignerRole(StrEnum):
    """In what role somebody signs. Only guardians and the people themselves can consent to being shown."""

    GUARDIAN = "guardian"
    SELF = "self"
    PRINCIPAL = "principal"
    SUPERVISOR = "supervisor"
    SECOND_ADMINISTRATOR = "second_administrator"
    UNTOLD = "untold"


class Hold(StrEnum):
    """What overrides every yes, whoever signed it."""

    DO_NOT_PUBLISH = "do_not_publish"
    COURT_ORDER = "court_order"
    CULTURAL_HOLD = "cultural_hold"


@dataclass(frozen=True, slots=True)
class Consent:
    """One signer's answer about one person, purpose and aspect, with what makes it hold.

    Attributes:
        purpose: What the answer is about.
        answer: The answer itself.
        signed_by: Who signed the form; empty where nobody did.
        signer_role: In what role.
        signed_on: The day of the signature; None where it is missing or unreadable.
        valid_until: The last day on which it holds; None where it cannot be told.
        form_id: The number of the form; empty where it has none.
        source_row: The row of the roster file, counted from 1 with the header as row 1.
        aspect: What of the person it is about.
        valid_from: The first day on which it holds; None for the day of the signature.
        source_sha256: Digest of the roster file, hexadecimal; empty where there is none.
    """

    purpose: Purpose
    answer: Answer
    signed_by: str
    signer_role: SignerRole
    signed_on: date | None
    valid_until: date | None
    form_id: str
    source_row: int
    aspect: Aspect = Aspect.PHOTO
    valid_from: date | None = None
    source_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A person of the roster: a student or a member of staff.

    Attributes:
        subject_id: The student or staff number, as text ("020411" keeps its zero).
        given_name: First name; empty where not told.
        family_name: Last name, which relatives may have in common; empty where not told.
        role: As the roster says ("student", "staff", ...); whoever is not told to be staff counts as a student.
        group: Class, grade or team; empty where not told.
        biometric_ok: Whether the person may be enrolled. Photo consent does not imply it.
        holds: What overrides every yes.
        consents: Every answer that the roster has about the person.
        birth_date: None where not told.
        independent: Whether the person is an independent student, who decides like somebody of age.
        guardians: Who has a say besides those who signed, where the roster names them.
        withdrawn: The purposes for which consent was taken back; see `consent.withdrawals`.
    """

    subject_id: str
    given_name: str = ""
    family_name: str = ""
    role: str = ""
    group: str = ""
    biometric_ok: bool = False
    holds: frozenset[Hold] = frozenset()
    consents: tuple[Consent, ...] = ()
    birth_date: date | None = None
    independent: bool = False
    guardians: frozenset[str] = frozenset()
    withdrawn: frozenset[Purpose] = frozenset()

    @property
    def name(self) -> str:
        """First and last name, for people to read."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def is_staff(self) -> bool:
        """Whether the person works here; a role that nobody understands is a student's, who is protected more."""
        return self.role.strip().casefold() in _STAFF

    def asked(self, purpose: Purpose, aspect: Aspect = Aspect.PHOTO) -> tuple[Consent, ...]:
        """Give every answer about one purpose and aspect."""
        return tuple(c for c in self.consents if c.purpose is purpose and c.aspect is aspect)

    def age(self, on: date) -> int | None:
        """Give the age in full years on a day; None where the birth date is not told."""
        if self.birth_date is None:
            return None
        before = (on.month, on.day) < (self.birth_date.month, self.birth_date.day)
        return on.year - self.birth_date.year - before


_STAFF = {"staff", "teacher", "employee", "volunteer", "visitor", "adult"}


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
    template: bytes = field(repr=False)
    model_id: str
    taken_on: date | None
    expires_on: date
