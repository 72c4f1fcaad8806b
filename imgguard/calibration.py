"""What the embedder makes of people it does not know: the measured ground on which scores and thresholds stand.

`bench/identification.py` measures it on a public set of faces and writes `calibration.json`. The file holds sums over
all of them (a mean, a covariance, a curve); nobody's template can be had from it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from imgguard.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgguard.types import Floats

_FILE = "calibration.json"
_DIMENSIONS = 128


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How strangers score with one embedder.

    Attributes:
        model_id: The embedder that it was measured with; it holds for no other.
        made_on: The day of measuring, ISO 8601.
        data: What it was measured on, in words.
        people: How many people that were.
        pictures: Of how many pictures.
        mean: (128,) mean of the people's unit vectors.
        covariance: (128, 128) covariance of the centred unit vectors.
        spread: The typical standard deviation of a face's scores against strangers.
        tails: For one and for three references a person: (score, share of comparisons with strangers that reach it).
        nearests: For galleries of easy people: (how many, mean, standard deviation) of their scores with the nearest
            other person.
    """

    model_id: str
    made_on: str
    data: str
    people: int
    pictures: int
    mean: Floats
    covariance: Floats
    spread: float
    tails: Mapping[int, tuple[tuple[float, float], ...]]
    nearests: tuple[tuple[int, float, float], ...]

    def prepare(self, vectors: Floats) -> Floats:
        """Make unit vectors comparable: the dot product of two prepared ones is their score.

        The mean face is taken out, and a vector is divided by the root of how widely its scores with strangers
        spread, for some faces resemble everybody more than others do. The unit is chosen so that a score is about
        the cosine of the centred vectors. This is symmetric score normalisation with a Gaussian cohort.

        Args:
            vectors: (N, 128) or (128,) unit vectors.

        Returns:
            An array of the same shape.
        """
        centred = vectors - self.mean
        centred = centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-6)
        spreads = np.sqrt(np.einsum("...i,...i->...", centred @ self.covariance, centred))
        return np.asarray(centred * np.sqrt(self.spread / np.maximum(spreads, 1e-6))[..., None], np.float32)

    def nearest(self, people: int) -> tuple[float, float]:
        """Mean and standard deviation of the scores with the nearest other person in a gallery of that size."""
        sizes, means, widths = (np.array(column) for column in zip(*self.nearests, strict=True))
        at = np.log(people)
        return float(np.interp(at, np.log(sizes), means)), float(np.interp(at, np.log(sizes), widths))

    def as_json(self) -> str:
        """The calibration as text; `read_calibration` reads it."""
        upper = self.covariance[np.triu_indices(_DIMENSIONS)]
        values = {
            "model_id": self.model_id,
            "made_on": self.made_on,
            "data": self.data,
            "people": self.people,
            "pictures": self.pictures,
            "spread": self.spread,
            "nearests": self.nearests,
            "tails": {str(references): tail for references, tail in self.tails.items()},
            "mean": _packed(self.mean),
            "covariance_upper": _packed(upper),
        }
        return json.dumps(values, indent=1) + "\n"


def read_calibration(text: str) -> Calibration:
    """Read what `as_json` wrote.

    Raises:
        SetupError: if it is not that.
    """
    try:
        values: dict[str, Any] = json.loads(text)
        covariance = np.zeros((_DIMENSIONS, _DIMENSIONS), np.float32)
        covariance[np.triu_indices(_DIMENSIONS)] = _unpacked(values.pop("covariance_upper"))
        covariance += np.triu(covariance, 1).T
        tails = {int(k): tuple((float(s), float(p)) for s, p in tail) for k, tail in values.pop("tails").items()}
        nearests = tuple((int(n), float(m), float(w)) for n, m, w in values.pop("nearests"))
        mean = _unpacked(values.pop("mean")).reshape(_DIMENSIONS)
        return Calibration(**values, mean=mean, covariance=covariance, tails=tails, nearests=nearests)
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"The calibration file is damaged ({error})", "Install imgguard anew.") from error


@cache
def default_calibration() -> Calibration:
    """The calibration that comes with imgguard."""
    return read_calibration(files("imgguard").joinpath(_FILE).read_text(encoding="utf-8"))


def _packed(values: Floats) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
