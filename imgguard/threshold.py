"""How similar is similar enough: the score a match needs, from the gallery's size and from its own people.

The more people are enrolled, the more chances a stranger has to resemble one of them. And the children of one
class resemble each other more than the adults that embedders are measured on; the gallery shows by how much.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from imgguard.types import Floats

# Accepted share of strangers (people who are not enrolled) that get a match.
DEFAULT_FPIR = 0.001

# SFace's authors and OpenCV take two photos of this similarity for the same person, in a comparison of two.
SAME_PERSON = 0.363

# SFace on Labeled Faces in the Wild, 2 million impostor pairs: share of different people at or above a score.
_IMPOSTOR_TAIL = ((0.30, 8.7e-3), (0.363, 1.2e-3), (0.40, 3.1e-4), (0.45, 5.4e-5), (0.50, 1.2e-5), (0.55, 2e-6))
_IMPOSTOR_MEAN, _IMPOSTOR_STD = 0.080, 0.090

# A very small gallery has too few pairs to show how alike its people are, so it is not trusted to be easy.
_SMALLEST_SIZE = 25
_OWN_MARGIN = 0.08
# Beyond this many people the most similar pair says more about their number than about how alike they are.
_LARGE_SIZE = 100


def size_threshold(enrolled: int, fpir: float = DEFAULT_FPIR) -> float:
    """Give the score at which strangers get a match no more often than `fpir`, for easy people.

    Args:
        enrolled: People in the gallery.
        fpir: Accepted false-positive identification rate, 0 to 1 (ISO/IEC 19795-1).

    Returns:
        A cosine similarity.

    >>> round(size_threshold(100), 3)
    0.505
    """
    per_comparison = fpir / max(enrolled, _SMALLEST_SIZE)
    scores = [score for score, _ in _IMPOSTOR_TAIL]
    logs = [math.log10(share) for _, share in _IMPOSTOR_TAIL]
    wanted = math.log10(per_comparison)
    if wanted < logs[-1]:
        slope = (scores[-1] - scores[-2]) / (logs[-1] - logs[-2])
        return scores[-1] + (wanted - logs[-1]) * slope
    return float(np.interp(-wanted, [-value for value in logs], scores))


def own_threshold(templates: Floats, fpir: float = DEFAULT_FPIR) -> float | None:
    """Give the score that a gallery's own people ask for, from comparing them with each other.

    Args:
        templates: (N, 128) unit vectors, one a person.
        fpir: As in `size_threshold`.

    Returns:
        A cosine similarity; None for fewer than two people, who show nothing.
    """
    count = len(templates)
    if count < 2:
        return None
    pairs = (templates @ templates.T)[np.triu_indices(count, 1)]
    if count <= _LARGE_SIZE:
        return float(pairs.max()) + _OWN_MARGIN
    easy = (size_threshold(count, fpir) - _IMPOSTOR_MEAN) / _IMPOSTOR_STD
    return float(pairs.mean() + easy * pairs.std())
