"""The parrot: heads that learn to tell people apart by covered pictures of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attack_count import Ranks, joined, ranks

FOLDS = 4
_COMPONENTS = 60
_SHRINK = 0.3
_RIDGE = 1.0

Head = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


def class_mean(seen: np.ndarray, whose: np.ndarray, probes: np.ndarray, people: int) -> np.ndarray:
    """Cosine to each person's mean."""
    means = np.array([seen[whose == person].mean(axis=0) for person in range(people)])
    return _unit(probes) @ _unit(means).T


def nearest(seen: np.ndarray, whose: np.ndarray, probes: np.ndarray, people: int) -> np.ndarray:
    """Cosine to each person's most similar picture."""
    near = _unit(probes) @ _unit(seen).T
    return np.stack([near[:, whose == person].max(axis=1) for person in range(people)], axis=1)


def discriminant(seen: np.ndarray, whose: np.ndarray, probes: np.ndarray, people: int) -> np.ndarray:
    """Linear discriminant analysis, the covariance shrunk towards the identity."""
    means = np.array([seen[whose == person].mean(axis=0) for person in range(people)])
    apart = seen - means[whose]
    within = apart.T @ apart / len(seen)
    spread = np.trace(within) / len(within) + 1e-9
    axes = np.linalg.solve((1 - _SHRINK) * within + _SHRINK * spread * np.eye(len(within)), means.T)
    return np.asarray(probes @ axes - (means * axes.T).sum(axis=1) / 2)


def ridge(seen: np.ndarray, whose: np.ndarray, probes: np.ndarray, people: int) -> np.ndarray:
    """Ridge regression to one column a person."""
    wanted = np.eye(people)[whose] - 1 / people
    inner = seen.T @ seen + _RIDGE * len(seen) * np.eye(seen.shape[1])
    return np.asarray(probes @ np.linalg.solve(inner, seen.T @ wanted))


HEADS: tuple[Head, ...] = (class_mean, nearest, discriminant, ridge)


def parrot(views: dict[str, np.ndarray], whose: np.ndarray, fold: np.ndarray) -> Ranks:
    """Name each picture by a head that has learned from the pictures of the other folds.

    View and head are chosen on the folds that are learned from: each in turn is held back.

    Args:
        views: What the attacker makes of each picture, (pictures, features) each.
        whose: (pictures,) the person.
        fold: (pictures,) 0 to FOLDS - 1; every person is in every fold.
    """
    parts = []
    for test in range(FOLDS):
        rest = [one for one in range(FOLDS) if one != test]
        tried = [_all_heads(views, whose, fold, [one for one in rest if one != held], held) for held in rest]
        tries = {key: joined([one[key] for one in tried]) for key in tried[0]}
        best = max(tries, key=lambda key: (tries[key].share(1), tries[key].share(5)))
        parts.append(_all_heads({best[0]: views[best[0]]}, whose, fold, rest, test)[best])
    whole = joined(parts)
    back = np.argsort(np.concatenate([np.flatnonzero(fold == test) for test in range(FOLDS)]))
    return Ranks(whole.places[back], whole.group[back])


def _all_heads(
    views: dict[str, np.ndarray], whose: np.ndarray, fold: np.ndarray, learned: list[int], asked: int
) -> dict[tuple[str, int], Ranks]:
    seen, probes = np.isin(fold, learned), fold == asked
    people = int(whose.max()) + 1
    found = {}
    for name, view in views.items():
        known, unknown = standardised(view[seen], view[probes])
        for number, head in enumerate(HEADS):
            found[name, number] = ranks(head(known, whose[seen], unknown, people), whose[probes])
    return found


def standardised(seen: np.ndarray, probes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and scale by what was learned from; many features become principal components."""
    middle, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-6
    known, unknown = (seen - middle) / spread, (probes - middle) / spread
    if known.shape[1] <= 2 * _COMPONENTS + 10:
        return known, unknown
    _, _, axes = np.linalg.svd(known, full_matrices=False)
    main = axes[:_COMPONENTS].T
    scale = (known @ main).std(axis=0) + 1e-6
    return known @ main / scale, unknown @ main / scale


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
