"""Search the gallery for a face: 1:N, open set. Only a clear match names a person."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Self

import numpy as np

from consent.model import Reference
from imgguard.calibration import Calibration, default_calibration
from imgguard.errors import SetupError
from imgguard.threshold import DEFAULT_FPIR, asked_people, blocks, own_threshold, size_threshold
from imgguard.types import Candidate, Embedding, Identification, Outcome, Probe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgguard.types import Floats

Families = Mapping[str, frozenset[str]]

MIN_LEAD = 0.1
FAMILY_LEAD = 0.2
_SHOWN_CANDIDATES = 5
_SHOWN_PAIRS = 5
# Of the score above which a gallery's own people ask for much more than the calibration does.
_ALIKE = 0.1
_DIMENSIONS = 128
# So many faces are held against the gallery in one product: it is read once for all of them.
_AT_ONCE = 32
# More than a score can be off by in single precision, whatever the order in which a product is summed.
_ROUNDING = 1e-4
# The mean of unit vectors of one person is nearly one long; of opposite ones, nothing is left to point anywhere.
_LEAST_LENGTH = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """The references of some people and what they average to.

    Attributes:
        subject_ids: The people, sorted.
        means: (N, 128) float32 unit vectors, one a person.
        vectors: (M, 128) float32 unit vectors, one a reference.
        owners: (M,) numbers of the people whose they are.
        model_id: The embedder that made them; empty where there are none.
    """

    subject_ids: tuple[str, ...]
    means: Floats
    vectors: Floats
    owners: NDArray[np.intp]
    model_id: str


def average(references: Iterable[Reference]) -> Templates:
    """Average the references of each person: the mean of unit vectors, made unit length again.

    Raises:
        SetupError: if the references come from different models or cannot be averaged.
    """
    given = sorted(references, key=lambda reference: reference.subject_id)
    models = {reference.model_id for reference in given}
    if len(models) > 1:
        raise SetupError(
            f"The references come from different models ({', '.join(sorted(models))})", "Enrol everybody anew."
        )
    ids, owners = np.unique(np.array([reference.subject_id for reference in given], object), return_inverse=True)
    found = [np.frombuffer(reference.template, "<f4") for reference in given]
    vectors = np.array(found, np.float32).reshape(-1, _DIMENSIONS)
    means = np.zeros((len(ids), _DIMENSIONS), np.float32)
    np.add.at(means, owners, vectors)
    means /= np.maximum(np.bincount(owners, minlength=len(ids)), 1)[:, None]
    lengths = np.linalg.norm(means, axis=1)
    usable = np.isfinite(lengths) & (lengths > _LEAST_LENGTH)
    if not usable.all():
        raise SetupError(f"The references of {', '.join(ids[~usable])} cannot be averaged", "Enrol them anew.")
    means /= lengths[:, None]
    means.setflags(write=False)
    return Templates(tuple(ids.tolist()), means, vectors, owners, next(iter(models), ""))


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
        families: For each person what relatives share.
        difficulty: How hard its people are to tell apart.
        threshold: The score that a match needs.
    """

    def __init__(self, people: Templates, families: Families, fpir: float, calibration: Calibration) -> None:
        """Hold templates; use `from_references` to make them."""
        self.subject_ids = people.subject_ids
        self.templates = people.means
        self.model_id = people.model_id
        self.families = families
        self._calibration = calibration
        self._prepared = calibration.prepare(people.means)
        probes = calibration.prepare(people.vectors)
        references = len(people.vectors) / max(len(people.subject_ids), 1)
        self.difficulty = Difficulty(
            people=len(people.subject_ids),
            calibrated=size_threshold(len(people.subject_ids), calibration, fpir, references),
            own=own_threshold(probes, people.owners, self._prepared, calibration, fpir),
            closest=self._closest(),
        )
        self.threshold = self.difficulty.threshold

    @classmethod
    def from_references(
        cls,
        references: Iterable[Reference],
        fpir: float = DEFAULT_FPIR,
        on: date | None = None,
        *,
        families: Families | None = None,
        calibration: Calibration | None = None,
    ) -> Self:
        """Build a gallery; several references of a person are averaged, expired ones are left out.

        Args:
            references: Templates of the people to be found again.
            fpir: Accepted share of strangers who get a match, above 0 and below 1.
            on: The day of use; None for today.
            families: For each subject_id what relatives share (family name, guardian); relatives have to be told
                apart more clearly.
            calibration: How strangers score with the embedder; None for what comes with imgguard.

        Raises:
            SetupError: if the templates come from different models or from one that the calibration is not for, or
                are no unit vectors.
            ValueError: if the rate is none.

        >>> Gallery.from_references([]).subject_ids
        ()
        """
        if not 0 < fpir < 1:
            raise ValueError(f"{fpir} is not a rate above 0 and below 1")
        calibration = calibration or default_calibration()
        day = on or date.today()
        people = average(reference for reference in references if reference.expires_on >= day)
        if people.model_id not in ("", calibration.model_id):
            raise SetupError(
                f"The references come from {people.model_id}, the thresholds were measured with {calibration.model_id}",
                "Enrol everybody anew with this version of imgguard.",
            )
        return cls(people, families or {}, fpir, calibration)

    def _closest(self) -> tuple[tuple[str, str, float], ...]:
        found: list[tuple[float, int, int]] = []
        columns = np.arange(len(self.subject_ids))
        asked = asked_people(len(columns))
        for rows in blocks(asked, len(columns)):
            scores = self._prepared[rows] @ self._prepared.T
            # A pair is seen once, where both of them are asked, and nobody with themselves.
            for score, row in zip(scores, rows, strict=True):
                score[asked[: np.searchsorted(asked, row, "right")]] = -np.inf
            # The best pairs are among those of the rows whose best are highest.
            some = np.sort(_best(scores.max(axis=1), _SHOWN_PAIRS))
            rows, scores = rows[some], scores[some]
            best = _best(scores.ravel(), _SHOWN_PAIRS)
            pairs = zip(rows[best // len(columns)].tolist(), (best % len(columns)).tolist(), strict=True)
            found += [(float(scores.flat[at]), min(pair), max(pair)) for at, pair in zip(best, pairs, strict=True)]
        shown = sorted(found, key=lambda pair: (-pair[0], *pair[1:]))[:_SHOWN_PAIRS]
        return tuple((self.subject_ids[i], self.subject_ids[j], score) for score, i, j in shown if score > -np.inf)

    def __len__(self) -> int:
        """The number of enrolled people."""
        return len(self.subject_ids)

    def identify(self, probe: Probe) -> Identification:
        """Search for one face.

        Raises:
            SetupError: if the probe was embedded by another model than the gallery.
        """
        return self.identify_all([probe])[0]

    def identify_all(self, probes: Iterable[Probe]) -> tuple[Identification, ...]:
        """Search for several faces at once, which costs a large gallery much less than one after the other.

        Raises:
            SetupError: if a probe was embedded by another model than the gallery.
        """
        given = tuple(probes)
        ranked = self._ranked([probe.embedding for probe in given if probe.embedding is not None])
        return tuple(self._found(probe, None if probe.embedding is None else next(ranked)) for probe in given)

    def _found(self, probe: Probe, candidates: tuple[Candidate, ...] | None) -> Identification:
        if candidates is None:
            return Identification(probe, (), Outcome.NOT_COMPARABLE, self.threshold)
        return Identification(probe, candidates, self._outcome(candidates), self.threshold)

    def similarity(self, embedding: Embedding) -> float:
        """Give the score of the most similar person; -1 where nobody is enrolled."""
        return max((candidate.score for candidate in next(self._ranked([embedding]))), default=-1.0)

    def _ranked(self, embeddings: Sequence[Embedding]) -> Iterator[tuple[Candidate, ...]]:
        """Give for each face the people who are most like it, the first of the gallery first where they are equal."""
        if not self.subject_ids:
            yield from (() for _ in embeddings)
            return
        for embedding in embeddings:
            self._require_model(embedding)
        for start in range(0, len(embeddings), _AT_ONCE):
            some = embeddings[start : start + _AT_ONCE]
            faces = np.array([self._calibration.prepare(embedding.vector) for embedding in some], np.float32)
            for face, scores in zip(faces, faces @ self._prepared.T, strict=True):
                yield self._candidates(face, scores)

    def _require_model(self, embedding: Embedding) -> None:
        if embedding.model_id != self.model_id:
            raise SetupError(
                f"The gallery was made with {self.model_id}, the face with {embedding.model_id}",
                "Enrol everybody anew.",
            )

    def _candidates(self, face: Floats, rough: Floats) -> tuple[Candidate, ...]:
        """Rank those of a gallery who can be among the best.

        They are compared once more by themselves and in double precision: a product of many faces with many people is
        summed in an order that depends on how many there are, and a face has to score the same in any company.
        """
        near = _near_best(rough, _SHOWN_CANDIDATES)
        scores = (self._prepared[near].astype(np.float64) * face).sum(axis=1)
        best = np.argsort(-scores, kind="stable")[:_SHOWN_CANDIDATES]
        return tuple(Candidate(self.subject_ids[near[i]], float(scores[i])) for i in best)

    def _outcome(self, candidates: Sequence[Candidate]) -> Outcome:
        # Asked as what has to hold, so that a score that is not a number never counts as one.
        if not candidates or not candidates[0].score >= self.threshold:
            return Outcome.NON_MATCH
        return Outcome.MATCH if self.leads(candidates) else Outcome.AMBIGUOUS

    def _is_ahead(self, best: Candidate, other: Candidate) -> bool:
        """Say whether the best is told apart from another, relatives with more certainty."""
        ours, theirs = (self.families.get(one.subject_id, frozenset()) for one in (best, other))
        return best.score - other.score >= (FAMILY_LEAD if ours & theirs else MIN_LEAD)

    def leads(self, candidates: Sequence[Candidate]) -> bool:
        """Say whether the first candidate is clearly ahead of all others, whatever its score."""
        return bool(candidates) and all(self._is_ahead(candidates[0], other) for other in candidates[1:])

    def rivals(self, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Give the first candidate and those from whom it cannot be told apart."""
        return tuple(one for n, one in enumerate(candidates) if n == 0 or not self._is_ahead(candidates[0], one))

    def prepare(self, embeddings: Sequence[Embedding]) -> Floats:
        """Make faces comparable with each other: the dot product of two rows is their score.

        Returns:
            (N, 128) float32.
        """
        vectors = np.array([embedding.vector for embedding in embeddings], np.float32)
        return self._calibration.prepare(vectors.reshape(-1, _DIMENSIONS))

    def score_with(self, prepared: Floats, subject_id: str) -> float:
        """Compare a prepared face with one enrolled person.

        Raises:
            ValueError: if nobody of that number is enrolled.
        """
        at = bisect_left(self.subject_ids, subject_id)
        if self.subject_ids[at : at + 1] != (subject_id,):
            raise ValueError(f"{subject_id} is not enrolled")
        return float(prepared @ self._prepared[at])


def _near_best(scores: Floats, count: int) -> NDArray[np.intp]:
    """Places of the `count` highest scores and of those that are as high but for rounding, in order of place."""
    if len(scores) <= count or not np.isfinite(scores).all():
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    return np.flatnonzero(scores >= least - _ROUNDING)


def _best(scores: Floats, count: int) -> NDArray[np.intp]:
    """Places of the `count` highest scores, the highest first, and the first place first where they are equal."""
    near = _near_best(scores, count)
    return near[np.argsort(-scores[near], kind="stable")[:count]]


def identify_photo(probes: Iterable[Probe], gallery: Gallery) -> tuple[Identification, ...]:
    """Search for all faces of one photo; nobody can be in it twice.

    Where two faces match one person, the better match keeps the name and the others become ambiguous.
    """
    found = list(gallery.identify_all(probes))
    best: dict[str, int] = {}
    for index in sorted(range(len(found)), key=lambda i: -_best_score(found[i])):
        subject_id = found[index].subject_id
        if subject_id is not None and best.setdefault(subject_id, index) != index:
            found[index] = replace(found[index], outcome=Outcome.AMBIGUOUS)
    return tuple(found)


def _best_score(identification: Identification) -> float:
    return identification.candidates[0].score if identification.candidates else -1.0
