"""How similar is similar enough: the score a match needs, from the gallery's size and from its own people.

The more people are enrolled, the more chances a stranger has to resemble one of them. And the children of one
class resemble each other more than the adults that embedders are measured on; the gallery shows by how much.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgguard.calibration import Calibration
    from imgguard.types import Floats

# Accepted share of strangers (people who are not enrolled) that get a match.
DEFAULT_FPIR = 0.001

# SFace's authors and OpenCV take two photos of this cosine for the same person, in a comparison of two.
SAME_PERSON = 0.363

# A very small gallery has too few pairs to show how alike its people are, so it is not trusted to be easy.
_SMALLEST_SIZE = 25
# A gallery's own spread counts as much as the calibrated one when it is seen on so many people.
_WIDTH_PEOPLE = 30

# Beyond this many people the strangers who reach a high score are mostly relatives of somebody enrolled. No threshold
# keeps them out that would not keep out the enrolled too, so in larger galleries up to so many times more are accepted.
_MEASURED_SIZE = 400
_MOST = 2.5
# The relatives in the data are a handful of pairs, so that their share is known only roughly.
_CAUTION = 1.25
# The part of a measured curve that tells how it goes on, in logarithms of the share.
_LAST_STRETCH = 2.0
# In the data one comparison in 500,000 is of relatives or of people as much alike, and their scores fall slowly.
_RELATIVES_FROM = -math.log(2e-6)
_RELATIVES_SLOPE = 0.08


def size_threshold(
    enrolled: int, calibration: Calibration, fpir: float = DEFAULT_FPIR, references: float = 1.0
) -> float:
    """Give the score at which strangers get a match no more often than `fpir`, for people easy to tell apart.

    Args:
        enrolled: People in the gallery.
        calibration: How strangers score.
        fpir: Accepted false-positive identification rate, 0 to 1 (ISO/IEC 19795-1). It holds up to 400 people
            enrolled, and rises to 2.5 times as much with 1,000 and more.
        references: How many references a person has on average; those averaged from more are a little more like
            everybody.
    """
    return calibrated_at(max(enrolled, _SMALLEST_SIZE), calibration, fpir, references)


def calibrated_at(count: int, calibration: Calibration, fpir: float, references: float = 1.0) -> float:
    """As `size_threshold`, for very small galleries too."""
    more = min(max(count / _MEASURED_SIZE, 1.0), _MOST)
    wanted = -math.log(more * fpir / (count * _CAUTION))
    few, many = min(calibration.tails), max(calibration.tails)
    return float(np.interp(references, (few, many), [_score_at(calibration.tails[k], wanted) for k in (few, many)]))


def _score_at(tail: tuple[tuple[float, float], ...], wanted: float) -> float:
    """Read the score off a curve of falling shares, by their negative logarithm.

    Beyond its end it goes on as it did, as far as unrelated strangers go, and then by the slower fall of relatives.
    """
    scores = [score for score, _ in tail]
    logs = [-math.log(share) for _, share in tail]
    before = next(i for i, value in enumerate(logs) if value > logs[-1] - _LAST_STRETCH)
    slope = (scores[-1] - scores[before]) / (logs[-1] - logs[before])
    relatives = max(_RELATIVES_FROM, logs[-1])
    unrelated = max(min(wanted, relatives) - logs[-1], 0.0)
    return float(np.interp(wanted, logs, scores)) + unrelated * slope + max(wanted - relatives, 0.0) * _RELATIVES_SLOPE


def own_threshold(
    probes: Floats, owners: NDArray[np.intp], templates: Floats, calibration: Calibration, fpir: float = DEFAULT_FPIR
) -> float | None:
    """Give the score that a gallery's own people ask for: each of them is a stranger to all others.

    How near they come to the nearest other person is compared with what is usual in a gallery of this size; by as
    much as they come nearer, and as their scores spread wider, the threshold has to be higher.

    Args:
        probes: (M, 128) prepared single references.
        owners: (M,) numbers of the templates of the same person.
        templates: (N, 128) prepared templates, one a person.
        calibration: How strangers score.
        fpir: As in `size_threshold`.

    Returns:
        A score; None for fewer than two people, who show nothing.
    """
    count = len(templates)
    if count < 2:
        return None
    nearest = nearest_others(probes, owners, templates)
    usual, usual_width = calibration.nearest(count)
    width = max(_blended(float(nearest.std()), usual_width, count), usual_width)
    place = float(nearest.mean())
    unsure = 2 * width / math.sqrt(count)
    ordinary = calibrated_at(count, calibration, fpir)
    if place < usual + unsure:
        return ordinary
    # All scores lie below that of a face with itself: the nearer people are to each other, the less room there is.
    room = (1 - place) / (1 - usual)
    return place + room * (unsure + (ordinary - usual) * width / usual_width)


def nearest_others(probes: Floats, owners: NDArray[np.intp], templates: Floats) -> Floats:
    """Give the score of each person of a gallery with the nearest other one, the mean over the person's references."""
    scores = probes @ templates.T
    scores[np.arange(len(probes)), owners] = -np.inf
    sums = np.bincount(owners, weights=scores.max(axis=1), minlength=len(templates))
    return np.asarray(sums / np.bincount(owners, minlength=len(templates)), np.float32)


def _blended(own: float, usual: float, count: int) -> float:
    """A width seen on few people, held by what is usual."""
    return (count * own + _WIDTH_PEOPLE * usual) / (count + _WIDTH_PEOPLE)
