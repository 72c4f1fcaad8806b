"""Search the gallery for a face: 1:N, open set. Only a clear match names a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Self

import numpy as np

from consent.model import Reference
from imgguard.errors import SetupError
from imgguard.threshold import DEFAULT_FPIR, own_threshold, size_threshold
from imgguard.types import Candidate, Embedding, Identification, Outcome, Probe

if TYPE_CHECKING:
    from imgguard.types import Floats

MIN_LEAD = 0.1
_SHOWN_CANDIDATES = 5
_SHOWN_PAIRS = 5
# Of the score above which a gallery's own people ask for much more than the calibration does.
_ALIKE = 0.1
_DIMENSIONS = 128
# The mean of unit vectors of one person is nearly one long; of opposite ones, nothing is left to point anywhere.
_LEAST_LENGTH = 0.1


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How hard the people of a gallery are to tell apart, and the threshold that follows.

    Attributes:
        people: How many are enrolled.
        calibrated: The score that strangers reach no more often than accepted, for as many people who are easy to
            tell apart.
        own: The score that this gallery's own people ask for; None where they are too few to show anything.
        closest: The pairs of enrolled people who are most alike, (subject_id, subject_id, score), at most five.
    """

    people: int
    calibrated: float
    own: float | None
    closest: tuple[tuple[str, str, float], ...]

    @property
    def threshold(self) -> float:
        """The stricter of the two."""
        return self.calibrated if self.own is None else max(self.calibrated, self.own)

    @property
    def words(self) -> str:
        """The difficulty as a person would say it."""
        if self.own is None:
            return "too few people to tell"
        excess = self.own - self.calibrated
        return "easy to tell apart" if excess <= 0 else "somewhat alike" if excess < _ALIKE else "very much alike"


class Gallery:
    """The enrolment database of one run, in memory only.

    Attributes:
        subject_ids: The enrolled people, in the order of `templates`.
        templates: (N, 128) float32 unit vectors: the mean of each person's references.
        model_id: The embedder whose vectors they are; empty for an empty gallery.
        difficulty: How hard its people are to tell apart.
        threshold: The score that a match needs.
    """

    def __init__(self, subject_ids: tuple[str, ...], templates: Floats, model_id: str, fpir: float) -> None:
        """Hold templates; use `from_references` to make them."""
        self.subject_ids = subject_ids
        self.templates = templates
        self.model_id = model_id
        self.difficulty = Difficulty(
            people=len(subject_ids),
            calibrated=size_threshold(len(subject_ids), fpir),
            own=own_threshold(templates, fpir),
            closest=self._closest(),
        )
        self.threshold = self.difficulty.threshold

    @classmethod
    def from_references(
        cls, references: Iterable[Reference], fpir: float = DEFAULT_FPIR, on: date | None = None
    ) -> Self:
        """Build a gallery; several references of a person are averaged, expired ones are left out.

        Args:
            references: Templates of the people to be found again.
            on: The day of use; None for today.
            fpir: Accepted share of strangers who get a match, 0 to 1.

        Raises:
            SetupError: if the templates come from different models, or are no unit vectors.

        >>> Gallery.from_references([]).subject_ids
        ()
        """
        vectors: dict[str, list[Floats]] = defaultdict(list)
        models = set()
        day = on or date.today()
        for reference in references:
            if reference.expires_on < day:
                continue
            vectors[reference.subject_id].append(np.frombuffer(reference.template, "<f4").astype(np.float32))
            models.add(reference.model_id)
        if len(models) > 1:
            raise SetupError(
                f"The references come from different models ({', '.join(sorted(models))})", "Enrol everybody anew."
            )
        ids = tuple(sorted(vectors))
        means = [np.mean(vectors[subject_id], axis=0) for subject_id in ids]
        lengths = np.array([np.linalg.norm(mean) for mean in means], np.float32)
        if not (np.isfinite(lengths) & (lengths > _LEAST_LENGTH)).all():
            worst = [subject_id for subject_id, length in zip(ids, lengths, strict=True) if not length > _LEAST_LENGTH]
            raise SetupError(f"The references of {', '.join(worst)} cannot be averaged", "Enrol them anew.")
        templates = np.array(means, np.float32).reshape(len(ids), _DIMENSIONS) / lengths[:, None]
        templates.setflags(write=False)
        return cls(ids, templates, next(iter(models), ""), fpir)

    def _closest(self) -> tuple[tuple[str, str, float], ...]:
        ones, others = np.triu_indices(len(self.subject_ids), 1)
        scores = (self.templates @ self.templates.T)[ones, others]
        best = np.argsort(-scores, kind="stable")[:_SHOWN_PAIRS]
        return tuple((self.subject_ids[ones[i]], self.subject_ids[others[i]], float(scores[i])) for i in best)

    def __len__(self) -> int:
        """The number of enrolled people."""
        return len(self.subject_ids)

    def identify(self, probe: Probe) -> Identification:
        """Search for one face.

        Raises:
            SetupError: if the probe was embedded by another model than the gallery.
        """
        if probe.embedding is None:
            return Identification(probe, (), Outcome.NOT_COMPARABLE, self.threshold)
        candidates = self._ranked(probe.embedding)
        return Identification(probe, candidates, self._outcome(candidates), self.threshold)

    def similarity(self, embedding: Embedding) -> float:
        """Give the score of the most similar person; -1 where nobody is enrolled."""
        return max((candidate.score for candidate in self._ranked(embedding)), default=-1.0)

    def _ranked(self, embedding: Embedding) -> tuple[Candidate, ...]:
        if not self.subject_ids:
            return ()
        if embedding.model_id != self.model_id:
            raise SetupError(
                f"The gallery was made with {self.model_id}, the face with {embedding.model_id}",
                "Enrol everybody anew.",
            )
        scores = self.templates @ embedding.vector
        best = np.argsort(-scores, kind="stable")[:_SHOWN_CANDIDATES]
        return tuple(Candidate(self.subject_ids[i], float(scores[i])) for i in best)

    def _outcome(self, candidates: Sequence[Candidate]) -> Outcome:
        # Asked as what has to hold, so that a score that is not a number never counts as one.
        if not candidates or not candidates[0].score >= self.threshold:
            return Outcome.NON_MATCH
        if len(candidates) > 1 and not candidates[0].score - candidates[1].score >= MIN_LEAD:
            return Outcome.AMBIGUOUS
        return Outcome.MATCH


def identify_photo(probes: Iterable[Probe], gallery: Gallery) -> tuple[Identification, ...]:
    """Search for all faces of one photo; nobody can be in it twice.

    Where two faces match one person, the better match keeps the name and the others become ambiguous.
    """
    found = [gallery.identify(probe) for probe in probes]
    best: dict[str, int] = {}
    for index in sorted(range(len(found)), key=lambda i: -_best_score(found[i])):
        subject_id = found[index].subject_id
        if subject_id is not None and best.setdefault(subject_id, index) != index:
            found[index] = replace(found[index], outcome=Outcome.AMBIGUOUS)
    return tuple(found)


def _best_score(identification: Identification) -> float:
    return identification.candidates[0].score if identification.candidates else -1.0
