"""How similar is similar enough: the score a match needs, from the gallery's size and from its own people.

The more people are enrolled, the more chances a stranger has to resemble one of them. And the children of one
class resemble each other more than the adults that embedders are measured on; the gallery shows by how much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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
# In larger galleries so many people are asked how near they come to the others.
_MOST_ASKED = 10_000
# Scores held at once, in single precision: 32 MB.
_BLOCK = 8_000_000
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
    unsure = 2 * width / math.sqrt(len(nearest))
    ordinary = calibrated_at(count, calibration, fpir)
    if place < usual + unsure:
        return ordinary
    # All scores lie below that of a face with itself: the nearer people are to each other, the less room there is.
    room = (1 - place) / (1 - usual)
    return place + room * (unsure + (ordinary - usual) * width / usual_width)


def nearest_others(probes: Floats, owners: NDArray[np.intp], templates: Floats) -> Floats:
    """Give the score of people of a gallery with the nearest other one, the mean over the person's references.

    Returns:
        One score a person; of those of `asked_people` in larger galleries.
    """
    asked = asked_people(len(templates))
    mine = np.flatnonzero(np.isin(owners, asked)) if len(asked) < len(templates) else np.arange(len(probes))
    nearest = np.empty(len(mine), np.float32)
    for rows in blocks(np.arange(len(mine)), len(templates)):
        scores = probes[mine[rows]] @ templates.T
        scores[np.arange(len(rows)), owners[mine[rows]]] = -np.inf
        nearest[rows] = scores.max(axis=1)
    sums = np.bincount(owners[mine], weights=nearest, minlength=len(templates))[asked]
    return np.asarray(sums / np.bincount(owners[mine], minlength=len(templates))[asked], np.float32)


def asked_people(count: int) -> NDArray[np.intp]:
    """Numbers of the people who show how alike a gallery's people are: everybody, or so many, evenly spread.

    Each is compared with everybody, so that asking all of a hundred thousand would take a minute at every start. The
    mean and the width of ten thousand scores are known to one part in a hundred.
    """
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, _MOST_ASKED)).astype(np.intp))


def blocks(rows: NDArray[np.intp], columns: int) -> Iterator[NDArray[np.intp]]:
    """Cut rows so that a product with so many columns stays small in memory."""
    size = max(_BLOCK // max(columns, 1), 1)
    yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _blended(own: float, usual: float, count: int) -> float:
    """A width seen on few people, held by what is usual."""
    return (count * own + _WIDTH_PEOPLE * usual) / (count + _WIDTH_PEOPLE)
