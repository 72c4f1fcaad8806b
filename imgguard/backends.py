"""The seams between imgguard and the models: two Protocols and an explicit choice of who fills them.

A back end only sees pixels and gives plain values; scales, merging and thresholds are decided by the stages, so
that a fake back end is a few lines (see tests/fakes.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imgguard.types import Detection, Floats, Pixels


class Detector(Protocol):
    """Finds faces in a picture as it is given, at its one scale."""

    def detect(self, pixels: Pixels, min_score: float) -> Sequence[Detection]:
        """Find faces.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            min_score: Detections below are left out.

        Returns:
            Detections in the coordinates of `pixels`, in any order, overlapping ones suppressed.
        """


class Embedder(Protocol):
    """Turns an aligned face into a vector."""

    @property
    def model_id(self) -> str:
        """Names the model and its version; vectors of different models cannot be compared."""

    def align(self, pixels: Pixels, landmarks: Floats) -> Pixels:
        """Warp a face to the embedder's own frame.

        Args:
            pixels: (H, W, 3) uint8 RGB that holds the face.
            landmarks: (5, 2) in the coordinates of `pixels`.

        Returns:
            (112, 112, 3) uint8 RGB.
        """

    def embed(self, aligned: Pixels) -> Floats:
        """Give the (128,) float32 unit vector of an aligned face."""


@dataclass(frozen=True, slots=True, eq=False)
class Backends:
    """The models of a run.

    Attributes:
        primary: The detector that searches at every scale and gives landmarks fit for comparing.
        second: The independent second opinion.
        embedder: Makes embeddings.
        weights: The files in use and their SHA-256, for the record.
    """

    primary: Detector
    second: Detector
    embedder: Embedder
    weights: Mapping[str, str]


@cache
def default_backends() -> Backends:
    """Load YuNet, BlazeFace and SFace, once per process.

    Raises:
        WeightsError: if a model file is missing or altered.
    """
    from imgguard.mediapipe_models import BlazeFace
    from imgguard.opencv_models import SFace
    from imgguard.weights import manifest
    from imgguard.yunet import YuNet

    weights = {name: entry.sha256 for name, entry in manifest().items()}
    return Backends(YuNet(), BlazeFace(), SFace(), weights)
