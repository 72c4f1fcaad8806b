"""What holds for every photo of a run. Plain values, so that worker processes can be given them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from consent.model import Purpose, Subject
from consent.policy import Decision, Unidentified, Verdict, decide
from imgguard.identify import Gallery
from imgguard.types import Format, Identification, Outcome, Style

_UNIDENTIFIED = {
    Outcome.NON_MATCH: Unidentified.NO_MATCH,
    Outcome.AMBIGUOUS: Unidentified.AMBIGUOUS,
    Outcome.NOT_COMPARABLE: Unidentified.NOT_COMPARABLE,
    Outcome.CONTRADICTED: Unidentified.CONTRADICTED,
}


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
    """

    purpose: Purpose | None
    subjects: Mapping[str, Subject]
    gallery: Gallery | None
    on: date
    style: Style
    format: Format | None

    def decide(self, identification: Identification) -> Decision:
        """Decide about a face after the search for it."""
        if self.purpose is None:
            return cover_because(Unidentified.NO_RECOGNITION)
        if identification.outcome is not Outcome.MATCH:
            return decide(_UNIDENTIFIED[identification.outcome], self.purpose, self.on)
        person = self.subjects.get(identification.subject_id or "")
        return decide(Unidentified.NO_MATCH if person is None else person, self.purpose, self.on)


def cover_because(why: Unidentified) -> Decision:
    """Decide to cover somebody whom nobody can name."""
    decision = decide(why, Purpose.IN_SCHOOL, date.max)
    assert decision.verdict is Verdict.COVER
    return decision
