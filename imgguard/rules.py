"""What holds for every photo of a run. Plain values, so that worker processes can be given them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from consent.model import Purpose, Subject
from consent.policy import Decision, Reason, Unidentified, Verdict, decide
from consent.procedures import STRICT, UNTOLD, Circumstances, Policy
from imgguard.errors import SetupError
from imgguard.identify import Gallery
from imgguard.marks import Mark
from imgguard.scales import Search
from imgguard.threshold import DEFAULT_FPIR
from imgguard.types import Extent, Format, Identification, Outcome, Picture, Required, Style, Treatment

# Below, no gallery could tell anybody apart; above, the rule that unclear means covered would be given up.
LEAST_FPIR, MOST_FPIR = 0.000001, 0.01

_UNIDENTIFIED: Mapping[Outcome | None, Unidentified] = {
    None: Unidentified.NO_RECOGNITION,
    Outcome.NON_MATCH: Unidentified.NO_MATCH,
    Outcome.AMBIGUOUS: Unidentified.AMBIGUOUS,
    Outcome.NOT_COMPARABLE: Unidentified.NOT_COMPARABLE,
    Outcome.CONTRADICTED: Unidentified.CONTRADICTED,
}


@dataclass(frozen=True, slots=True, eq=False)
class Covering:
    """What is told about covers besides their style.

    Attributes:
        picture: What covers of style `image` show.
        extent: How much of a person a cover takes.
        treatment: What is done where somebody must not be seen.
    """

    picture: Picture | None = None
    extent: Extent = Extent.FACE
    treatment: Treatment = Treatment.COVER


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The rules of a run.

    Attributes:
        purpose: What the photos are published for; None where everybody is covered anyway.
        subjects: The people of the roster, by number.
        gallery: Who can be known again; None where recognition is off.
        on: The day for which consents have to hold.
        style: How covers look.
        format: The container to write; None for the source's own.
        search: How much time is taken to find faces.
        groups: The groups whose people are enrolled; empty for everybody.
        fpir: Accepted share of strangers who are left visible by mistake.
        credit: A line of credit to put into what is published; None for none.
        keep_orientation_tag: Whether JPEGs stay as they are stored, with a tag that says how to turn them.
        covering: What else is told about covers.
        policy: The division's procedure.
        circumstances: What its rules have to know and is the same for every photo.
        required: Who must be covered whoever they are taken for, by the digest of the photo; see `imgguard.required`.
        published: By number, the sources of the photos that showed somebody lately, where the policy counts them.
        marks: What a person said about photos, in the order in which it was said, by the digest of the photo.
        destination: Where to, by its registered name; empty where that is not told.
    """

    purpose: Purpose | None
    subjects: Mapping[str, Subject]
    gallery: Gallery | None
    on: date
    style: Style
    format: Format | None
    search: Search = Search.NORMAL
    groups: tuple[str, ...] = ()
    fpir: float = DEFAULT_FPIR
    credit: str | None = None
    keep_orientation_tag: bool = False
    covering: Covering = Covering()
    policy: Policy = STRICT
    circumstances: Circumstances = UNTOLD
    required: Mapping[str, tuple[Required, ...]] = field(default_factory=dict)
    published: Mapping[str, frozenset[str]] = field(default_factory=dict)
    marks: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    destination: str = ""

    @property
    def counts(self) -> bool:
        """Whether it matters how often somebody was published."""
        return self.purpose is not None and self.policy.limit_days(self.purpose) is not None

    def decide(self, identification: Identification, circumstances: Circumstances) -> Decision:
        """Decide about a face after the search for it, or after a person said who it is.

        Args:
            identification: Who was found.
            circumstances: What is known of the publication and of this face.
        """
        if identification.nobody:
            return Decision(Verdict.KEEP, Reason.NOBODY_THERE, None)
        if self.purpose is None:
            return self.cover_because(Unidentified.NO_RECOGNITION)
        if identification.outcome in _UNIDENTIFIED:
            return self.cover_because(_UNIDENTIFIED[identification.outcome])
        person = self.subjects.get(identification.subject_id or "")
        if person is None:
            return self.cover_because(Unidentified.NO_MATCH)
        if identification.outcome is Outcome.CONFIRMED:
            # Nobody was recognised by a machine, which is all that this asks about.
            person = replace(person, biometric_ok=True)
        return decide(person, self.purpose, self.on, policy=self.policy, circumstances=circumstances)

    def cover_because(self, why: Unidentified) -> Decision:
        """Decide to cover somebody whom nobody can name."""
        decision = decide(why, self.purpose or Purpose.IN_SCHOOL, self.on, policy=self.policy)
        assert decision.verdict is Verdict.COVER
        return decision


def checked_fpir(fpir: float) -> float:
    """Give back an accepted share of strangers left visible by mistake (ISO/IEC 19795-1), if it can be accepted.

    Raises:
        SetupError: if it is no number from 0.000001 to 0.01.

    >>> checked_fpir(0.001)
    0.001
    """
    # Asked as what has to hold, so that what is not a number is refused.
    if isinstance(fpir, int | float) and LEAST_FPIR <= fpir <= MOST_FPIR:
        return float(fpir)
    raise SetupError(
        f"{fpir!r} is not a share of strangers that may be left visible by mistake",
        f"Give a number from {LEAST_FPIR:f} to {MOST_FPIR:g}; 0.001 means one stranger of 1,000 at most.",
    )
