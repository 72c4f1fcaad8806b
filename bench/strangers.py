"""Make a calibration: how people score with those whom they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import numpy as np
from faces import People

from imgguard.backends import default_backends
from imgguard.calibration import Calibration
from imgguard.threshold import nearest_others

FEWEST_PAIRS = 10
SCORES = np.round(np.arange(0.10, 0.75, 0.01), 2)


def templates(people: People, chosen: np.ndarray, references: int, rng: np.random.Generator) -> np.ndarray:
    """One template a person, of up to so many of their pictures."""
    means = [people.vectors[rng.permutation(people.of(p))[:references]].mean(axis=0) for p in chosen]
    return np.array([mean / np.linalg.norm(mean) for mean in means], np.float32)


def stranger_scores(people: People, chosen: np.ndarray, prepare: Callable, references: int, seed: int) -> Iterator:
    """For each picture of the chosen people: its scores with everybody else's templates, and its weight."""
    rng = np.random.default_rng(seed)
    theirs = prepare(templates(people, chosen, references, rng))
    for place, person in enumerate(chosen):
        own = people.of(person)
        scores = prepare(people.vectors[own]) @ theirs.T
        yield np.delete(scores, place, axis=1), 1 / len(own)


def calibrate(people: People, chosen: np.ndarray) -> Calibration:
    """Measure the mean face, the spread and the tails of strangers' scores."""
    ones = np.array([people.vectors[people.of(p)].mean(axis=0) for p in chosen])
    mean = ones.mean(axis=0).astype(np.float32)
    firsts = people.firsts(chosen) - mean
    firsts /= np.linalg.norm(firsts, axis=1, keepdims=True)
    covariance = np.cov(firsts.T).astype(np.float32)
    spread = float(np.sqrt(np.einsum("ij,jk,ik->i", firsts, covariance, firsts)).mean())
    model = default_backends().embedder.model_id
    told = "Labeled Faces in the Wild, deep-funneled grey pictures (LFW-a)"
    made = date.today().isoformat()
    pictures = sum(len(people.of(p)) for p in chosen)
    bare = Calibration(model, made, told, len(chosen), pictures, mean, covariance, spread, {}, ())
    tails = {k: tail_of(people, chosen, bare, k) for k in (1, 3)}
    return replace(bare, tails=tails, nearests=nearests_of(people, chosen, bare))


def tail_of(people: People, chosen: np.ndarray, calibration: Calibration, references: int) -> tuple:
    """Share of comparisons with strangers that reach each score."""
    reached, total = np.zeros(len(SCORES)), 0.0
    for seed in range(3):
        for scores, weight in stranger_scores(people, chosen, calibration.prepare, references, seed):
            ordered = np.sort(scores, axis=None)
            reached += weight * (ordered.size - np.searchsorted(ordered, SCORES))
            total += weight * ordered.size
    shares = reached / total
    # What fewer pairs of people than that reach is chance: whether they have relatives among them.
    least = 2 * FEWEST_PAIRS / len(chosen) ** 2
    return tuple((float(s), float(f"{p:.3g}")) for s, p in zip(SCORES, shares, strict=True) if p >= least)


def nearests_of(people: People, chosen: np.ndarray, calibration: Calibration) -> tuple:
    """How near enrolled people come to each other, by the gallery's size."""
    rng, found = np.random.default_rng(0), []
    for size in (2, 5, 10, 25, 50, 100, 200, 400, 1000):
        values = []
        for _ in range(max(10, 4000 // size) if size <= len(chosen) else 0):
            enrolled = rng.permutation(chosen)[:size]
            theirs = calibration.prepare(templates(people, enrolled, 1, rng))
            values.append(nearest_others(theirs, np.arange(size), theirs))
        if values:
            found.append((size, round(float(np.mean(values)), 4), round(float(np.std(np.concatenate(values))), 4)))
    return tuple(found)
