"""Count how often an attack names the right person, and what may be luck."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_Z = 1.959964
_DRAWS = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """At which place the right person stands in each guess, 0 first.

    Attributes:
        places: (N,).
        group: (N,) whose face it is: guesses about one person are not independent.
    """

    places: np.ndarray
    group: np.ndarray

    def share(self, within: int) -> float:
        """How often the right person is among the first."""
        return float((self.places < within).mean())

    def row(self) -> dict[str, float | int]:
        """For the file of results."""
        low, high = wilson(int((self.places < 1).sum()), len(self.places))
        return {
            "first": round(self.share(1), 5), "low": round(low, 5), "high": round(high, 5),
            "top5": round(self.share(5), 5), "n": len(self.places),
        }  # fmt: skip


def ranks(scores: np.ndarray, truth: np.ndarray, group: np.ndarray | None = None) -> Ranks:
    """Rank people by score, (guesses, people); equal scores in random order."""
    order = np.random.default_rng(6).random(scores.shape)
    own = np.take_along_axis(scores, truth[:, None], axis=1)
    own_order = np.take_along_axis(order, truth[:, None], axis=1)
    ahead = (scores > own) | ((scores == own) & (order < own_order))
    return Ranks(ahead.sum(axis=1), truth if group is None else group)


def joined(parts: list[Ranks]) -> Ranks:
    """Put the guesses of several parts together."""
    return Ranks(np.concatenate([one.places for one in parts]), np.concatenate([one.group for one in parts]))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share, square = hits / n, _Z * _Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def luck(chance: float, n: int) -> tuple[float, float]:
    """Between which shares a guess at random lies in 95 % of cases (binomial)."""
    hits = np.arange(n + 1)
    choices = np.array([math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in hits])
    ways = np.exp(choices + hits * math.log(chance) + (n - hits) * math.log1p(-chance))
    below = np.cumsum(ways)
    return int(np.searchsorted(below, 0.025)) / n, int(np.searchsorted(below, 0.975)) / n


def more(attack: Ranks, base: Ranks, within: int) -> tuple[float, float]:
    """The 95 % interval of how much more often an attack is right than another one on the same faces.

    Bootstrap over people, since guesses about one person stand and fall together.
    """
    gain = (attack.places < within).astype(float) - (base.places < within)
    people = np.unique(attack.group)
    sums = np.array([gain[attack.group == one].sum() for one in people])
    drawn = np.random.default_rng(7).integers(len(people), size=(_DRAWS, len(people)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / len(gain), (0.025, 0.975))
    return round(float(low), 5), round(float(high), 5)
