"""The figures of a run, as the charts of its page show them: counted from its record, and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from consent.reasons import Verdict
from consent.run_facts import RunFacts

# How many faces a photo has, in steps: the last begins with its number and has no end.
_STEPS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, None))


@dataclass(frozen=True, slots=True)
class Reasoned:
    """Faces that were kept or covered for one reason.

    Attributes:
        verdict: "keep" or "cover".
        reason: Why, as it is recorded.
        clauses: The clauses behind it.
        faces: How many.
    """

    verdict: str
    reason: str
    clauses: str
    faces: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to.

    Attributes:
        published: Photos.
        refused: Photos.
        there_already: Photos that were left alone.
        kept: Faces of published photos.
        covered: Faces of published photos.
        people: Different people who are to be seen.
        by_hand: What a person said of faces of published photos.
        reasons: Faces by reason, kept ones first, then the most frequent.
        refusals: Refused photos by kind, the most frequent first.
        faces: Published photos by how many faces are on them: first, last (None for no end) and how many photos.
    """

    published: int
    refused: int
    there_already: int
    kept: int
    covered: int
    people: int
    by_hand: int
    reasons: tuple[Reasoned, ...]
    refusals: tuple[tuple[str, int], ...]
    faces: tuple[tuple[int, int | None, int], ...]


def figures_of(run: RunFacts) -> Figures:
    """Count what a run came to."""
    kept = sum(face.kept for face in run.faces)
    refusals = Counter(photo.refusal or "" for photo in run.refused)
    return Figures(
        published=len(run.published),
        refused=len(run.refused),
        there_already=len(run.there_already),
        kept=kept,
        covered=len(run.faces) - kept,
        people=len({face.subject_id for face in run.faces if face.kept and face.subject_id}),
        by_hand=sum(len(photo.overrides) for photo in run.published),
        reasons=_reasons(run),
        refusals=tuple(sorted(refusals.items(), key=lambda item: (-item[1], item[0]))),
        faces=_faces(run),
    )


def _reasons(run: RunFacts) -> tuple[Reasoned, ...]:
    counted, clauses = Counter[tuple[str, str]](), dict[tuple[str, str], list[str]]()
    for verdict, reason, clause, faces in run.reasons():
        counted[verdict, reason] += faces
        clauses.setdefault((verdict, reason), []).extend([clause] if clause else [])
    order = sorted(counted.items(), key=lambda item: (item[0][0] != Verdict.KEEP, -item[1], item[0]))
    return tuple(Reasoned(*key, ", ".join(clauses[key]), faces) for key, faces in order)


def _faces(run: RunFacts) -> tuple[tuple[int, int | None, int], ...]:
    sizes = [len(photo.faces) for photo in run.published]
    steps = ((first, last, sum(first <= n and (last is None or n <= last) for n in sizes)) for first, last in _STEPS)
    found = [step for step in steps if sizes]
    while found and not found[-1][2]:
        found.pop()
    return tuple(found)
