"""Back ends that need no model: a face is a bright square of the size and at the place that a test draws."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from imgguard import BoundingBox, Detection, Source
from imgguard.backends import Backends
from imgguard.calibration import Calibration, default_calibration

FACE_COLOUR = (255, 0, 255)
_NEAR_COLOUR = tuple(np.clip(np.array(FACE_COLOUR) + off, 0, 255).astype(np.uint8) for off in (-59, 59))


def landmarks_of(box: BoundingBox) -> np.ndarray:
    shares = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    points = [(box.x1 + x * box.width, box.y1 + y * box.height) for x, y in shares]
    return np.array(points, np.float32)


def detection_at(
    x: float, y: float, width: float, height: float | None = None, source: Source = Source.YUNET, score: float = 0.9
) -> Detection:
    box = BoundingBox(x, y, x + width, y + (height or width))
    return Detection(box, score, landmarks_of(box), source)


@dataclass
class SquareDetector:
    """Finds squares of `FACE_COLOUR`."""

    source: Source = Source.YUNET
    score: float = 0.9
    seen: list[tuple[int, int]] = field(default_factory=list)

    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        self.seen.append(pixels.shape[:2])
        near = cv2.inRange(pixels, *_NEAR_COLOUR)
        if not near.any():
            return []
        count, _, stats, _ = cv2.connectedComponentsWithStats(near)
        boxes = [tuple(float(v) for v in stats[i][:4]) for i in range(1, count) if stats[i][4] >= 16]
        found = [detection_at(*box, source=self.source, score=self.score) for box in boxes]
        return [face for face in found if face.score >= min_score]


class NoDetector:
    def detect(self, pixels: np.ndarray, min_score: float) -> list[Detection]:
        return []


class HashEmbedder:
    """Gives a unit vector that depends on every pixel: the same picture is the same person, any other another."""

    model_id = "hash"

    def align(self, pixels: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(cv2.resize(pixels, (112, 112)))

    def embed(self, aligned: np.ndarray) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(aligned.tobytes()).digest()[:8], "big")
        vector = np.random.default_rng(seed).normal(size=128).astype(np.float32)
        return vector / np.linalg.norm(vector)


def fake_backends(primary: object | None = None, second: object | None = None) -> Backends:
    return Backends(primary or SquareDetector(), second or NoDetector(), HashEmbedder(), {})  # type: ignore[arg-type]


def plain_calibration(model_id: str) -> Calibration:
    """The shipped thresholds for vectors whose score is their cosine."""
    measured = default_calibration()
    covariance = np.eye(128, dtype=np.float32) * measured.spread**2
    return replace(measured, model_id=model_id, mean=np.zeros(128, np.float32), covariance=covariance)
